import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.network.snmp.codec import (
    TAG_END_OF_MIB_VIEW,
    TAG_MALFORMED,
    ErrorStatus,
    Head,
    Malformed,
    Response,
    Varbind,
)
from agents.network.snmp.oid import parse_oid, sub_ids
from agents.network.snmp.table_walk import TableWalk
from beket.kernel.errors import ProtocolError, TimedOut

IN, OUT = parse_oid("1.3.6.1.2.1.2.2.1.10"), parse_oid("1.3.6.1.2.1.2.2.1.16")
AFTER = parse_oid("1.3.6.1.2.1.99")


def index(number: int) -> bytes:
    return parse_oid(f"1.3.{number}")[1:]


class Agent:
    """An honest agent over sorted objects; `limit` is how many bindings fit its answer."""

    def __init__(self, names: list[bytes], *, limit: int = 1000) -> None:
        self.names = names
        self.limit = limit
        self.asked = 0

    def answer(self, names: list[bytes], repetitions: int) -> Response:
        self.asked += 1
        found: list[Varbind] = []
        cursors = list(names)
        for _ in range(repetitions):
            for i, cursor in enumerate(cursors):
                following = next((name for name in self.names if sub_ids(name) > sub_ids(cursor)), None)
                found.append((following, 2, 1) if following else (cursor, TAG_END_OF_MIB_VIEW, None))
                cursors[i] = following or cursor
        return Response(1, 0, 0, found[: self.limit])


def finish(walk: TableWalk, agent: Agent) -> None:
    while (ask := walk.request()) is not None:
        walk.receive(agent.answer(*ask))


@given(
    st.sets(st.integers(0, 20_000), max_size=40),
    st.sets(st.integers(0, 20_000), max_size=40),
    st.integers(1, 60),
    st.integers(2, 200),
)
def test_sparse_columns_arrive_whole_from_any_honest_agent(
    ins: set[int], outs: set[int], budget: int, limit: int
) -> None:
    names = [IN + index(n) for n in sorted(ins)] + [OUT + index(n) for n in sorted(outs)] + [AFTER + b"\x01"]
    walk = TableWalk([IN, OUT], budget_varbinds=budget, bulk=True)
    finish(walk, Agent(names, limit=limit))
    result = walk.result()
    assert result.error is None
    assert [list(column) for column in result.columns] == [
        [index(n) for n in sorted(ins)],
        [index(n) for n in sorted(outs)],
    ]


def test_the_end_of_the_view_ends_a_column_without_a_reason() -> None:
    walk = TableWalk([OUT], budget_varbinds=60, bulk=True)
    finish(walk, Agent([OUT + b"\x01"]))
    assert walk.result().columns == [{b"\x01": 1}]
    assert walk.result().error is None


def test_rows_that_come_round_again_stop_the_walk_and_are_kept() -> None:
    walk = TableWalk([IN], budget_varbinds=6, bulk=True)
    walk.request()
    walk.receive(Response(1, 0, 0, [(IN + index(n), 2, n) for n in (1, 2, 3, 1, 2, 3)]))
    assert walk.request() is None
    assert walk.result().columns == [{b"\x01": 1, b"\x02": 2, b"\x03": 3}]
    assert isinstance(walk.result().error, ProtocolError)


def test_rows_in_an_odd_order_are_forgiven_while_they_are_new() -> None:
    walk = TableWalk([IN], budget_varbinds=3, bulk=True)
    for rows in ((1, 10, 11), (2, 20, 3)):
        walk.request()
        walk.receive(Response(1, 0, 0, [(IN + index(n), 2, n) for n in rows]))
    assert walk.request() == ([IN + index(3)], 3)
    walk.receive(Response(1, 0, 0, [(AFTER, 2, 0)]))
    assert list(walk.result().columns[0].values()) == [1, 10, 11, 2, 20, 3]
    assert walk.result().error is None


def test_a_table_without_end_stops_at_its_bound() -> None:
    walk = TableWalk([IN], budget_varbinds=50, bulk=True, rows_max=100)
    n = 0
    while walk.request() is not None:
        walk.receive(Response(1, 0, 0, [(IN + index(n + i + 1), 2, 1) for i in range(50)]))
        n += 50
    assert n == 150
    assert isinstance(walk.result().error, ProtocolError)


def test_too_big_halves_the_bulk_down_to_one_binding() -> None:
    walk = TableWalk([IN, OUT], budget_varbinds=60, bulk=True)
    asked = []
    while (ask := walk.request()) is not None:
        asked.append((len(ask[0]), ask[1]))
        walk.receive(Response(1, ErrorStatus.TOO_BIG, 0, []))
    assert asked == [(2, 30), (2, 15), (2, 7), (2, 3), (2, 1), (1, 1)]
    assert isinstance(walk.result().error, ProtocolError)


def test_silence_shrinks_the_bulk_twice_and_then_is_the_reason() -> None:
    walk = TableWalk([IN], budget_varbinds=60, bulk=True)
    repetitions = []
    shrunk = True
    while shrunk:
        ask = walk.request()
        assert ask is not None
        repetitions.append(ask[1])
        shrunk = walk.shrink_after_silence()
    walk.stop(TimedOut("silent"))
    assert repetitions == [60, 15, 3]
    assert isinstance(walk.result().error, TimedOut)


