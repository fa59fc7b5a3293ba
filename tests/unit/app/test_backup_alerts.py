"""Alerts of backups: one rule for each trouble, four parts in both languages, silence when all is well."""

from dataclasses import replace
from typing import Any

import pytest

from backup.repository.ledger import Size
from backup.repository.overview import HostView, Lateness, PlanView, Proof, sudden_growth_of
from backup.repository.standing import STANDING_WORDS, Standing
from beket.app.wiring.backup_alerts import RULES, conditions_of
from beket.kernel.text import say
from beket.kernel.units import GIB
from beket.sim.community import inventory
from beket.sim.places import MOHYLIV
from beket.testing.source_tree import PROJECT

SITE = next(site for site in inventory(MOHYLIV).sites if site.id == "school-tsybulkivka")


def view(
    standing: Standing = Standing.FRESH,
    *,
    proof: Proof = Proof.PROVEN,
    lateness: Lateness = Lateness.FRESH,
    **changes: Any,
) -> HostView:
    """A host with one plan; `changes` are fields of its view."""
    made = HostView(
        host="school-1a2b3c4d",
        site="school-tsybulkivka",
        standing=standing,
        words=STANDING_WORDS[standing],
        plans=(PlanView("documents", "Бухгалтерія", say("", ""), True, proof, lateness=lateness),),
        snapshots=1,
        newest_ns=1,
        size_bytes=0,
        growth_bytes=None,
        damaged=0,
        unknown_keys=0,
        walk=None,
        recovery=None,
        second_ns=None,
    )
    return replace(made, **changes)


@pytest.mark.parametrize(
    ("seen", "rule", "said"),
    [
        (view(damaged=3), "backup-damaged", "записано: 3"),
        (view(unknown_keys=1), "backup-keys", "не робив: 1"),
        (view(Standing.GONE), "backup-gone", "немає теки"),
        (view(Standing.LATE), "backup-late", "Школа (Цибульківка)"),
        (view(lateness=Lateness.LATE), "backup-late", "(Школа (Цибульківка)): Бухгалтерія"),  # another plan is fresh
        (view(Standing.ELSEWHERE, lateness=Lateness.LATE), "backup-late", "Бухгалтерія"),
        (view(lateness=Lateness.NEVER), "backup-empty", "дві доби"),
        (view(Standing.EMPTY, lateness=Lateness.NEVER), "backup-empty", "Бухгалтерія"),
        (view(Standing.EMPTY, plans=()), "backup-empty", "school-1a2b3c4d"),
        (view(Standing.SILENT), "backup-silent", "мовчить"),
        (view(Standing.SILENT, lateness=Lateness.LATE), "backup-silent", "мовчить"),  # one trouble, one word
        (view(Standing.LYING, lateness=Lateness.LATE), "backup-lying", "її немає"),
        (view(Standing.GONE, lateness=Lateness.NEVER), "backup-gone", "немає теки"),
        (view(proof=Proof.WRONG), "backup-unrestorable", "не вдалася (Школа (Цибульківка)): Бухгалтерія"),
        (view(proof=Proof.NEVER), "backup-unproven", "Бухгалтерія"),
        (view(proof=Proof.STALE), "backup-unproven", "давно ніхто не перевіряв"),
        (view(envelope_is_due=True), "backup-envelope", "понад квартал"),
        (view(Standing.LYING), "backup-lying", "її немає"),
        (view(lock_age_s=90_000), "backup-locked", "замкнене вже 25 год"),
        (view(quota_ratio=0.93, size_bytes=93 * GIB), "backup-quota", "зайняло 93 % дозволеного: 93,0 ГіБ"),
        (view(quota_ratio=0.6, size_bytes=60 * GIB, growth_bytes=4 * GIB), "backup-quota", "60 %"),
        (view(grew_bytes=9 * GIB, size_bytes=20 * GIB), "backup-growth", "виросло на 9,0 ГіБ; тепер у ньому 20,0 ГіБ"),
    ],
)
def test_each_trouble_is_one_alert_in_four_parts(seen: HostView, rule: str, said: str) -> None:
    (condition,) = [one for one in conditions_of(seen, SITE, contact="Олена, 050") if one.holds]
    assert (condition.rule, condition.subject, condition.site) == (rule, "school-1a2b3c4d", "school-tsybulkivka")
    assert condition.words is not None
    assert said in condition.words.what.uk
    assert "Олена, 050" in condition.words.call.uk
    assert all(part.uk and part.en for part in (condition.words.why, condition.words.todo, condition.words.over))


