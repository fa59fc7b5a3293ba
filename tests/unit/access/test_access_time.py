from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beket.access.access_time import LEAP_MAX_S, AccessTime
from beket.access.store import open_access_db
from beket.kernel.clock import NS_PER_S, SimulatedClock, utc
from beket.kernel.database import Database
from beket.kernel.ids import new_uuid

NOON_NS = 1_795_608_000_000_000_000
HOUR_S = 3600
DAY_S = 86_400


def hours(time: AccessTime) -> float:
    return time.elapsed_ns() / NS_PER_S / HOUR_S


def test_elapsed_counts_while_the_process_restarts_and_the_wall_jumps(
    database: Database, clock: SimulatedClock
) -> None:
    AccessTime(database, clock=clock, boot_id="one")
    clock.pass_time(HOUR_S)
    clock.step_wall(-400 * DAY_S)
    again = AccessTime(database, clock=clock, boot_id="one")
    assert hours(again) == 1
    clock.step_wall(20 * DAY_S + 400 * DAY_S)
    assert hours(again) == 1


@pytest.mark.parametrize(
    ("off_s", "counted_h"),
    [
        (4 * HOUR_S, 4),
        (3 * DAY_S, 72),
        (-5 * 365 * DAY_S, 0),  # the battery is empty: the clock starts in the past
        (12 * 365 * DAY_S, 0),  # or far in the future
        (LEAP_MAX_S + 1, 0),
    ],
)
def test_a_blackout_counts_as_long_as_it_plausibly_lasted(
    database: Database, clock: SimulatedClock, off_s: int, counted_h: int
) -> None:
    AccessTime(database, clock=clock, boot_id="one")
    after = SimulatedClock(wall_ns=clock.wall_ns() + off_s * NS_PER_S, mono_ns=0)
    assert hours(AccessTime(database, clock=after, boot_id="two")) == counted_h


def test_a_monotonic_clock_that_went_back_counts_as_a_new_boot(database: Database, clock: SimulatedClock) -> None:
    AccessTime(database, clock=clock, boot_id="one")
    moved = SimulatedClock(wall_ns=clock.wall_ns() + HOUR_S * NS_PER_S, mono_ns=0)
    assert hours(AccessTime(database, clock=moved, boot_id="one")) == 1


def test_the_believed_date_never_goes_back_and_keeps_running_on_a_dead_clock(
    database: Database, clock: SimulatedClock
) -> None:
    AccessTime(database, clock=clock, boot_id="one")
    dead = SimulatedClock(wall_ns=0, mono_ns=0)
    time = AccessTime(database, clock=dead, boot_id="two")
    assert time.now_at() == utc(NOON_NS)
    dead.pass_time(HOUR_S)
    assert time.now_at() == utc(NOON_NS + HOUR_S * NS_PER_S)
    dead.step_wall(NOON_NS / NS_PER_S + 5 * HOUR_S)  # the network came back and set the clock
    assert time.now_at() == utc(NOON_NS + 6 * HOUR_S * NS_PER_S)
    assert hours(time) == 1


def test_an_implausible_leap_forward_waits_for_a_person(database: Database, clock: SimulatedClock) -> None:
    time = AccessTime(database, clock=clock, boot_id="one")
    clock.step_wall(LEAP_MAX_S + 1)
    assert time.now_at() == utc(NOON_NS)
    assert time.disagreement_s() == LEAP_MAX_S + 1
    time.trust_wall()
    assert time.now_at() == utc(clock.wall_ns())
    clock.step_wall(-DAY_S)
    assert time.disagreement_s() == -DAY_S
    time.trust_wall()
    assert time.now_at() == utc(clock.wall_ns())
    assert hours(time) == 0


def test_a_first_start_in_the_past_follows_the_clock_when_it_is_set(database: Database) -> None:
    clock = SimulatedClock(wall_ns=946_684_800 * NS_PER_S)  # 2000-01-01
    time = AccessTime(database, clock=clock, boot_id="one")
    clock.step_wall((NOON_NS - clock.wall_ns()) / NS_PER_S)
    assert time.now_at() == utc(NOON_NS)
    assert hours(time) == 0


@pytest.fixture(scope="module")
def one_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    folder: Path = tmp_path_factory.mktemp("time")
    database = open_access_db(folder / "access.db")
    yield database
    database.close()


steps = st.lists(
    st.one_of(
        st.tuples(st.just("pass"), st.integers(0, 100 * HOUR_S)),
        st.tuples(st.just("step"), st.integers(-(10**9), 10**9)),
        st.tuples(st.just("restart"), st.just(0)),
        st.tuples(st.just("reboot"), st.integers(-(10**9), 10**9)),
    ),
    max_size=8,
)


@given(steps)
@settings(max_examples=25, deadline=None)
def test_no_history_turns_time_back_or_makes_it_run_ahead(
    one_database: Database, history: list[tuple[str, int]]
) -> None:
    clock = SimulatedClock(wall_ns=NOON_NS, mono_ns=10**15)
    boot = new_uuid()
    time = AccessTime(one_database, clock=clock, boot_id=boot)
    elapsed_ns, at, most_ns = time.elapsed_ns(), time.now_at(), 0
    for what, amount_s in history:
        if what == "pass":
            clock.pass_time(amount_s)
            most_ns += amount_s * NS_PER_S
        elif what == "step":
            clock.step_wall(amount_s)
        else:
            time.save()  # as the app does each minute; a cut forgets what came after
            if what == "reboot":
                boot = new_uuid()
                clock = SimulatedClock(wall_ns=clock.wall_ns() + amount_s * NS_PER_S)
                most_ns += LEAP_MAX_S * NS_PER_S
            time = AccessTime(one_database, clock=clock, boot_id=boot)
        assert time.elapsed_ns() >= elapsed_ns
        assert time.now_at() >= at
        elapsed_now_ns, at = time.elapsed_ns(), time.now_at()
        most_ns -= elapsed_now_ns - elapsed_ns
        assert most_ns >= 0
        elapsed_ns = elapsed_now_ns
