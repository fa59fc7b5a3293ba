"""The one sentence of a plan."""

import dataclasses
import datetime

import pytest

from backup.acts.record import Verdict
from backup.history import Drill, Run
from backup.points import points_of
from backup.restic.outcome import OutcomeKind
from backup.sentence import KYIV, PlanFacts, is_late, plan_sentence
from beket.app.wiring.catalogue import full_catalogue
from beket.kernel.clock import NS_PER_S, wall_ns_of
from beket.kernel.text import say

BUSY = "Сховище зайняте."
RESTORE = "відновлення перевірено 18 листопада."
NOW = datetime.datetime(2026, 11, 25, 9, 0, tzinfo=KYIV)


def _ns(*moment: int) -> int:
    return wall_ns_of(datetime.datetime(*moment, tzinfo=KYIV))  # type: ignore[misc,arg-type]


def _run(began_ns: int, outcome: OutcomeKind = OutcomeKind.OK) -> Run:
    reason = say("{busy}", "{busy}", busy=BUSY)
    return Run("r", "p", began_ns, began_ns, outcome, reason, "s", 2, 1000, 10, 1.5, ())


def _drill(ended_ns: int, verdict: Verdict = Verdict.PROVEN) -> Drill:
    return Drill("p", "s", ended_ns, verdict, 3, 10)


FRESH = _run(_ns(2026, 11, 25, 2, 10))
PROVEN = _drill(_ns(2026, 11, 18, 3, 0))
FACTS = PlanFacts("Документи бухгалтерії", 24, whole=FRESH, last=FRESH, proven=PROVEN, drilled=PROVEN)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "остання копія — сьогодні о 02:10; відновлення перевірено 18 листопада."),
        (
            {"whole": _run(_ns(2026, 11, 24, 23, 59)), "proven": _drill(_ns(2025, 12, 31, 23, 0))},
            "остання копія — вчора о 23:59; відновлення перевірено 31 грудня 2025.",
        ),
        (
            {"whole": _run(_ns(2026, 11, 21, 2, 10)), "last": _run(_ns(2026, 11, 25, 8, 0), OutcomeKind.LOCKED)},
            f"остання копія — 21 листопада о 02:10 (це давно: 4 доби без копії); {RESTORE} {BUSY}",
        ),
        (
            {"whole": None, "last": None, "proven": None, "drilled": None},
            "копії ще немає; відновлення ще не перевірено.",
        ),
        (
            {"drilled": _drill(_ns(2026, 11, 25, 3, 0), Verdict.WRONG)},
            "остання копія — сьогодні о 02:10; відновити не вдалося (сьогодні), покличте відповідального за ІТ.",
        ),
        (
            {"drilled": _drill(_ns(2026, 11, 25, 3, 0), Verdict.COULD_NOT_RUN)},
            "остання копія — сьогодні о 02:10; відновлення перевірено 18 листопада.",
        ),
    ],
)
def test_plan_stands_in_one_sentence(changes: dict[str, object], sentence: str) -> None:
    facts = dataclasses.replace(FACTS, **changes)  # type: ignore[arg-type]
    assert plan_sentence(facts, NOW).uk == f"Документи бухгалтерії: {sentence}"


def test_sentence_speaks_english_too() -> None:
    assert (
        plan_sentence(FACTS, NOW).en == "Документи бухгалтерії: last copy today at 02:10; restore proven 18 November."
    )


def test_midnight_is_kyivs_in_summer_and_winter() -> None:
    before_utc_midnight = datetime.datetime(2026, 7, 1, 21, 30, tzinfo=datetime.UTC)
    facts = dataclasses.replace(FACTS, whole=_run(wall_ns_of(before_utc_midnight)))
    assert "сьогодні о 00:30" in plan_sentence(facts, datetime.datetime(2026, 7, 2, 8, 0, tzinfo=KYIV)).uk


def test_copy_is_late_after_two_turns() -> None:
    at = datetime.datetime.fromtimestamp(FRESH.began_ns / NS_PER_S, datetime.UTC)
    assert not is_late(FACTS, at + datetime.timedelta(hours=48))
    assert is_late(FACTS, at + datetime.timedelta(hours=48, seconds=1))


def test_points_are_what_the_catalogue_knows_and_name_one_outcome() -> None:
    points = points_of("p", "council", FACTS, snapshot_ns=FRESH.began_ns, wall_ns=wall_ns_of(NOW))
    catalogue = full_catalogue()
    assert all(catalogue.accepts(point) for point in points)
    values = {point.name: point.value for point in points}
    assert values["backup_snapshot_age_seconds"] == 6 * 3600 + 50 * 60
    assert values["backup_proven_restore_age_seconds"] == 7 * 86400 + 6 * 3600
    shown = [dict(point.labels)["reason"] for point in points if "outcome" in point.name and point.value]
    assert shown == ["ok"]


def test_what_is_not_known_has_no_point() -> None:
    assert points_of("p", "council", PlanFacts("П", 24), snapshot_ns=None, wall_ns=0) == []
