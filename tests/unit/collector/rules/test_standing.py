from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from beket.kernel.clock import NS_PER_S
from collector.rules.standing import BAD, Moment, Seen, Standing, State, Timing, step

TIMING = Timing(for_s=30, keep_firing_for_s=60, gap_max_s=30)


def at(s: float, *, boot: str = "boot", wall_s: float | None = None) -> Moment:
    return Moment(boot, round(s * NS_PER_S), round((s if wall_s is None else wall_s) * NS_PER_S))


def run(looks: list[tuple[float, Seen]], timing: Timing = TIMING) -> list[State]:
    standing, states = Standing(), []
    for s, seen in looks:
        standing = step(standing, seen, at(s), timing)
        states.append(standing.state)
    return states


YES, NO, UNKNOWN, EXPLAINED = Seen(True), Seen(False), Seen(None), Seen(True, "site-dark:school")


def test_people_are_told_only_when_it_has_lasted() -> None:
    looks = [(0.0, YES), (10.0, YES), (20.0, YES), (30.0, YES)]
    assert run(looks) == [State.PENDING] * 3 + [State.FIRING]


def test_a_short_trouble_tells_nobody() -> None:
    assert run([(0, YES), (10, YES), (20, NO), (30, YES), (40, YES)]) == [
        State.PENDING,
        State.PENDING,
        State.OK,
        State.PENDING,
        State.PENDING,
    ]


def test_flapping_keeps_firing_until_it_is_calm() -> None:
    flaps = [(30.0 + 20 * i, NO if i % 2 else YES) for i in range(12)]
    states = run([(0, YES), (15, YES), *flaps])
    assert set(states[2:]) == {State.FIRING}
    calm = run([(0, YES), (15, YES), (30, YES), (40, NO), (70, NO), (100, NO)])
    assert calm[-2:] == [State.FIRING, State.RESOLVED]


def test_unknown_is_neither_good_nor_bad() -> None:
    assert run([(0, UNKNOWN), (30, UNKNOWN)]) == [State.OK, State.OK]
    assert run([(0, YES), (10, UNKNOWN), (1000, UNKNOWN), (1010, YES), (1020, YES)])[-1] is State.PENDING
    assert run([(0, YES), (30, YES), (40, UNKNOWN), (1000, UNKNOWN)])[-1] is State.FIRING


def test_an_explained_alert_tells_nobody_and_gets_new_patience_when_unexplained() -> None:
    looks = [(0.0, YES), (10.0, EXPLAINED), (500.0, EXPLAINED), (510.0, YES), (530.0, YES), (540.0, YES)]
    assert run(looks) == [
        State.PENDING,
        State.INHIBITED,
        State.INHIBITED,
        State.PENDING,
        State.PENDING,
        State.FIRING,
    ]
    assert run([(0, EXPLAINED), (10, NO)]) == [State.INHIBITED, State.OK]


def test_an_alert_that_was_told_is_resolved_even_while_another_explains_it() -> None:
    told = [(0.0, YES), (30.0, YES), (40.0, EXPLAINED)]
    assert run(told)[-1] is State.FIRING
    assert run([*told, (50.0, NO), (80.0, NO), (110.0, NO)])[-1] is State.RESOLVED


def test_time_while_nobody_looked_counts_little_and_time_before_a_reboot_not_at_all() -> None:
    pending = step(Standing(), YES, at(0), Timing(60, 60, 30))
    assert step(pending, YES, at(10_000), Timing(60, 60, 30)).counted_ns == 30 * NS_PER_S
    rebooted = step(pending, YES, at(5, boot="next"), TIMING)
    assert (rebooted.state, rebooted.counted_ns) == (State.PENDING, 0)
    assert step(rebooted, YES, at(36, boot="next"), TIMING).state is State.FIRING


def test_how_long_it_lasted_is_exact_within_a_boot_and_plausible_or_unknown_across_one() -> None:
    began = at(100, wall_s=1_000_000)
    assert at(160, wall_s=5).since(began) == 60 * NS_PER_S
    assert at(3, boot="next", wall_s=1_003_600).since(began) == 3600 * NS_PER_S
    assert at(3, boot="next", wall_s=5).since(began) is None
    assert at(3, boot="next", wall_s=10**9).since(began) is None


LOOKS = st.lists(
    st.tuples(
        st.floats(0, 90),  # seconds since the look before
        st.sampled_from([True, False, None]),
        st.sampled_from(["", "", "site-dark:school"]),
        st.booleans(),  # a reboot before this look
        st.integers(-7200, 7200),  # a step of the wall clock before this look
    ),
    max_size=60,
)
ALLOWED = {
    State.OK: {State.PENDING, State.INHIBITED},
    State.PENDING: {State.OK, State.FIRING, State.INHIBITED},
    State.INHIBITED: {State.OK, State.PENDING},
    State.FIRING: {State.RESOLVED},
    State.RESOLVED: {State.PENDING, State.INHIBITED},
}


@settings(max_examples=150)
@given(LOOKS)
def test_whatever_is_seen_the_end_follows_what_was_told_and_clocks_decide_nothing(
    looks: list[tuple[float, bool | None, str, bool, int]],
) -> None:
    standing = steady = Standing()
    mono_s, wall_s, boot, told = 0.0, 10_000_000.0, 0, 0
    lasted_s = 0.0
    before_agreed = False
    for passed_s, holds, inhibitor, reboots, leap_s in looks:
        mono_s, wall_s = mono_s + passed_s, wall_s + passed_s + leap_s
        boot += reboots
        now = Moment(f"boot-{boot}", round(mono_s * NS_PER_S), round(wall_s * NS_PER_S))
        seen = Seen(holds, inhibitor)
        after = step(standing, seen, now, TIMING)
        if after.state is not standing.state:
            assert after.state in ALLOWED[standing.state]
        # What the wall clock says changes nothing but the moments that are remembered.
        steady = step(steady, seen, replace(now, wall_ns=0), TIMING)
        assert (steady.state, steady.counted_ns, steady.episode) == (after.state, after.counted_ns, after.episode)
        agrees = holds is True and not inhibitor
        lasted_s = lasted_s + passed_s if agrees and before_agreed and not reboots else 0.0 if not agrees else lasted_s
        before_agreed = agrees
        if standing.state is State.PENDING and after.state is State.FIRING:
            told += 1
            assert holds is True
            assert not inhibitor
        if after.state is State.RESOLVED and standing.state is State.FIRING:
            told -= 1
            assert holds is False
        assert told in (0, 1)
        assert told == (after.state is State.FIRING)
        assert after.episode - standing.episode == (after.state in BAD and standing.state not in BAD)
        assert step(after, seen, now, TIMING) == after or after.state in (State.PENDING, State.RESOLVED, State.OK)
        standing = after
