import pytest
from hypothesis import given
from hypothesis import strategies as st

from beket.sim import snmp_ber as ber
from beket.sim.snmp_agent import Mib, SnmpAgent, answer

BASE = (1, 3, 6, 1, 2, 1)
A, B, C = (*BASE, 1, 1, 0), (*BASE, 2, 1, 1), (*BASE, 2, 1, 2)
WIDE, LAST = (*BASE, 3, 1, 1), (*BASE, 4, 1, 0)
MIB = Mib(
    {
        LAST: ber.encode_int(5),
        A: ber.encode_int(1),
        C: lambda: ber.encode_int(3),
        B: ber.encode_int(2),
        WIDE: ber.encode_int(4, ber.COUNTER64),
    }
)

Varbind = tuple[ber.Oid, bytes]


def ask(
    pdu: ber.Pdu,
    *names: ber.Oid,
    v1: bool = False,
    first: int = 0,
    second: int = 0,
    mib: Mib = MIB,
    max_bytes: int = 1472,
) -> tuple[int, int, list[Varbind]]:
    """Error status, error index and varbinds (name, encoded value) of the answer."""
    request = ber.Request(v1, b"public", pdu, 9, first, second, names)
    response = answer(request, mib, max_bytes=max_bytes)
    assert len(response) <= max_bytes
    _, _, pdu_body = _elements(_elements(response)[0][1])
    assert pdu_body[0] == ber.Pdu.RESPONSE
    request_id, status, index, varbinds = (body for _, body in _elements(pdu_body[1]))
    assert request_id == b"\x09"
    pairs = [_elements(body) for _, body in _elements(varbinds)]
    return status[0], index[0], [(ber.decode_oid(name[1]), ber.wrap(*value)) for name, value in pairs]


def _elements(data: bytes) -> list[tuple[int, bytes]]:
    reader = ber._Reader(data)
    found = []
    while reader.has_more():
        found.append(reader.element())
    return found


def test_get_answers_in_the_order_asked() -> None:
    assert ask(ber.Pdu.GET, C, A) == (0, 0, [(C, ber.encode_int(3)), (A, ber.encode_int(1))])


def test_get_tells_an_unknown_object_from_an_unknown_instance() -> None:
    strange, no_row, no_index = (1, 3, 9, 0), (*BASE, 2, 1, 7), (*BASE, 2, 1)
    assert ask(ber.Pdu.GET, strange, no_row, no_index) == (
        0, 0, [(strange, ber.NO_SUCH_OBJECT), (no_row, ber.NO_SUCH_INSTANCE), (no_index, ber.NO_SUCH_INSTANCE)],
    )  # fmt: skip


def test_get_next_ends_with_the_end_of_the_view() -> None:
    assert ask(ber.Pdu.GET_NEXT, B, LAST) == (0, 0, [(C, ber.encode_int(3)), (LAST, ber.END_OF_MIB_VIEW)])


def test_v1_names_the_variable_that_is_not_there_and_never_sees_counter64() -> None:
    assert ask(ber.Pdu.GET, A, WIDE, v1=True)[:2] == (ber.ErrorStatus.NO_SUCH_NAME, 2)
    assert ask(ber.Pdu.GET_NEXT, C, v1=True) == (0, 0, [(LAST, ber.encode_int(5))])
    assert ask(ber.Pdu.GET_NEXT, LAST, v1=True)[:2] == (ber.ErrorStatus.NO_SUCH_NAME, 1)


def test_set_is_refused() -> None:
    assert ask(ber.Pdu.SET, A)[:2] == (ber.ErrorStatus.NOT_WRITABLE, 1)
    assert ask(ber.Pdu.SET, A, v1=True)[:2] == (ber.ErrorStatus.NO_SUCH_NAME, 1)


def test_bulk_steps_once_through_singles_and_side_by_side_through_columns() -> None:
    status, _, varbinds = ask(ber.Pdu.GET_BULK, (1,), A, C, first=1, second=3)
    assert status == 0
    assert [name for name, _ in varbinds] == [A, B, WIDE, C, LAST, WIDE, LAST]
    assert varbinds[-1] == (LAST, ber.END_OF_MIB_VIEW)


@pytest.mark.parametrize(("first", "second"), [(0, 0), (-1, 0), (0, -5), (2, 0)])
def test_bulk_takes_absurd_counts(first: int, second: int) -> None:
    assert len(ask(ber.Pdu.GET_BULK, A, B, first=first, second=second)[2]) == max(0, first)


def test_bulk_of_two_milliards_repetitions_ends_with_the_view() -> None:
    varbinds = ask(ber.Pdu.GET_BULK, (1,), second=2**31 - 1)[2]
    assert [name for name, _ in varbinds] == [A, B, C, WIDE, LAST, LAST]


@given(
    table=st.dictionaries(
        st.tuples(st.integers(1, 3), st.integers(0, 300), st.integers(0, 2**32 - 1)),
        st.integers(0, 2**32 - 1),
        max_size=40,
    ),
    repetitions=st.integers(1, 30),
    max_bytes=st.integers(200, 1472),
)
def test_bulk_walk_visits_every_variable_once_in_order(
    table: dict[tuple[int, int, int], int], repetitions: int, max_bytes: int
) -> None:
    mib = Mib({(*BASE, *key): ber.encode_int(value, ber.COUNTER32) for key, value in table.items()})
    seen: list[Varbind] = []
    cursor: ber.Oid = (1, 3)
    while True:
        batch = ask(ber.Pdu.GET_BULK, cursor, second=repetitions, mib=mib, max_bytes=max_bytes)[2]
        assert batch
        seen += [varbind for varbind in batch if varbind[1] != ber.END_OF_MIB_VIEW]
        if batch[-1][1] == ber.END_OF_MIB_VIEW:
            break
        cursor = batch[-1][0]
    assert seen == [((*BASE, *key), ber.encode_int(table[key], ber.COUNTER32)) for key in sorted(table)]


def test_get_that_does_not_fit_is_too_big() -> None:
    long_mib = Mib({A: ber.wrap(ber.OCTET_STRING, bytes(300))})
    assert ask(ber.Pdu.GET, A, mib=long_mib, max_bytes=200) == (ber.ErrorStatus.TOO_BIG, 0, [])
    assert ask(ber.Pdu.GET, A, mib=long_mib, max_bytes=200, v1=True)[0] == ber.ErrorStatus.TOO_BIG


def test_agent_keeps_silent_without_power_to_strangers_and_to_nonsense() -> None:
    asleep = [False]
    agent = SnmpAgent(MIB, community=b"selo", is_awake=lambda: not asleep[0])
    body = ber.encode_int(1) + ber.encode_int(0) * 2 + ber.wrap(ber.SEQUENCE, b"")

    def datagram(community: bytes) -> bytes:
        return ber.wrap(
            ber.SEQUENCE, ber.encode_int(1) + ber.wrap(ber.OCTET_STRING, community) + ber.wrap(ber.Pdu.GET, body)
        )

    assert agent.react(datagram(b"selo")) is not None
    assert agent.react(datagram(b"public")) is None
    assert agent.react(b"hello") is None
    asleep[0] = True
    assert agent.react(datagram(b"selo")) is None
