from hypothesis import given
from hypothesis import strategies as st

from beket.sim.traffic import Passage, PlannedTraffic, VillageTraffic

MINUTE_MS = 60_000
SOME_MS = st.integers(min_value=1_600_000_000_000, max_value=2_000_000_000_000)


@given(seed=st.integers(0, 1000), wall_ms=SOME_MS)
def test_traffic_is_the_same_whoever_asks_and_whenever(seed: int, wall_ms: int) -> None:
    asked_before = VillageTraffic(seed)
    asked_before.passages(wall_ms + 5 * MINUTE_MS)
    assert asked_before.passages(wall_ms) == VillageTraffic(seed).passages(wall_ms)


@given(wall_ms=SOME_MS)
def test_a_passage_is_there_from_its_start_to_its_end(wall_ms: int) -> None:
    traffic = VillageTraffic(7, cars_per_minute=20, people_per_minute=10)
    for passage in traffic.passages(wall_ms):
        last_ms = passage.start_ms + passage.duration_ms - 1
        assert passage.start_ms <= wall_ms <= last_ms
        assert passage in traffic.passages(passage.start_ms)
        assert passage in traffic.passages(last_ms)
        assert passage not in traffic.passages(last_ms + 1)
        assert passage not in traffic.passages(passage.start_ms - 1)


def test_traffic_brings_about_as_many_as_asked() -> None:
    traffic = VillageTraffic(1, cars_per_minute=6, people_per_minute=0)
    seen = {p for at_ms in range(0, 60 * MINUTE_MS, 1000) for p in traffic.passages(at_ms)}
    assert {p.kind for p in seen} == {"car"}
    assert 0.65 * 360 < len(seen) < 0.95 * 360


def test_planned_traffic_is_exactly_the_plan() -> None:
    plan = Passage("person", start_ms=1000, duration_ms=500, rightward=True, look=0)
    traffic = PlannedTraffic([plan])
    assert [len(traffic.passages(at_ms)) for at_ms in (999, 1000, 1499, 1500)] == [0, 1, 1, 0]
