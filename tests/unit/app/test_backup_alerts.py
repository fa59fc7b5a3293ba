"""Alerts of backups: one rule for each trouble, four parts in both languages, silence when all is well."""

import pytest

from backup.repository.overview import HostView, PlanView, Proof
from backup.repository.standing import STANDING_WORDS, Standing
from beket.app.wiring.backup_alerts import conditions_of
from beket.kernel.text import say
from beket.sim.community import inventory
from beket.sim.places import MOHYLIV

SITE = next(site for site in inventory(MOHYLIV).sites if site.id == "school-tsybulkivka")


def view(
    standing: Standing = Standing.FRESH,
    *,
    damaged: int = 0,
    unknown_keys: int = 0,
    proof: Proof = Proof.PROVEN,
    envelope: bool = False,
) -> HostView:
    return HostView(
        host="school-1a2b3c4d",
        site="school-tsybulkivka",
        standing=standing,
        words=STANDING_WORDS[standing],
        plans=(PlanView("documents", "Бухгалтерія", say("", ""), True, proof),),
        snapshots=1,
        newest_ns=1,
        size_bytes=0,
        growth_bytes=None,
        damaged=damaged,
        unknown_keys=unknown_keys,
        walk=None,
        recovery=None,
        second_ns=None,
        envelope_is_due=envelope,
    )


@pytest.mark.parametrize(
    ("seen", "rule", "said"),
    [
        (view(damaged=3), "backup-damaged", "записано: 3"),
        (view(unknown_keys=1), "backup-keys", "не робив: 1"),
        (view(Standing.GONE), "backup-gone", "немає теки"),
        (view(Standing.LATE), "backup-late", "Школа (Цибульківка)"),
        (view(Standing.SILENT), "backup-silent", "мовчить"),
        (view(proof=Proof.WRONG), "backup-unrestorable", "не вдалася (Школа (Цибульківка)): Бухгалтерія"),
        (view(proof=Proof.NEVER), "backup-unproven", "Бухгалтерія"),
        (view(proof=Proof.STALE), "backup-unproven", "давно ніхто не перевіряв"),
        (view(envelope=True), "backup-envelope", "понад квартал"),
        (view(Standing.LYING), "backup-lying", "її немає"),
    ],
)
def test_each_trouble_is_one_alert_in_four_parts(seen: HostView, rule: str, said: str) -> None:
    (condition,) = [one for one in conditions_of(seen, SITE, contact="Олена, 050") if one.holds]
    assert (condition.rule, condition.subject, condition.site) == (rule, "school-1a2b3c4d", "school-tsybulkivka")
    assert condition.words is not None
    assert said in condition.words.what.uk
    assert "Олена, 050" in condition.words.call.uk
    assert all(part.uk and part.en for part in (condition.words.why, condition.words.todo, condition.words.over))


def test_key_that_the_centre_is_just_making_alarms_nobody() -> None:
    (keys,) = [one for one in conditions_of(view(unknown_keys=1), SITE, contact="") if one.holds]
    assert keys.timing.for_s >= 60


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
