"""When a plan is due, and what is said of its paths."""

from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from backup.plans import HOUR_S, Plan, Standing, due_at_ns, is_due, preflight
from backup.restic.outcome import OutcomeKind
from beket.kernel.clock import NS_PER_S
from beket.kernel.ids import SiteId

NOW_NS = 1_790_000_000 * NS_PER_S
HOUR_NS = HOUR_S * NS_PER_S
PLAN = Plan("documents", "Документи", SiteId("council"), (Path("/дані"),), every_hours=24)


def test_plan_without_a_copy_is_due() -> None:
    assert is_due(PLAN, Standing(), wall_ns=NOW_NS)


@given(age_h=st.floats(0, 100))
def test_plan_is_due_by_the_age_of_its_copy(age_h: float) -> None:
    copied_ns = NOW_NS - round(age_h * HOUR_NS)
    standing = Standing(copied_ns=copied_ns, tried_ns=copied_ns)
    assert is_due(PLAN, standing, wall_ns=NOW_NS) == (NOW_NS - copied_ns >= 24 * HOUR_NS)


@given(failures=st.integers(1, 10), late_h=st.floats(0, 24 * 30))
def test_failed_plan_waits_at_most_an_hour(failures: int, late_h: float) -> None:
    copied_ns = NOW_NS - round((24 + late_h) * HOUR_NS)
    standing = Standing(copied_ns=copied_ns, tried_ns=NOW_NS, failures=failures)
    wait_ns = due_at_ns(PLAN, standing) - NOW_NS
    assert 5 * 60 * NS_PER_S <= wait_ns <= HOUR_NS


def test_deferred_run_is_due_at_once() -> None:
    assert is_due(PLAN, Standing(copied_ns=NOW_NS - 25 * HOUR_NS, tried_ns=NOW_NS - 1), wall_ns=NOW_NS)


@given(ahead_h=st.floats(0.01, 10_000))
def test_copy_from_the_future_proves_nothing(ahead_h: float) -> None:
    copied_ns = NOW_NS + round(ahead_h * HOUR_NS)
    assert is_due(PLAN, Standing(copied_ns=copied_ns, tried_ns=copied_ns), wall_ns=NOW_NS)


def test_missing_path_is_named_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "є").mkdir()
    (trouble,) = preflight([tmp_path / "є", tmp_path / "нема"])
    assert trouble.path == tmp_path / "нема"
    assert trouble.sentence.uk.startswith(f"{tmp_path}/нема: цього немає.")
    assert preflight([tmp_path / "є" / "файл" / "глибше"])


@given(
    moves=st.lists(
        st.tuples(st.sampled_from(["wait", "ok", "failed", "blackout", "clock"]), st.floats(0.01, 60)), max_size=40
    )
)
def test_whatever_happens_a_plan_is_tried_again_within_an_hour_of_being_late(
    moves: list[tuple[str, float]],
) -> None:
    """A history of copies, failures, blackouts and moved clocks: never is a late plan left waiting for longer."""
    wall_ns, standing = NOW_NS, Standing()
    for move, hours in moves:
        wall_ns += round(hours * HOUR_NS) * (-1 if move == "clock" and hours > 30 else 1)
        if move == "ok":
            standing = Standing(copied_ns=wall_ns, tried_ns=wall_ns, last=OutcomeKind.OK)
        elif move == "failed":
            standing = replace(standing, tried_ns=wall_ns, failures=standing.failures + 1, last=OutcomeKind.FAILED)
        elif move == "blackout":
            # The power went amid a run: no failure, so no waiting once it is back.
            standing = replace(standing, tried_ns=wall_ns, last=OutcomeKind.DEFERRED)
        is_late = standing.copied_ns is None or wall_ns - standing.copied_ns >= 24 * HOUR_NS
        if is_late:
            # After a clock that fell back it may be due now and, at the moment of the last try, just not.
            assert any(is_due(PLAN, standing, wall_ns=wall_ns + ahead_ns) for ahead_ns in (0, HOUR_NS))
        if is_late and not standing.failures:
            assert is_due(PLAN, standing, wall_ns=wall_ns)


@given(age_h=st.floats(0, 23.9))
def test_fresh_plan_is_left_alone_however_often_the_power_comes_and_goes(age_h: float) -> None:
    copied_ns = NOW_NS - round(age_h * HOUR_NS)
    standing = Standing(copied_ns=copied_ns, tried_ns=NOW_NS, last=OutcomeKind.DEFERRED)
    assert not is_due(PLAN, standing, wall_ns=NOW_NS)
