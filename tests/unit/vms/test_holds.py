import dataclasses
import itertools
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beket.kernel.clock import NS_PER_S, SimulatedClock
from beket.kernel.errors import InvalidArgument, NotFound
from beket.kernel.ids import CameraId, CommunityId, SiteId
from beket.kernel.inventory import Camera, Community, Inventory, Site
from beket.kernel.metrics import Instruments
from beket.kernel.ports import GapInfo, GapReason
from beket.kernel.units import TICKS_PER_S
from beket.testing.crash_disk import CrashDisk
from tests.recorded_hours import SEGMENT_90K, hour_90k, lay, stored
from vms.hold_news import HoldNews
from vms.recordings import hourly, index
from vms.recordings.cleaner import Cleaner
from vms.recordings.held import merged
from vms.recordings.holds import DAY_S, GRACE_S, Cost, Hold, Holds, OverBudget, State, Wanted
from vms.recordings.index import HOUR_90K
from vms.recordings.sacrifice import Keeping
from vms.recordings.store import Store

GATE, YARD, ROAD = CameraId("gate"), CameraId("yard"), CameraId("road")
SCHOOL, CLUB = SiteId("school"), SiteId("club")
NOW_S = hour_90k(12) // TICKS_PER_S


class Clock(SimulatedClock):
    """Of which a test says what time it is."""

    def __init__(self) -> None:
        super().__init__(wall_ns=NOW_S * NS_PER_S)
        self.later_s = 0

    def wall_ns(self) -> int:
        return super().wall_ns() + self.later_s * NS_PER_S


class TwoSites:
    def current(self) -> Inventory:
        return Inventory(
            version=1,
            community=Community(id=CommunityId("dobrianka"), name="Добрянка"),
            sites=tuple(Site(id=site, name=site, village="Добрянка") for site in (SCHOOL, CLUB)),
            cameras=(
                Camera(id=GATE, site=SCHOOL, name="Ворота", url="rtsp://a/1"),
                Camera(id=ROAD, site=CLUB, name="Дорога", url="rtsp://a/2"),
            ),
        )


def wanted(*cameras: CameraId, hours: tuple[float, float] = (1, 2), days: int | None = None, case: str = "") -> Wanted:
    return Wanted(
        cameras=cameras or (GATE,),
        start_90k=hour_90k(hours[0]),
        end_90k=hour_90k(hours[1]),
        reason="Бійка біля воріт",
        case_number=case,
        review_days=days,
    )


def place(holds: Holds, what: Wanted | None = None) -> Hold:
    return holds.place(what or wanted(), by="officer", by_police=True)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(make_store: Callable[..., Store]) -> Store:
    return make_store(CrashDisk())


@pytest.fixture
def holds(store: Store, clock: Clock) -> Holds:
    return Holds(store, clock=clock, budget_bytes=1_000_000)


@pytest.fixture
def shelf(store: Store) -> Store:
    """Six hours of segments of different sizes, for all examples of a property."""
    for hour in range(-3, 3):
        lay(store, GATE, hour, *[100 + hour + n for n in range(180)])
    return store


def clean(store: Store, clock: Clock) -> None:
    keeping = dict.fromkeys((GATE, YARD, ROAD), Keeping(30, needs_acknowledgement=False))
    instruments = Instruments(site="centre")
    Cleaner(store, lambda: keeping, clock=clock, instruments=instruments).run_once()


def test_a_hold_keeps_its_story_and_survives_a_restart(make_store: Callable[..., Store], clock: Clock) -> None:
    disk = CrashDisk()
    made = place(Holds(make_store(disk), clock=clock, budget_bytes=9), wanted(GATE, YARD, case="12026/77", days=90))
    assert (made.number, made.cameras, made.case_number, made.placed_by) == (1, (GATE, YARD), "12026/77", "officer")
    assert (made.review_at_s, made.state(NOW_S)) == (NOW_S + 90 * DAY_S, State.IN_FORCE)
    assert Holds(make_store(disk), clock=clock, budget_bytes=9).listing() == [made]


def test_without_a_case_number_somebody_looks_again_within_thirty_days(holds: Holds) -> None:
    assert place(holds).review_at_s == NOW_S + 30 * DAY_S
    assert place(holds, wanted(case="1/2", days=90)).review_at_s == NOW_S + 90 * DAY_S
    for refused in (wanted(days=31), wanted(case="1/2", days=91), wanted(days=0)):
        with pytest.raises(InvalidArgument, match="30"):
            place(holds, refused)


@pytest.mark.parametrize(
    "change",
    [
        {"cameras": ()},
        {"cameras": tuple(CameraId(f"c{n}") for n in range(51))},
        {"end_90k": hour_90k(1)},
        {"end_90k": hour_90k(1) + 32 * 24 * HOUR_90K},
        {"start_90k": hour_90k(36), "end_90k": hour_90k(36.5)},
        {"start_90k": -1},
        {"reason": "  так "},
        {"reason": "ю" * 301},
        {"case_number": "7" * 301},
    ],
)
def test_a_request_that_is_not_complete_is_refused_in_a_sentence(holds: Holds, change: dict[str, object]) -> None:
    with pytest.raises(InvalidArgument):
        place(holds, dataclasses.replace(wanted(), **change))  # type: ignore[arg-type]
    assert holds.listing() == []


