"""The lab of misbehaving agents: whatever a device does, a poll ends, tells what is lacking, calls nobody dead.

Each row of `MISBEHAVIOURS` is an agent on a UDP port; agents/design/0031-misbehaving-agents.md has the same rows
in words.
"""

import asyncio
import dataclasses
import random
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from agents.network.device_poll import DevicePolls, Reading, parse_address
from agents.network.icmp import Pinger
from agents.network.metrics import METRICS
from agents.network.module_files import load_shipped
from agents.network.snmp.backends import Backends
from agents.network.snmp.bulk_memory import BUDGET_VARBINDS, BulkMemory
from beket.kernel.clock import SimulatedClock, SystemClock
from beket.kernel.errors import TimedOut
from beket.kernel.ids import DeviceId, SiteId
from beket.kernel.inventory import Device
from beket.kernel.metrics import Catalogue
from beket.kernel.secrets import SecretFolder
from beket.sim import snmp_ber as ber
from beket.sim.snmp_agent import Mib, Value
from beket.testing.process import free_udp_port
from beket.testing.snmp_responder import (
    COLUMNS,
    IF_X_ENTRY,
    SYSTEM,
    Behaviour,
    Send,
    Turn,
    _send,
    parts_of,
    responder,
    switch,
)

PORTS = 12
POLL_MAX_S = 8
TIMEOUT_S = 0.08
SWITCH = switch(*range(1, PORTS + 1))
MODULES = load_shipped(Catalogue(METRICS))


def poll(address: str, times: int = 1) -> Reading:
    """The last of so many polls."""
    return polls(address, times)[-1]


def polls(address: str, times: int = 1, *, version: str = "v2c", memory: BulkMemory | None = None) -> list[Reading]:
    """So many polls. Ping proves nothing, since this machine answers it for every device here."""

    async def run() -> list[Reading]:
        clock, rng = SystemClock(), random.Random(7)
        snmp, pinger = Backends(clock=clock, rng=rng, memory=memory), Pinger(clock=clock, rng=rng)
        try:
            device_polls = DevicePolls(
                snmp=snmp,
                pinger=pinger,
                modules=MODULES,
                secrets=SecretFolder(Path("/nonexistent")),
                clock=clock,
                timeout_s=TIMEOUT_S,
                ping_proves_life=False,
            )
            device = Device(id=DeviceId("sw"), site=SiteId("s"), name="Комутатор", address=address, snmp=version)
            readings = [await device_polls.poll(device)]
            for _ in range(times - 1):
                await asyncio.sleep(TIMEOUT_S * 4)
                readings.append(await device_polls.poll(device))
            return readings
        finally:
            snmp.close()
            pinger.close()

    return asyncio.run(run())


# How agents misbehave -------------------------------------------------------------------------------------------------


def honest(turn: Turn) -> list[bytes]:
    return [turn.honest]


def cycles(turn: Turn) -> list[bytes]:
    """1, 2, 3, 1, 2, 3: a walk begins anew whatever was asked."""
    if not turn.is_walk:
        return [turn.honest]
    bindings = []
    for number in range(turn.repetitions):
        for name in turn.request.names:
            column = name if len(name) in (10, 11) and name[:-1] in _ENTRIES else name[:-1]
            row = (*column, number % 3 + 1)
            place = turn.mib.find(row)
            bindings.append(turn.mib.varbind(place) if place is not None else end(row))
    return [turn.reply(bindings)]


SYS_NAME = (*SYSTEM, 5, 0)
_ENTRIES = {IF_X_ENTRY, (1, 3, 6, 1, 2, 1, 2, 2, 1)}


def end(name: ber.Oid) -> bytes:
    return ber.compose_varbind(ber.encode_oid(name), ber.END_OF_MIB_VIEW)


def same_for_ever(turn: Turn) -> list[bytes]:
    if not turn.is_walk:
        return [turn.honest]
    return [turn.reply([turn.mib.varbind(turn.mib.find((*IF_X_ENTRY, 1, 1)) or 0)] * 30)]