def test_a_malformed_binding_costs_its_row_only() -> None:
    walk = TableWalk([IN], budget_varbinds=4, bulk=True)
    walk.request()
    rows: list[Varbind] = [(IN + b"\x01", 2, 1), (b"", TAG_MALFORMED, None), (IN + b"\x03", 2, 3), (AFTER, 2, 0)]
    walk.receive(Response(1, 0, 0, rows))
    assert walk.result().columns == [{b"\x01": 1, b"\x03": 3}]
    assert walk.result().error is None


def test_nothing_but_malformed_bindings_ends_the_walk_with_a_reason() -> None:
    walk = TableWalk([IN], budget_varbinds=2, bulk=True)
    walk.request()
    walk.receive(Response(1, 0, 0, [(b"", TAG_MALFORMED, None)] * 2))
    assert walk.request() is None
    assert walk.result().error is not None


def test_an_empty_answer_ends_the_walk_with_a_reason() -> None:
    walk = TableWalk([IN], budget_varbinds=2, bulk=True)
    walk.request()
    walk.receive(Response(1, 0, 0, []))
    assert walk.request() is None
    assert isinstance(walk.result().error, ProtocolError)


def test_no_such_name_in_v1_ends_the_named_column_only() -> None:
    walk = TableWalk([IN, OUT], budget_varbinds=60, bulk=False)
    walk.request()
    walk.receive(Response(1, ErrorStatus.NO_SUCH_NAME, 1, []))
    assert walk.request() == ([OUT], 1)
    walk.receive(Response(1, ErrorStatus.NO_SUCH_NAME, 1, []))
    assert walk.request() is None
    assert walk.result().error is None


def test_an_error_that_names_no_binding_is_the_reason() -> None:
    for status, error_index in ((ErrorStatus.NO_SUCH_NAME, 9), (ErrorStatus.GEN_ERR, 1)):
        walk = TableWalk([IN], budget_varbinds=60, bulk=True)
        walk.request()
        walk.receive(Response(1, status, error_index, []))
        assert walk.request() is None
        assert isinstance(walk.result().error, ProtocolError)


def test_a_careless_agent_of_v1_ends_its_view_without_naming_the_binding() -> None:
    walk = TableWalk([IN], budget_varbinds=60, bulk=False)
    walk.request()
    walk.receive(Response(1, ErrorStatus.NO_SUCH_NAME, 0, []))
    assert walk.request() is None
    assert walk.result().error is None


def test_a_column_that_breaks_without_being_named_is_found_by_asking_each_alone() -> None:
    walk = TableWalk([IN, OUT], budget_varbinds=60, bulk=True)
    asked = []
    while (question := walk.request()) is not None:
        names, _ = question
        asked.append(names)
        broken = any(name.startswith(OUT) for name in names)
        rows = [] if broken else [(IN + b"\x01", 2, 7), (OUT, TAG_END_OF_MIB_VIEW, None)]
        walk.receive(Response(1, ErrorStatus.GEN_ERR if broken else 0, 0, rows))
    assert [len(names) for names in asked] == [2, 1, 1]
    assert walk.result().columns == [{b"\x01": 7}, {}]
    assert isinstance(walk.result().error, ProtocolError)


def encoded(rows: list[tuple[bytes, int]], *, after: bytes = b"") -> Head:
    """An answer as it lies in its datagram, with bytes `after` its rows."""
    bindings = b"".join(
        b"\x30" + bytes((len(name) + 5,)) + b"\x06" + bytes((len(name),)) + name + b"\x02\x01" + bytes((value,))
        for name, value in rows
    )
    bindings += after
    return Head(bindings, 1, 0, 0, 0, len(bindings))


def test_an_answer_in_its_datagram_is_taken_like_one_taken_apart() -> None:
    for make in (encoded, lambda rows: Response(1, 0, 0, [(name, 2, value) for name, value in rows])):
        walk = TableWalk([IN, OUT], budget_varbinds=4, bulk=True)
        walk.request()
        walk.receive(make([(IN + index(1), 1), (OUT + index(1), 2), (IN + index(2), 3), (AFTER, 0)]))
        assert walk.request() == ([IN + index(2)], 4)
        walk.receive(make([(IN + index(9), 4), (OUT + index(1), 2)]))
        assert walk.request() is None
        assert walk.result().columns == [{index(1): 1, index(2): 3, index(9): 4}, {index(1): 2}]
        assert walk.result().error is None


def test_of_an_answer_that_breaks_off_nothing_is_taken_and_the_same_is_asked_again() -> None:
    walk = TableWalk([IN], budget_varbinds=3, bulk=True)
    first = walk.request()
    with pytest.raises(Malformed):
        walk.receive(encoded([(IN + index(n), n) for n in (1, 2)], after=b"\x30\x84\xff\xff\xff\xff"))
    assert walk.request() == first
    walk.receive(encoded([(IN + index(1), 1), (AFTER, 0)]))
    assert walk.result().columns == [{index(1): 1}]
    assert walk.result().error is None
