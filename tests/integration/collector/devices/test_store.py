"""Facts of devices in a real facts.db."""

import itertools
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.facts.book import FactBook
from beket.kernel import wire
from beket.kernel.clock import NS_PER_S, SimulatedClock
from beket.kernel.database import Database
from beket.kernel.errors import ProtocolError
from beket.kernel.ids import AgentId, CommunityId, DeviceId, SiteId
from beket.kernel.inventory import Community, Device, Inventory
from beket.kernel.metrics import Instruments
from collector.devices.admission import FACTS_MAX, SOURCES_MAX
from collector.devices.messages import DeviceFacts, Fact, FactsMessage, FactsReceipt
from collector.devices.store import CHANGES_KEPT_S, CHANGES_PER_FACT, FactStore
from collector.inventory.tables import FACTS_MIGRATIONS

SCHOOL, COUNCIL = SiteId("school"), SiteId("council")
AGENT = AgentId("school-1")
ROUTER, SWITCH = DeviceId("router"), DeviceId("switch")
MUCH = 10**6
DAY_S = 86_400


class Known:
    def current(self) -> Inventory:
        devices = tuple(
            Device(id=one, site=site, name=one, kind="router", address="192.0.2.1")
            for one, site in ((ROUTER, SCHOOL), (SWITCH, COUNCIL))
        )
        return Inventory(version=1, community=Community(id=CommunityId("c"), name="c"), devices=devices)


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock()


@pytest.fixture
def instruments() -> Instruments:
    return Instruments()


@pytest.fixture
def store(tmp_path: Path, clock: SimulatedClock, instruments: Instruments) -> Iterator[FactStore]:
    database = Database(tmp_path / "facts.db", migrations=FACTS_MIGRATIONS)
    yield FactStore(database, Known(), instruments=instruments, clock=clock)
    database.close()


def tell(store: FactStore, book: FactBook, *, site: SiteId = SCHOOL) -> FactsReceipt:
    taken = book.take(MUCH)
    assert taken
    book.acknowledge(taken[1])
    return wire.decode(store.take(site, AGENT, wire.encode(taken[0])), FactsReceipt)


def raw(store: FactStore, sequence: int, firmware: str, *, sent_ms: int = 0, **values: object) -> FactsReceipt:
    facts = [Fact("firmware", firmware, 0, 0)] if firmware else []
    device = DeviceFacts(ROUTER, "snmp", sequence, facts)
    message = FactsMessage("book", sent_ms, [device])
    return wire.decode(store.take(SCHOOL, AGENT, wire.encode(message)), FactsReceipt)


def changes(store: FactStore) -> list[tuple[str, str, str]]:
    return [(one.key, one.before, one.after) for one in store.changes(ROUTER)]


def test_a_firmware_that_changed_is_a_fact_with_a_date(store: FactStore, clock: SimulatedClock) -> None:
    book = FactBook(None, clock=clock)
    born_ns = clock.wall_ns()
    book.note(ROUTER, "snmp", {"model": "hEX", "firmware": "6.48"})
    assert tell(store, book) == FactsReceipt(2, 0, 0)
    clock.pass_time(DAY_S)
    book.note(ROUTER, "snmp", {"model": "hEX", "firmware": "6.49"})
    changed_ns = clock.wall_ns()
    clock.pass_time(3 * DAY_S)  # the line was broken, and the agent's clock is wrong since
    clock.step_wall(-40 * 365 * DAY_S)
    taken = book.take(MUCH)
    clock.step_wall(40 * 365 * DAY_S)
    assert taken
    store.take(SCHOOL, AGENT, wire.encode(taken[0]))
    (change,) = store.changes(ROUTER)
    assert (change.before, change.after) == ("6.48", "6.49")
    assert born_ns <= change.wall_ns <= clock.wall_ns()
    found = {one.key: one for one in store.facts(ROUTER)}
    assert found["firmware"].value == "6.49"
    assert found["firmware"].first_wall_ns == born_ns
    assert found["model"].since_wall_ns == born_ns
    assert changed_ns > born_ns


def test_days_without_the_centre_do_not_move_a_change_to_another_day(store: FactStore, clock: SimulatedClock) -> None:
    book = FactBook(None, clock=clock)
    book.note(ROUTER, "snmp", {"firmware": "6.48"})
    tell(store, book)
    clock.pass_time(DAY_S)
    book.note(ROUTER, "snmp", {"firmware": "6.49"})
    changed_ns = clock.wall_ns()
    clock.pass_time(3 * DAY_S)
    assert tell(store, book).changes == 1
    assert abs(store.changes(ROUTER)[0].wall_ns - changed_ns) < NS_PER_S
    assert abs(store.facts(ROUTER)[0].seen_wall_ns - changed_ns) < NS_PER_S


