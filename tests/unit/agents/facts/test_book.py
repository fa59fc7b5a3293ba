"""The agent's book of facts: what waits for the centre, since when it is so, what outlasts a restart."""

import random
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.facts.book import FACTS_MAX, FactBook
from agents.facts.messages import VALUE_MAX_CHARS, DeviceFacts, FactsMessage, FactsReceipt, is_key, spelled
from beket.kernel import wire
from beket.kernel.clock import SimulatedClock
from beket.kernel.errors import NoSpace
from beket.kernel.ids import DeviceId

GOLDEN = Path(__file__).parents[3] / "fixtures" / "wire" / "1"
ROUTER, SWITCH = DeviceId("router"), DeviceId("switch")
MUCH = 10**6


def told(book: FactBook, max_bytes: int = MUCH) -> list[DeviceFacts]:
    taken = book.take(max_bytes)
    if taken is None:
        return []
    book.acknowledge(taken[1])
    return taken[0].devices


def values(page: DeviceFacts) -> dict[str, str]:
    return {fact.key: fact.value for fact in page.facts}


def test_a_fact_waits_until_the_centre_has_it_and_is_confirmed_now_and_then() -> None:
    clock = SimulatedClock()
    book = FactBook(None, clock=clock, confirm_every_s=900)
    assert book.take(MUCH) is None
    book.note(ROUTER, "snmp", {"model": "hEX", "firmware": "6.48"})
    assert book.take(MUCH) is not None
    (first,) = told(book)
    assert values(first) == {"model": "hEX", "firmware": "6.48"}
    for _ in range(14):
        clock.pass_time(60)
        book.note(ROUTER, "snmp", {"model": "hEX", "firmware": "6.48"})
        assert not told(book)
    clock.pass_time(60)
    (again,) = told(book)
    assert again.sequence > first.sequence
    assert again.facts[0].since_ms == first.facts[0].since_ms
    assert again.facts[0].seen_ms == first.facts[0].seen_ms + 14 * 60_000
    clock.pass_time(3600)
    assert not told(book), "a silent device is not confirmed"


def test_a_change_is_told_at_once_and_only_it_has_a_new_date() -> None:
    clock = SimulatedClock()
    book = FactBook(None, clock=clock)
    book.note(ROUTER, "snmp", {"model": "hEX", "firmware": "6.48"})
    told(book)
    clock.pass_time(60)
    book.note(ROUTER, "snmp", {"model": "hEX", "firmware": "6.49"})
    (page,) = told(book)
    since = {fact.key: fact.since_ms for fact in page.facts}
    assert since["firmware"] == since["model"] + 60_000


def test_what_was_not_read_this_time_stays_and_what_a_whole_list_lacks_is_gone() -> None:
    book = FactBook(None, clock=SimulatedClock())
    book.note(ROUTER, "snmp", {"model": "hEX", "firmware": "6.48"})
    book.note(ROUTER, "snmp", {"model": "hEX", "serial": ""})
    book.note(ROUTER, "lldp", {"neighbour/a": "x", "neighbour/b": "y"}, is_whole=True)
    book.note(ROUTER, "lldp", {"neighbour/b": "y"}, is_whole=True)
    snmp, lldp = told(book)
    assert values(snmp) == {"model": "hEX", "firmware": "6.48"}
    assert (values(lldp), lldp.is_whole) == ({"neighbour/b": "y"}, True)
    book.note(SWITCH, "lldp", {}, is_whole=True)
    assert [(page.device, page.facts) for page in told(book)] == [(SWITCH, [])], "nobody is there is a fact too"


def test_what_changed_while_it_travelled_still_waits() -> None:
    book = FactBook(None, clock=SimulatedClock())
    book.note(ROUTER, "snmp", {"firmware": "6.48"})
    taken = book.take(MUCH)
    assert taken
    book.note(ROUTER, "snmp", {"firmware": "6.49"})
    book.acknowledge(taken[1])
    (page,) = told(book)
    assert values(page) == {"firmware": "6.49"}


