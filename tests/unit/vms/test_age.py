"""Which time age is counted by: no wall clock makes young recordings too old, and a normal life is on time."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beket.kernel.clock import NS_PER_S, SimulatedClock
from beket.kernel.ids import CameraId
from beket.kernel.metrics import Instruments
from beket.kernel.units import TICKS_PER_S
from beket.testing.crash_disk import CrashDisk
from tests.recorded_hours import forget_everything, lay_at, stored
from vms.recordings import age, held
from vms.recordings.age import CREDIT_NS, DAY_NS, EPOCH_NS, AgeClock, Lived, live_on
from vms.recordings.cleaner import Cleaner
from vms.recordings.sacrifice import Keeping
from vms.recordings.store import Store
from vms.recordings.tables import lived

GATE = CameraId("gate")
HOUR_NS = 3600 * NS_PER_S
# A true moment, 25 November 2026; what empty batteries show: 1970, and the end of 32 bits in 2038.
TRUE_NS = 1_795_600_800 * NS_PER_S
EMPTY_NS = (0, 2_147_483_647 * NS_PER_S)
TERM_DAYS = 3


@dataclass(slots=True)
class Machine:
    """A recorder whose wall clock may show anything; `true_ns` is what the world's clocks show."""

    store: Store
    true_ns: int = TRUE_NS
    wrong_ns: int = 0
    mono_ns: int = 0
    boots: int = 0
    is_set: bool = False
    # True times of what was recorded, by number; and by how much the slowest clock was behind when it stamped one.
    recorded: dict[int, int] = field(default_factory=dict)
    slowest_ns: int = 0
    clock: SimulatedClock = field(default_factory=SimulatedClock)
    cleaner: Cleaner = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """A process in this boot."""
        self.boots += 1
        self.store.origin = dataclasses.replace(
            self.store.origin, boot_id=f"boot-{self.boots}", clock_is_set=lambda: self.is_set
        )
        self.clock = SimulatedClock(wall_ns=self.true_ns + self.wrong_ns, mono_ns=self.mono_ns)
        keeping = {GATE: Keeping(TERM_DAYS, needs_acknowledgement=False)}
        self.cleaner = Cleaner(
            self.store, lambda: keeping, clock=self.clock, instruments=Instruments(site="school"), floor_hours=0
        )
        self.cleaner.run_once()

    def live(self, hours: int, *, each_hours: int = 4, records: bool = True) -> None:
        """A recording every so many hours, and then retention's round."""
        while hours > 0:
            if records:
                (made,) = lay_at(self.store, GATE, self.clock.wall_ns() * TICKS_PER_S // NS_PER_S, 100)
                self.recorded[made.sequence] = self.true_ns
                if self.clock.wall_ns() >= EPOCH_NS:
                    self.slowest_ns = max(self.slowest_ns, self.true_ns - self.clock.wall_ns())
            passed = min(hours, each_hours)
            self.clock.pass_time(3600 * passed)
            self.true_ns += HOUR_NS * passed
            hours -= passed
            self.cleaner.run_once()

    def show(self, wall_ns: int, *, is_set: bool = False) -> None:
        """The wall clock is set, by whomever, to something."""
        self.clock.step_wall((wall_ns - self.clock.wall_ns()) / NS_PER_S)
        self.is_set = is_set

    def lose_power(self, hours: int, *, wakes_at_ns: int | None = None) -> None:
        """Nothing for so long, then a start with what the battery has kept, or lost."""
        wrong_ns = self.clock.wall_ns() - self.true_ns
        self.true_ns += hours * HOUR_NS
        self.wrong_ns = wrong_ns if wakes_at_ns is None else wakes_at_ns - self.true_ns
        self.is_set = False
        self.start()

    def gone_too_young(self) -> list[float]:
        """True ages, in days, of what was deleted before its term."""
        here = {one.sequence for one in stored(self.store, GATE)}
        ages = [(self.true_ns - at_ns) / DAY_NS for number, at_ns in self.recorded.items() if number not in here]
        return [days for days in ages if days < TERM_DAYS]

    def oldest_days(self) -> float:
        """True age of the oldest that is still here."""
        here = {one.sequence for one in stored(self.store, GATE)}
        return max((self.true_ns - self.recorded[number]) / DAY_NS for number in here)


@pytest.fixture
def machine(make_store: Callable[..., Store]) -> Machine:
    return Machine(make_store(CrashDisk()))


# A normal life -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_set", [True, False])
def test_day_by_day_everything_goes_in_the_hour_in_which_its_term_is_over(machine: Machine, is_set: bool) -> None:
    machine.is_set = is_set
    machine.live(TERM_DAYS * 24)
    assert len(stored(machine.store, GATE)) == TERM_DAYS * 6
    for _ in range(40):
        machine.live(1)
        assert machine.oldest_days() <= TERM_DAYS + 1 / 24
    assert machine.gone_too_young() == []


def test_nights_without_power_delay_nothing(machine: Machine) -> None:
    for _ in range(8):
        machine.live(16, each_hours=8)
        machine.lose_power(8)
    machine.live(1)
    assert machine.oldest_days() <= TERM_DAYS + 1 / 24
    assert machine.gone_too_young() == []


def test_after_weeks_without_power_a_clock_that_ntp_holds_is_caught_up_with_in_as_much_time(machine: Machine) -> None:
    machine.live(24)
    machine.lose_power(10 * 24)
    machine.live(24)
    assert machine.cleaner.age.look().ahead_ns > CREDIT_NS  # nobody vouches for it
    machine.is_set = True
    machine.live(9 * 24, each_hours=24)
    assert machine.cleaner.age.look().ahead_ns == 0
    machine.live(1)
    assert machine.oldest_days() <= TERM_DAYS + 1 / 24


def test_a_witness_ends_the_doubt_at_once(machine: Machine) -> None:
    machine.live(24)
    machine.lose_power(10 * 24)
    machine.live(1)
    assert machine.cleaner.age.look().ahead_ns > CREDIT_NS
    machine.cleaner.age.hear(machine.true_ns - 3 * HOUR_NS)
    assert machine.cleaner.age.look().ahead_ns > CREDIT_NS  # it says another time
    machine.cleaner.age.hear(machine.true_ns + 30 * NS_PER_S)
    assert machine.cleaner.age.look().ahead_ns == 0
    machine.cleaner.run_once()
    assert machine.oldest_days() <= TERM_DAYS + 1 / 24


def test_what_a_witness_said_is_forgotten(machine: Machine) -> None:
    machine.live(1)
    machine.cleaner.age.hear(machine.true_ns + 9 * DAY_NS)
    machine.clock.pass_time(age.WITNESS_LASTS_NS / NS_PER_S + 1)
    machine.clock.step_wall(9 * 86_400)
    assert machine.cleaner.age.look().ahead_ns > 0


# Wrong clocks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_set", [True, False])
@pytest.mark.parametrize("shown_ns", [EMPTY_NS[1], TRUE_NS + 400 * DAY_NS, TRUE_NS + 20 * DAY_NS])
def test_a_leap_ahead_deletes_nothing_that_is_young_and_people_are_told(
    machine: Machine, shown_ns: int, is_set: bool
) -> None:
    machine.live(TERM_DAYS * 24)
    machine.show(shown_ns, is_set=is_set)
    machine.cleaner.run_once()
    machine.live(1)
    assert machine.gone_too_young() == []
    assert machine.cleaner.age.look().ahead_ns > 9 * DAY_NS


def test_while_the_clock_is_doubted_age_goes_on_at_the_pace_of_time(machine: Machine) -> None:
    machine.live(TERM_DAYS * 24)
    machine.show(EMPTY_NS[1])
    machine.live(24)
    before = {number for number, at_ns in machine.recorded.items() if at_ns < machine.true_ns - TERM_DAYS * DAY_NS}
    assert not before & {one.sequence for one in stored(machine.store, GATE)}
    assert machine.gone_too_young() == []


def test_while_the_clock_is_doubted_space_is_still_made(machine: Machine) -> None:
    machine.live(24)
    machine.show(EMPTY_NS[1])
    machine.store.shelf.floor_bytes = 1 << 60
    machine.live(1)
    assert stored(machine.store, GATE) == []


def test_one_wrong_leap_within_the_credit_costs_no_more_than_the_credit(machine: Machine) -> None:
    machine.live(TERM_DAYS * 24)
    machine.show(machine.true_ns + DAY_NS)
    machine.live(1)
    assert all(days > TERM_DAYS - 1 - 1 / 12 for days in machine.gone_too_young())


def test_recordings_of_a_start_in_1970_stay_as_long_as_their_neighbours(machine: Machine) -> None:
    machine.live(12)
    machine.lose_power(2, wakes_at_ns=EMPTY_NS[0])
    machine.live(3, each_hours=1)
    timeless = {one.sequence for one in stored(machine.store, GATE) if one.start_90k < 10**12}
    assert len(timeless) == 3
    machine.show(machine.true_ns, is_set=True)
    machine.live(TERM_DAYS * 24 - 6)
    assert timeless <= {one.sequence for one in stored(machine.store, GATE)}
    assert machine.gone_too_young() == []


def test_recordings_of_a_first_start_in_1970_are_not_too_old_either(machine: Machine) -> None:
    machine.show(EMPTY_NS[0])
    machine.live(8)
    machine.show(machine.true_ns, is_set=True)
    machine.live(1, records=False)
    machine.live(40)
    assert len(stored(machine.store, GATE)) == 12


def test_in_the_end_they_go_too(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vms.recordings.cleaner.DAY_OF_NUMBERS", 6)  # one in four hours, in these stories
    machine.live(12)
    machine.lose_power(1, wakes_at_ns=EMPTY_NS[0])
    machine.live(3, each_hours=1)
    machine.show(machine.true_ns, is_set=True)
    machine.live((TERM_DAYS + 1) * 24 + 8)
    assert [one for one in stored(machine.store, GATE) if one.start_90k < 10**12] == []
    assert machine.gone_too_young() == []


def test_a_clock_before_there_was_beket_ends_no_days_of_grace_either(machine: Machine) -> None:
    machine.live(1)
    until_s = TRUE_NS // NS_PER_S + 86_400
    machine.store.hold_exactly([held.HeldSpan(GATE, 1, 0, 1 << 50, until_s)])
    for shown_ns in EMPTY_NS:
        machine.show(shown_ns)
        machine.cleaner.run_once()
        with machine.store.database.read() as connection:
            assert len(held.spans(connection)) == 1


def test_at_the_first_look_a_clock_that_nothing_has_set_proves_no_more_than_the_newest_recording(
    machine: Machine,
) -> None:
    machine.live(20)
    machine.store.database.write(lambda connection: connection.execute(lived.delete()))
    machine.show(EMPTY_NS[1])
    machine.cleaner.run_once()
    assert len(stored(machine.store, GATE)) == 5
    assert machine.cleaner.age.look().order_ns < machine.true_ns + HOUR_NS


_STEPS = st.one_of(
    st.tuples(st.just("live"), st.integers(1, 24)),
    st.tuples(st.just("power"), st.integers(0, 60)),
    st.tuples(st.just("empty"), st.integers(0, 60), st.sampled_from(EMPTY_NS)),
    st.tuples(st.just("leap"), st.integers(-4000, 4000)),
    st.tuples(st.just("right"), st.booleans()),
)


@pytest.fixture
def shelf(make_store: Callable[..., Store]) -> Store:
    """One store for all examples of a property."""
    return make_store(CrashDisk())


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_STEPS, max_size=8))
def test_whatever_the_clock_shows_nothing_is_deleted_that_is_younger_than_its_term_less_credit_and_wrong_stamp(
    shelf: Store, steps: list[tuple]
) -> None:
    forget_everything(shelf)
    shelf.database.write(lambda connection: connection.execute(lived.delete()))
    machine = Machine(shelf)
    machine.live(1)
    for step in steps:
        match step:
            case ("live", hours):
                machine.live(hours)
            case ("power", hours):
                machine.lose_power(hours)
            case ("empty", hours, shown_ns):
                machine.lose_power(hours, wakes_at_ns=shown_ns)
            case ("leap", hours):
                machine.show(max(0, machine.clock.wall_ns() + hours * HOUR_NS))
            case ("right", is_set):
                machine.show(machine.true_ns, is_set=is_set)
        machine.cleaner.run_once()
        lived_ns = machine.true_ns - TRUE_NS
        assert AgeClock(shelf, clock=machine.clock).look().now_ns <= TRUE_NS + CREDIT_NS + 2 * lived_ns
        # What is too young by more than the credit, the time lived and what its stamp is behind was never in danger.
        excess_days = (CREDIT_NS + lived_ns + machine.slowest_ns) / DAY_NS
        assert all(days >= TERM_DAYS - excess_days - 1 / 24 for days in machine.gone_too_young())