def test_the_same_twice_changes_nothing_and_what_comes_late_is_not_believed(store: FactStore) -> None:
    assert raw(store, 1, "6.48") == FactsReceipt(1, 0, 0)
    assert raw(store, 2, "6.49").changes == 1
    assert raw(store, 2, "6.49").changes == 0
    assert raw(store, 1, "6.48") == FactsReceipt(1, 0, 0)
    assert [one.value for one in store.facts(ROUTER)] == ["6.49"]
    assert changes(store) == [("firmware", "6.48", "6.49")]
    raw(store, 3, "")
    assert [one.value for one in store.facts(ROUTER)] == ["6.49"], "what was not read this time stays"


def test_of_a_whole_list_what_is_missing_is_gone_and_that_is_remembered(
    store: FactStore, clock: SimulatedClock
) -> None:
    book = FactBook(None, clock=clock)
    book.note(ROUTER, "lldp", {"neighbour/ether1": {"name": "sw-1", "port": "1"}}, is_whole=True)
    assert tell(store, book).changes == 0
    book.note(ROUTER, "lldp", {"neighbour/ether2": {"name": "sw-1", "port": "1"}}, is_whole=True)
    assert tell(store, book).changes == 2
    (left,) = store.facts(source="lldp")
    assert store.facts(keys=("firmware", left.key)) == [left]
    assert (left.key, left.fields) == ("neighbour/ether2", {"name": "sw-1", "port": "1"})
    assert sorted((key, bool(before), bool(after)) for key, before, after in changes(store)) == [
        ("neighbour/ether1", True, False), ("neighbour/ether2", False, True),
    ]  # fmt: skip


def test_an_agent_speaks_of_its_own_site_only(store: FactStore, instruments: Instruments) -> None:
    for device in (SWITCH, DeviceId("nobody")):
        book = FactBook(None, clock=SimulatedClock())
        book.note(device, "snmp", {"firmware": "evil", "model": "evil"})
        assert tell(store, book) == FactsReceipt(0, 2, 0)
    assert not store.facts()
    (counted,) = instruments.read(0)
    assert (dict(counted.labels), counted.value) == ({"site": SCHOOL, "reason": "other-site"}, 4)
    with pytest.raises(ProtocolError):
        store.take(SCHOOL, AGENT, b"\xff")


def test_a_device_that_says_ever_new_things_fills_nothing(store: FactStore, clock: SimulatedClock) -> None:
    book = FactBook(None, clock=clock)
    for n in range(CHANGES_PER_FACT + 20):
        book.note(ROUTER, "snmp", {"description": str(n), "firmware": "1" if n < 5 else "2"})
        tell(store, book)
    kept = changes(store)
    assert sum(key == "description" for key, _, _ in kept) <= CHANGES_PER_FACT
    assert ("firmware", "1", "2") in store_all(store)
    for n in range(SOURCES_MAX + 3):
        book.note(ROUTER, f"source-{n}", {"firmware": "1"})
    assert tell(store, book).refused == 4, "one source spoke before"
    for n in range(3):
        facts = [Fact(f"part{n}/{i}", "x", 0, 0) for i in range(FACTS_MAX)]
        message = FactsMessage("book", 0, [DeviceFacts(ROUTER, "snmp", n, facts)])
        store.take(SCHOOL, AGENT, wire.encode(message))
        assert len(store.facts(ROUTER, source="snmp")) == FACTS_MAX


def test_changes_are_kept_for_years_and_no_longer(store: FactStore, clock: SimulatedClock) -> None:
    raw(store, 1, "6.48")
    raw(store, 2, "6.49")
    clock.pass_time(CHANGES_KEPT_S + DAY_S)
    raw(store, 3, "7.1", sent_ms=1)
    assert [after for _, _, after in changes(store)] == ["7.1"]


@pytest.mark.parametrize("seed", range(10))
def test_lost_answers_and_repeats_leave_one_truth(store: FactStore, clock: SimulatedClock, seed: int) -> None:
    rng, book = random.Random(seed), FactBook(None, clock=clock)
    posts: list[bytes] = []
    truth = ""
    for _ in range(60):
        clock.pass_time(rng.random() * 100)
        truth = str(rng.randrange(3))
        book.note(ROUTER, "snmp", {"firmware": truth})
        if taken := book.take(MUCH):
            posts.append(wire.encode(taken[0]))
            if rng.random() < 0.8:
                store.take(SCHOOL, AGENT, posts[-1])
                if rng.random() < 0.5:
                    book.acknowledge(taken[1])
        if posts and rng.random() < 0.2:
            store.take(SCHOOL, AGENT, rng.choice(posts))
    if taken := book.take(MUCH):
        store.take(SCHOOL, AGENT, wire.encode(taken[0]))
    (found,) = store.facts(ROUTER)
    assert found.value == truth
    story = [(one.before, one.after) for one in reversed(store.changes(ROUTER))]
    assert all(before != after for before, after in story)
    assert all(one[1] == two[0] for one, two in itertools.pairwise(story)), "each change starts where one ended"


def store_all(store: FactStore) -> list[tuple[str, str, str]]:
    return [(one.key, one.before, one.after) for one in store.changes(ROUTER, limit=1000)]