def test_the_budget_refuses_with_what_it_would_cost_and_what_is_left(store: Store, clock: Clock) -> None:
    lay(store, GATE, 1, *[1000] * 180)
    lay(store, GATE, 2, *[1000] * 180)
    holds = Holds(store, clock=clock, budget_bytes=250 * 1024)
    place(holds)
    with pytest.raises(OverBudget) as refusal:
        place(holds, wanted(hours=(1, 3)))
    assert "Це займе 175,8 КіБ, а для заборон стирати лишилося 74,2 КіБ з 250,0 КіБ" in refusal.value.message.uk
    place(holds, wanted(hours=(1.5, 2)))  # held already: it costs nothing more
    assert holds.cost().total_bytes == 180_000


def test_what_is_still_at_the_site_is_counted_by_the_cameras_rate_and_what_is_explained_is_not(
    store: Store, holds: Holds
) -> None:
    for hour in (-3, -2, -1):
        lay(store, GATE, hour, *[2000] * 180)
    gap = GapInfo(GATE, hour_90k(4), hour_90k(5), GapReason.POWER)
    store.database.write(lambda c: index.put_gap(c, gap, acknowledged=True))
    assert holds.cost(wanted(hours=(-1, 0))) == Cost(360_000, 0)
    assert holds.cost(wanted(hours=(1, 2))) == Cost(0, 360_000)
    assert holds.cost(wanted(hours=(4, 6))) == Cost(0, 360_000)
    assert holds.cost(wanted(YARD)) == Cost(0, 0)  # nothing is known of it


def test_past_its_review_a_hold_stands_until_somebody_decides(store: Store, holds: Holds, clock: Clock) -> None:
    laid = lay(store, GATE, 1, 100, 100)
    hold = place(holds)
    clock.later_s = 24 * DAY_S
    assert hold.state(NOW_S + clock.later_s) is State.REVIEW_SOON
    clock.later_s = 400 * DAY_S
    clean(store, clock)
    assert holds.find(1).state(NOW_S + clock.later_s) is State.OVERDUE
    assert stored(store, GATE) == laid
    renewed = holds.renew(1, days=30)
    assert renewed.review_at_s == NOW_S + 430 * DAY_S
    with pytest.raises(InvalidArgument):
        holds.renew(1, days=31)


def test_a_released_hold_has_a_day_for_a_second_thought(store: Store, holds: Holds, clock: Clock) -> None:
    laid = lay(store, GATE, 1, 100, 100)
    place(holds)
    clock.later_s = 60 * DAY_S
    released = holds.release(1, by="officer")
    assert released.until_s == NOW_S + clock.later_s + GRACE_S
    clock.later_s += GRACE_S - 1
    clean(store, clock)
    assert stored(store, GATE) == laid
    assert holds.release(1, by="officer") == released
    assert holds.renew(1, days=7).until_s is None
    holds.release(1, by="officer")
    clock.later_s += GRACE_S
    clean(store, clock)
    assert stored(store, GATE) == []
    assert holds.listing() == []
    with pytest.raises(NotFound):
        holds.release(1, by="officer")


def test_a_site_hears_what_is_held_of_its_cameras_and_confirms_by_its_name(holds: Holds) -> None:
    news = HoldNews(holds, TwoSites())
    empty = news.for_site(SCHOOL, "")
    assert empty is not None
    assert empty.held == ()
    hold = place(holds, wanted(GATE, ROAD))
    assert news.unaware(hold) == [CLUB, SCHOOL]
    told = news.for_site(SCHOOL, empty.version)
    assert told is not None
    assert [(one.hold, one.camera, one.until_s) for one in told.held] == [(1, "gate", None)]
    assert news.unaware(hold) == [CLUB, SCHOOL]  # told is not yet confirmed
    assert news.for_site(SCHOOL, told.version) is None
    assert news.unaware(hold) == [CLUB]
    place(holds, wanted(GATE, hours=(3, 4)))
    assert news.for_site(SCHOOL, told.version) is not None
    assert news.unaware(hold) == [CLUB]  # of the first it knows still
    restarted = HoldNews(holds, TwoSites())
    assert restarted.unaware(hold) == [CLUB, SCHOOL]
    anew = restarted.for_site(SCHOOL, "0" * 32)
    assert anew is not None
    assert restarted.for_site(SCHOOL, anew.version) is None
    assert restarted.unaware(hold) == [CLUB]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20)), max_size=8))
def test_merged_time_is_the_same_time_once(raw: list[tuple[int, int]]) -> None:
    spans = [(start, start + length) for start, length in raw]
    found = merged(spans)
    covered = {instant for start, end in spans for instant in range(start, end)}
    assert {instant for start, end in found for instant in range(start, end)} == covered
    assert sum(end - start for start, end in found) == len(covered)
    assert all(before[1] < after[0] for before, after in itertools.pairwise(found))


@given(st.integers(-5 * 180, 5 * 180), st.integers(1, 4 * 180))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_bytes_of_a_span_are_those_of_the_segments_in_it(shelf: Store, first: int, count: int) -> None:
    start_90k, end_90k = hour_90k(0) + first * SEGMENT_90K, hour_90k(0) + (first + count) * SEGMENT_90K
    with shelf.database.read() as connection:
        summed = hourly.bytes_between(connection, GATE, start_90k, end_90k)
    assert summed == sum(
        one.size_bytes for one in stored(shelf, GATE) if one.start_90k < end_90k and one.end_90k > start_90k
    )