def too_big_unless_few(turn: Turn) -> list[bytes]:
    return [turn.reply([], status=1)] if len(turn.bindings()) > COLUMNS else [turn.honest]


def always_too_big(turn: Turn) -> list[bytes]:
    return [turn.reply([], status=1)] if turn.is_walk else [turn.honest]


def silent_unless_few(turn: Turn) -> list[bytes]:
    return [] if len(turn.bindings()) > COLUMNS else [turn.honest]


def loses_every_second(turn: Turn) -> list[bytes]:
    return [turn.honest] if turn.number % 2 == 0 else []


def repeats_the_last_answer_late(turn: Turn) -> list[bytes]:
    before = turn.memory.get("last", b"")
    turn.memory["last"] = turn.honest
    return [before, turn.honest] if before else [turn.honest]


def says_everything_twice(turn: Turn) -> list[bytes]:
    return [turn.honest, turn.honest]


def with_values(tag: int, value: bytes) -> Behaviour:
    """All values of one type are these octets."""

    def behave(turn: Turn) -> list[bytes]:
        bindings = []
        for binding in turn.bindings():
            name, old = parts_of(binding)
            bindings.append(ber.compose_varbind(name, value if old[0] == tag else old))
        return [turn.reply(bindings)]

    return behave


def cuts_in_half_what_is_long(turn: Turn) -> list[bytes]:
    return [turn.honest if len(turn.bindings()) <= COLUMNS else turn.honest[: len(turn.honest) // 2]]


def cuts_every_table(turn: Turn) -> list[bytes]:
    return [turn.honest[: len(turn.honest) // 2] if turn.is_walk else turn.honest]


def one_row_an_answer(turn: Turn) -> list[bytes]:
    return [turn.reply(turn.bindings()[: len(turn.request.names)])]


def one_value_an_answer(turn: Turn) -> list[bytes]:
    return [turn.reply(turn.bindings()[:1]) if turn.is_walk else turn.honest]


def more_than_asked(turn: Turn) -> list[bytes]:
    if not turn.is_walk or turn.request.pdu is not ber.Pdu.GET_BULK:
        return [turn.honest]
    bindings, names = [], list(turn.request.names)
    for _ in range(turn.repetitions * 3):
        for place, name in enumerate(names):
            after = turn.mib.after(name)
            bindings.append(end(name) if after is None else turn.mib.varbind(after))
            names[place] = name if after is None else turn.mib.name(after)
    return [turn.reply(bindings)]


def each_row_twice(turn: Turn) -> list[bytes]:
    if not turn.is_walk:
        return [turn.honest]
    width, bindings = len(turn.request.names), turn.bindings()
    rows = [bindings[at : at + width] for at in range(0, len(bindings), width)]
    return [turn.reply([binding for row in rows for binding in (*row, *row)])]


def empty(turn: Turn) -> list[bytes]:
    return [turn.reply([])] if turn.is_walk else [turn.honest]


def something_else_instead_of_a_table(turn: Turn) -> list[bytes]:
    return [turn.reply([turn.mib.varbind(0)] * len(turn.request.names))] if turn.is_walk else [turn.honest]


def echoes(turn: Turn) -> list[bytes]:
    names = [ber.compose_varbind(ber.encode_oid(name), ber.NULL_VALUE) for name in turn.request.names]
    return [turn.reply(names)] if turn.is_walk else [turn.honest]


def fails_in_one_column(turn: Turn) -> list[bytes]:
    for place, name in enumerate(turn.request.names, start=1):
        if name[: len(IF_X_ENTRY) + 1] == (*IF_X_ENTRY, 18):
            return [turn.reply([], status=5, index=place)]
    return [turn.honest]


def fails_in_one_column_and_does_not_say_where(turn: Turn) -> list[bytes]:
    is_hit = any(name[: len(IF_X_ENTRY) + 1] == (*IF_X_ENTRY, 18) for name in turn.request.names)
    return [turn.reply([], status=5)] if is_hit else [turn.honest]


def fails_in_one_scalar(turn: Turn) -> list[bytes]:
    names = turn.request.names
    if turn.is_walk or SYS_NAME not in names:
        return [turn.honest]
    return [turn.reply([], status=5, index=names.index(SYS_NAME) + 1)]


def fails_in_one_scalar_and_does_not_say_where(turn: Turn) -> list[bytes]:
    is_hit = not turn.is_walk and SYS_NAME in turn.request.names
    return [turn.reply([], status=5)] if is_hit else [turn.honest]


def fails_in_one_column_and_dies(turn: Turn) -> list[bytes]:
    return fails_in_one_column(turn) if turn.number <= 3 else []


def refuses_tables(turn: Turn) -> list[bytes]:
    return [turn.reply([], status=16)] if turn.is_walk else [turn.honest]


def refuses_all(turn: Turn) -> list[bytes]:
    return [turn.reply([], status=16)]


def answers_other_questions(turn: Turn) -> list[bytes]:
    return [_with_id(turn, turn.request.request_id ^ 1)]


def answers_too_late(turn: Turn) -> list[bytes]:
    time.sleep(TIMEOUT_S * 2.5)  # after the last attempt, before the poll of the next device would be
    return [turn.honest]


def _with_id(turn: Turn, request_id: int) -> bytes:
    other = dataclasses.replace(turn.request, request_id=request_id)
    return ber.compose_response(other, b"".join(turn.bindings()))


def garbage_first(turn: Turn) -> list[bytes]:
    return [b"", b"\x30\x03abc", b"\xff" * 500, b"\x30\x84\xff\xff\xff\xff" * 9, turn.honest]


def falls_silent_in_the_table(turn: Turn) -> list[bytes]:
    return [turn.honest] if turn.number <= 3 else []


def answers_in_version_1(turn: Turn) -> list[bytes]:
    return [turn.honest.replace(b"\x02\x01\x01\x04", b"\x02\x01\x00\x04", 1)]


def long_forms(turn: Turn) -> list[bytes]:
    inner = turn.honest
    size, start = inner[1], 2
    if size > 127:
        start += size & 127
    return [b"\x30\x84" + len(inner[start:]).to_bytes(4) + inner[start:] + b"trailing"]


def ends_its_view_at_once(turn: Turn) -> list[bytes]:
    return [turn.reply([end(name) for name in turn.request.names])] if turn.is_walk else [turn.honest]


class TextOrder(Mib):
    """An agent that sorts its rows as text: 1, 10, 11, 12, 2, …"""

    def after(self, name: ber.Oid) -> int | None:
        column = name if (*name, 1) in self._place else name[:-1]
        if (*column, 1) not in self._place:
            return super().after(name)
        rows = sorted((n[-1] for n in self._names if n[:-1] == column), key=str)
        rows = rows if name == column else rows[rows.index(name[-1]) + 1 :]
        return self._place[(*column, rows[0])] if rows else super().after((*column, 2**32 - 1))


def text_order() -> Mib:
    return TextOrder({SWITCH.name(place): SWITCH.value(place) for place in range(len(SWITCH))})


def long_indexes() -> Mib:
    """Ports 1 and 2, and a third whose index is a text of twelve letters and its length."""
    honest_mib = switch(1, 2, 3)
    names = [honest_mib.name(place) for place in range(len(honest_mib))]
    spelled = (12, *b"twelve chars")
    return Mib(
        {
            (*name[:-1], *spelled) if name[-1] == 3 and len(name) > 9 else name: honest_mib.value(place)
            for place, name in enumerate(names)
        }
    )


def from_another_port(sock: socket.socket, data: bytes, address: tuple[str, int]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        other.sendto(data, address)


@dataclass(frozen=True)
class Case:
    """A misbehaviour, and whether the last of `polls` is whole nevertheless; `ports` have traffic."""

    behave: Behaviour = honest
    ports: int = PORTS
    is_whole: bool = True
    mib: Mib = SWITCH
    send: Send = _send
    polls: int = 1


FF32, FF64 = b"\x41\x04\xff\xff\xff\xff", b"\x46\x08" + b"\xff" * 8
MISBEHAVIOURS = {
    "rows come round and round": Case(cycles, ports=3, is_whole=False),
    "the same row for ever": Case(same_for_ever, ports=0, is_whole=False),
    "tooBig unless asked for few": Case(too_big_unless_few),
    "tooBig for every table": Case(always_too_big, ports=0, is_whole=False),
    "silent unless asked for few": Case(silent_unless_few),
    "every second datagram lost": Case(loses_every_second),
    "the last answer comes again, late": Case(repeats_the_last_answer_late),
    "every answer comes twice": Case(says_everything_twice),
    "answers from another port": Case(send=from_another_port),
    "Counter32 as FF FF FF FF": Case(with_values(ber.COUNTER32, FF32)),
    "Counter64 as eight FF": Case(with_values(ber.COUNTER64, FF64)),
    "Counter32 of five octets": Case(with_values(ber.COUNTER32, b"\x41\x05\x01\x00\x00\x00\x00")),
    "a number of twelve octets": Case(with_values(ber.COUNTER32, b"\x41\x0c" + b"\x01" * 12)),
    "an unknown type": Case(with_values(ber.GAUGE32, b"\x12\x02hi")),
    "values without a value": Case(with_values(ber.COUNTER32, b"\x05\x00")),
    "an index over 2^31": Case(mib=switch(2_505_939_219, 7), ports=2),
    "an index over 2^32, which no index may be": Case(mib=switch(2**32 + 5, 5), ports=2),
    "indexes of many numbers": Case(mib=long_indexes(), ports=2, is_whole=False),
    "rows in the order of text": Case(mib=text_order()),
    "one row an answer": Case(one_row_an_answer),
    "one value an answer": Case(one_value_an_answer),
    "more rows than were asked for": Case(more_than_asked),
    "each row twice": Case(each_row_twice, ports=5, is_whole=False),
    "an empty answer": Case(empty, ports=0, is_whole=False),
    "long answers cut in half": Case(cuts_in_half_what_is_long),
    "every table cut in half": Case(cuts_every_table, ports=0, is_whole=False),
    "names in cp1251": Case(mib=switch(*range(1, PORTS + 1), name="Порт {}", encoding="cp1251")),
    "names that are no text": Case(with_values(ber.OCTET_STRING, b"\x04\x03\x00\xff\x9f")),
    "names of 3,000 letters": Case(with_values(ber.OCTET_STRING, ber.wrap(ber.OCTET_STRING, b"x" * 3000))),
    "another table instead": Case(something_else_instead_of_a_table, ports=0, is_whole=False),
    "the question comes back as the answer": Case(echoes, ports=0, is_whole=False),
    "a column that breaks, named": Case(fails_in_one_column, is_whole=False),
    "a column that breaks, not named": Case(fails_in_one_column_and_does_not_say_where, is_whole=False),
    "a scalar that breaks, named": Case(fails_in_one_scalar, is_whole=False),
    "a scalar that breaks, not named": Case(fails_in_one_scalar_and_does_not_say_where, is_whole=False),
    "a column that breaks, then silence": Case(fails_in_one_column_and_dies, ports=5, is_whole=False),
    "tables refused": Case(refuses_tables, ports=0, is_whole=False),
    "everything refused": Case(refuses_all, ports=0, is_whole=False),
    "answers to other questions": Case(answers_other_questions, ports=0, is_whole=False),
    "answers after the time is over": Case(answers_too_late, ports=0, is_whole=False, polls=2),
    "garbage before each answer": Case(garbage_first),
    "silence in the middle of a table": Case(falls_silent_in_the_table, ports=10, is_whole=False),
    "answers of version 1": Case(answers_in_version_1),
    "long-form lengths and trailing octets": Case(long_forms),
    "no tables at all": Case(ends_its_view_at_once, ports=0),
}


@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_a_poll_ends_tells_what_is_lacking_and_calls_nobody_dead(name: str) -> None:
    case = MISBEHAVIOURS[name]
    with responder(case.mib, case.behave, case.send) as address:
        began_s = time.monotonic()
        reading = poll(address, times=case.polls)
        lasted_s = time.monotonic() - began_s
    assert lasted_s < POLL_MAX_S
    assert reading.is_up
    traffic = [point for point in reading.points if point.name == "port_in_bytes_total"]
    assert (len(traffic), reading.error is None) == (case.ports, case.is_whole), reading.error


def test_the_design_note_has_a_line_for_each_row() -> None:
    note = Path("agents/design/0031-misbehaving-agents.md").read_text()
    assert not [name for name in MISBEHAVIOURS if f"| {name} |" not in note]


def test_the_lab_can_tell_a_dead_device() -> None:
    reading = poll(f"127.0.0.1:{free_udp_port()}")
    assert not reading.is_up
    assert reading.error is not None


def test_an_index_that_no_index_may_be_is_neither_cut_to_another_nor_a_second_row() -> None:
    with responder(switch(2**32 + 5, 5), honest) as address:
        reading = poll(address)
    traffic = [(dict(p.labels)["port"], p.value) for p in reading.points if p.name == "port_in_bytes_total"]
    assert sorted(traffic) == [("ge4294967301", 302), ("ge5", 6)]


def test_rows_of_a_family_with_long_indexes_come_and_those_that_no_label_could_hold_are_told() -> None:
    inputs = (*UPS, 3, 3, 1, 3)
    indexes = [(5, *b"hello"), (0, 27, 84, 171, 205, 239, 1), tuple([200] * 20)]
    rows = {(*inputs, *index): ber.encode_int(231) for index in indexes}
    mib = Mib({UPS_MIB.name(place): UPS_MIB.value(place) for place in range(len(UPS_MIB))} | rows)
    with responder(mib, honest) as address:
        reading = poll(address)
    volts = {dict(p.labels)["part"]: p.value for p in reading.points if p.name == "ups_input_volts"}
    assert sorted(volts.values()) == [231, 231]
    assert all(any(".".join(map(str, index)) in part for part in volts) for index in indexes[:2])
    assert reading.error is not None
    assert "(1)" in reading.error.message.uk


def test_a_probe_that_is_lost_is_told_and_takes_no_family_away() -> None:
    """The device restarts before the second poll, so that it is looked at anew, and its probes are lost."""
    system_asked: list[int] = []

    def behave(turn: Turn) -> list[bytes]:
        names = turn.request.names
        if SYS_NAME in names:
            system_asked.append(turn.number)
        is_probe = not turn.is_walk and any(name[:7] == (1, 3, 6, 1, 4, 1, 32473) for name in names)
        return [] if is_probe and len(system_asked) == 2 else [turn.honest]

    uptimes = iter([5000, 10, 20])
    values = {UPS_MIB.name(place): UPS_MIB.value(place) for place in range(len(UPS_MIB))}
    up: dict[ber.Oid, Value] = {(*SYSTEM, 3, 0): lambda: ber.encode_int(next(uptimes, 30), ber.TIME_TICKS)}
    with responder(Mib(values | up), behave) as address:
        readings = polls(address, 3)
    assert [isinstance(one.error, TimedOut) for one in readings] == [False, True, False]
    assert all("ups-mib" in one.modules for one in readings)
    assert all(one.is_up for one in readings)


def minutes_of_polls(behave: Behaviour, minutes: int) -> tuple[list[Reading], list[int]]:
    """What a poll brought each minute, by the memory's clock, and how much was asked for at once after it."""
    clock = SimulatedClock()
    memory, readings, budgets = BulkMemory(clock), [], []
    with responder(SWITCH, behave) as address:
        host, port = parse_address(address)
        for _ in range(minutes):
            readings += polls(address, memory=memory)
            budgets.append(memory.budget(host, port))
            clock.pass_time(60)
    return readings, budgets


def test_a_device_that_dies_in_the_middle_of_a_table_is_later_asked_for_as_much_as_before() -> None:
    (reading,), budgets = minutes_of_polls(falls_silent_in_the_table, 1)
    assert isinstance(reading.error, TimedOut)
    assert budgets == [BUDGET_VARBINDS]


def test_a_bridge_that_loses_datagrams_never_makes_a_device_look_small() -> None:
    def loses_some(turn: Turn) -> list[bytes]:
        return [] if random.Random(turn.number).random() < 0.1 else [turn.honest]

    readings, budgets = minutes_of_polls(loses_some, 40)
    assert sum(reading.error is None for reading in readings) >= 35
    assert set(budgets) == {BUDGET_VARBINDS}


def test_a_device_that_is_silent_unless_asked_for_few_is_learnt_and_sometimes_asked_for_more() -> None:
    readings, budgets = minutes_of_polls(silent_unless_few, 60)
    assert all(reading.error is None for reading in readings)
    assert budgets[0] == 15
    assert budgets.count(15) >= 50


# A UPS over the switch's own agent: scalars and tables of a family, RFC 1628.
UPS: ber.Oid = (1, 3, 6, 1, 2, 1, 33, 1)
CHARGE = (*UPS, 2, 4, 0)
UPS_MIB = Mib(
    {SWITCH.name(place): SWITCH.value(place) for place in range(len(SWITCH))}
    | {(*UPS, 2, 1, 0): ber.encode_int(2), CHARGE: ber.encode_int(87)}
)


def breaks(turn: Turn) -> bytes:
    return turn.reply([], status=5, index=turn.request.names.index(CHARGE) + 1)


def says_nonsense(turn: Turn) -> bytes:
    name = ber.encode_oid(CHARGE)
    spoiled = ber.compose_varbind(name, b"\x02\x0c" + b"\x01" * 12)
    return turn.reply([spoiled if parts_of(binding)[0] == name else binding for binding in turn.bindings()])


@pytest.mark.parametrize("trouble", [breaks, says_nonsense])
def test_over_version_1_what_was_spoiled_once_is_asked_for_again_and_what_is_lacking_is_not(
    trouble: Callable[[Turn], bytes],
) -> None:
    asked: list[list[ber.Oid]] = []

    def behave(turn: Turn) -> list[bytes]:
        if SYS_NAME in turn.request.names and (not asked or SYS_NAME not in asked[-1][-12:]):
            asked.append([])  # another poll begins
        asked[-1] += turn.request.names
        if CHARGE in turn.request.names and turn.bindings() and "spoiled" not in turn.memory:
            turn.memory["spoiled"] = b"once"
            return [trouble(turn)]
        return [turn.honest]

    with responder(UPS_MIB, behave) as address:
        readings = polls(address, 3, version="v1")
    charges = [[point.value for point in one.points if point.name == "ups_charge_ratio"] for one in readings]
    assert charges == [[], [0.87], [0.87]]
    assert [one.error is None for one in readings] == [trouble is says_nonsense, True, True]
    seconds_on_battery = (*UPS, 2, 2, 0)
    assert seconds_on_battery in asked[0]
    assert len(asked[0]) > len(asked[-1])
    assert seconds_on_battery not in asked[-1]


def test_a_device_that_dies_after_one_of_its_columns_broke_is_asked_nothing_more() -> None:
    in_vain: list[Turn] = []

    def behave(turn: Turn) -> list[bytes]:
        replies = fails_in_one_column_and_dies(turn)
        in_vain.extend([] if replies else [turn])
        return replies

    with responder(UPS_MIB, behave) as address:
        reading = poll(address)
    assert isinstance(reading.error, TimedOut)
    assert reading.has_fallen_silent
    assert len(in_vain) == 6  # two attempts at each of three sizes


def test_an_honest_agent_gives_every_value_of_every_port() -> None:
    with responder(SWITCH, honest) as address:
        reading = poll(address)
    assert len([point for point in reading.points if point.name.startswith("port_")]) == PORTS * 9