@pytest.mark.parametrize(
    "seen",
    [
        view(lock_age_s=86_400),
        view(quota_ratio=0.9, size_bytes=90 * GIB),
        view(quota_ratio=0.6, size_bytes=60 * GIB, growth_bytes=GIB),  # forty days ahead
        view(quota_ratio=0.4, size_bytes=4 * GIB, growth_bytes=GIB),  # small yet, and the month is young
        view(quota_ratio=0.0),
    ],
)
def test_room_and_locks_have_their_measure_before_anybody_is_alarmed(seen: HostView) -> None:
    assert not [one.rule for one in conditions_of(seen, SITE, contact="") if one.holds]


def test_every_trouble_of_the_issue_has_a_rule_here_and_one_for_prometheus() -> None:
    here = {rule.name for rule in RULES}
    rules = (PROJECT / "dashboards/prometheus/rules.yaml").read_text()
    told = (PROJECT / "dashboards/prometheus/rules_test.yaml").read_text()
    for names, alerts in (
        (("backup-late",), ("BeketBackupOld", "BeketBackupNotComing")),
        (("backup-silent", "backup-lying", "backup-gone"), ("BeketBackupNotComing",)),
        (("backup-empty",), ("BeketBackupNever",)),
        (("backup-unproven",), ("BeketRestoreUnproven",)),
        (("backup-unrestorable",), ("BeketRestoreWrong",)),
        (("backup-damaged",), ("BeketBackupDamaged",)),
        (("backup-growth",), ("BeketBackupGrowsFast",)),
        (("backup-quota",), ("BeketBackupNoRoom", "BeketBackupWillNotFit")),
        (("backup-locked",), ("BeketBackupLocked",)),
    ):
        assert here >= set(names)
        for alert in alerts:
            assert f"alert: {alert}\n" in rules
            assert f"alertname: {alert}\n" in told, alert


@pytest.mark.parametrize(
    ("days", "grew"),
    [
        ([(1, 10), (2, 21)], 11),
        ([(1, 10), (2, 19)], None),  # less than half and five more
        ([(1, 10), (3, 90)], None),  # the day before was not measured
        ([(2, 90)], None),
        ([], None),
    ],
)
def test_sudden_growth_is_that_of_one_day(days: list[tuple[int, int]], grew: int | None) -> None:
    found = sudden_growth_of([Size(day, size * 10**9, 1) for day, size in days])
    assert found == (None if grew is None else grew * 10**9)


def test_key_that_the_centre_is_just_making_alarms_nobody() -> None:
    (keys,) = [one for one in conditions_of(view(unknown_keys=1), SITE, contact="") if one.holds]
    assert keys.timing.for_s >= 60


def test_first_copy_has_two_days_before_anybody_is_alarmed() -> None:
    (empty,) = [one for one in conditions_of(view(lateness=Lateness.NEVER), SITE, contact="") if one.holds]
    assert empty.timing.for_s == 48 * 3600


@pytest.mark.parametrize("standing", [Standing.FRESH, Standing.EMPTY, Standing.ELSEWHERE])
def test_what_goes_well_alarms_nobody(standing: Standing) -> None:
    assert not any(one.holds for one in conditions_of(view(standing), SITE, contact=""))


def test_first_drill_has_hours_before_a_copy_is_called_unproven() -> None:
    (unproven,) = [one for one in conditions_of(view(proof=Proof.NEVER), SITE, contact="") if one.holds]
    assert unproven.timing.for_s >= 3600
    assert not any(one.holds for one in conditions_of(view(proof=Proof.NO_COPY), SITE, contact=""))


def test_dark_site_explains_that_its_copies_do_not_come_but_not_that_they_rot() -> None:
    parents = {one.rule: one.parents for one in conditions_of(view(), None, contact="")}
    assert parents["backup-silent"] == ("site-silent:school-tsybulkivka", "site-dark:school-tsybulkivka")
    assert parents["backup-damaged"] == ()