def test_a_restart_keeps_the_dates_and_a_spoiled_file_costs_only_them(tmp_path: Path) -> None:
    clock, path = SimulatedClock(), tmp_path / "facts.json"
    book = FactBook(path, clock=clock)
    book.note(ROUTER, "snmp", {"firmware": "6.48"})
    book.save()
    since_ms = told(book)[0].facts[0].since_ms
    clock.pass_time(86_400)
    again = FactBook(path, clock=clock)
    assert again.id != book.id
    again.note(ROUTER, "snmp", {"firmware": "6.48"})
    assert told(again)[0].facts[0].since_ms == since_ms
    for damage in (b"", b"[", b"\xff" * 9, b'[{"device":1}]', b"[" * 100_000):
        path.write_bytes(damage)
        assert FactBook(path, clock=clock).take(MUCH) is None


def test_a_disk_that_takes_nothing_is_said_and_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    path.mkdir()
    book = FactBook(path, clock=SimulatedClock())
    book.note(ROUTER, "snmp", {"firmware": "6.48"})
    for _ in range(2):
        with pytest.raises(NoSpace):
            book.save()
    assert told(book)


def test_messages_are_bounded_and_devices_that_left_are_forgotten() -> None:
    book = FactBook(None, clock=SimulatedClock())
    for n in range(30):
        book.note(DeviceId(f"d{n}"), "snmp", {f"fact-{i}": "x" * 500 for i in range(20)})
    sizes = []
    while pages := told(book, 50_000):
        sizes.append(len(pages))
    assert sum(sizes) == 30
    assert max(sizes) <= 5
    book.keep_only([DeviceId("d1")])
    book.note(DeviceId("d1"), "snmp", {"fact-1": "new"})
    assert [page.device for page in told(book)] == ["d1"]


def test_a_device_that_says_ever_new_things_fills_nothing() -> None:
    clock = SimulatedClock()
    book = FactBook(None, clock=clock)
    for n in range(3 * FACTS_MAX):
        clock.pass_time(1)
        book.note(ROUTER, "snmp", {f"part/{n}": "x", "firmware": "6.49", "Bad key": "x"})
    (page,) = told(book)
    assert len(page.facts) == FACTS_MAX
    assert values(page)["firmware"] == "6.49"


@given(st.one_of(st.text(max_size=3000), st.floats(), st.dictionaries(st.text(), st.text(), max_size=40)))
def test_whatever_a_device_says_travels_as_one_short_line(value: str | float | dict[str, str]) -> None:
    text, kind = spelled(value)
    assert len(text) <= VALUE_MAX_CHARS
    assert text.isprintable()
    if kind == "fields" and text:
        assert msgspec.json.decode(text, type=dict[str, str])


@given(st.text(max_size=120))
def test_no_name_of_a_fact_is_long_or_unprintable(key: str) -> None:
    if is_key(key):
        assert len(key) <= 97
        assert key.isprintable()


def test_the_golden_message_is_what_we_write() -> None:
    data = (GOLDEN / "facts-message.json").read_bytes().rstrip()
    assert wire.encode(wire.decode(data, FactsMessage)) == data
    receipt = wire.decode((GOLDEN / "facts-receipt.json").read_bytes(), FactsReceipt)
    assert (receipt.taken, receipt.changes) == (3, 1)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens_the_centre_ends_with_what_was_seen_last(seed: int) -> None:
    rng, clock = random.Random(seed), SimulatedClock()
    book, here = FactBook(None, clock=clock), {}
    centre: dict[tuple[str, str], dict[str, str]] = {}
    for _ in range(200):
        clock.pass_time(rng.random() * 100)
        if rng.random() < 0.5:
            device, fact = DeviceId(rng.choice("ab")), rng.choice(["model", "firmware"])
            here.setdefault((device, "snmp"), {})[fact] = value = str(rng.randrange(3))
            book.note(device, "snmp", {fact: value})
        elif taken := book.take(rng.choice([1, MUCH])):
            centre |= {(page.device, page.source): values(page) for page in taken[0].devices}
            if rng.random() < 0.5:  # else the answer was lost on its way
                book.acknowledge(taken[1])
    while taken := book.take(MUCH):
        centre |= {(page.device, page.source): values(page) for page in taken[0].devices}
        book.acknowledge(taken[1])
    assert centre == here