_MOMENT = st.integers(0, 3 * EPOCH_NS)


@given(
    _MOMENT, st.integers(0, CREDIT_NS), st.booleans(), st.lists(st.tuples(_MOMENT, st.integers(0, 40), st.booleans()))
)
def test_without_a_witness_age_outruns_time_by_the_credit_and_by_a_day_for_each_day_lived(
    until_ns: int, credit_ns: int, same_boot: bool, looks: list[tuple[int, int, bool]]
) -> None:
    state, mono_ns = Lived(until_ns, credit_ns, "a", 0), 0
    highest_ns = until_ns
    for wall_ns, hours, is_set in looks:
        mono_ns += hours * HOUR_NS
        before = state
        state = live_on(
            state, wall_ns=wall_ns, mono_ns=mono_ns, boot_id="a" if same_boot else "b", is_set=is_set,
            is_witnessed=False,
        )  # fmt: skip
        assert 0 <= state.credit_ns <= CREDIT_NS
        # What was given up by going back may be had again; nothing else is new but the time lived, twice.
        if state.until_ns > before.until_ns:
            passed_ns = state.until_ns - before.until_ns
            assert passed_ns <= 2 * hours * HOUR_NS + CREDIT_NS
        assert state.until_ns + state.credit_ns <= before.until_ns + before.credit_ns + 2 * hours * HOUR_NS
        highest_ns = max(highest_ns, state.until_ns)
    assert highest_ns <= until_ns + credit_ns + 2 * mono_ns
