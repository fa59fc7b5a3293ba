import pytest
from hypothesis import given
from hypothesis import strategies as st

from beket.kernel.units import GIB, KIB, MIB, ns_to_90k, spell_bytes, ticks_to_ns

TICKS = st.integers(-(2**62), 2**62)


@given(TICKS)
def test_ticks_survive_the_way_through_nanoseconds(ticks_90k: int) -> None:
    assert ns_to_90k(ticks_to_ns(ticks_90k)) == ticks_90k


@given(st.integers(-(2**62), 2**62))
def test_nanoseconds_come_back_within_half_a_tick(duration_ns: int) -> None:
    assert abs(ticks_to_ns(ns_to_90k(duration_ns)) - duration_ns) <= 5_556


@given(TICKS, TICKS)
def test_conversion_keeps_order(one_90k: int, other_90k: int) -> None:
    assert (one_90k <= other_90k) == (ticks_to_ns(one_90k) <= ticks_to_ns(other_90k))


@pytest.mark.parametrize(
    ("size_bytes", "spelled"),
    [
        (0, "0 Б"),
        (1023, "1023 Б"),
        (KIB, "1,0 КіБ"),
        (MIB, "1,0 МіБ"),
        (GIB - 1, "1024,0 МіБ"),
        (GIB, "1,0 ГіБ"),
        (2048 * GIB, "2,0 ТіБ"),
        (2048 * 1024 * GIB, "2048,0 ТіБ"),
    ],
)
def test_size_is_spelled_in_the_largest_unit_that_fits(size_bytes: int, spelled: str) -> None:
    assert spell_bytes(size_bytes) == spelled
