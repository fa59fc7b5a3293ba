"""What Beket says of its own troubles: a plain sentence each from the rooms' metrics; silence when all is well."""

import pytest

from agents.spool import metrics as spool
from backup import metrics as backup
from backup.restic.outcome import OutcomeKind
from beket.app.wiring.own_troubles import mail_troubles, troubles_of
from beket.kernel.metrics import Metric, Point
from beket.kernel.units import GIB
from beket.sim.community import inventory
from beket.sim.places import MOHYLIV
from collector import metrics as collector
from collector.alerts_view import MailBody
from collector.rules.condition import Said
from collector.sinks import metrics as sinks
from vms import metrics as vms
from vms.seal_ingest import Odd

KNOWN = inventory(MOHYLIV)
SCHOOL = (("site", "school-tsybulkivka"),)
AGENT = (*SCHOOL, ("agent", "agent-1"))
CENTRE = (("site", "centre"),)


def point(metric: Metric, value: float, labels: tuple[tuple[str, str], ...] = ()) -> Point:
    return Point(metric.name, labels, 0, value)


def outcome(kind: OutcomeKind) -> Point:
    return point(backup.LAST_OUTCOME, 1, (*SCHOOL, ("plan", "documents"), ("reason", kind.value)))


@pytest.mark.parametrize(
    ("trouble", "site", "said"),
    [
        (point(sinks.LAG, 600), None, "відстає на 10 хв"),
        (point(vms.DISK_FREE_BYTES, GIB // 4, CENTRE), None, "(центр) майже повний: вільно 256,0 МіБ"),
        (point(vms.KEPT_RATIO, 0.77, CENTRE), None, "вистачить на 23 з кожних 30 днів"),
        (point(vms.SHORT_BYTES, 2 * GIB, SCHOOL), "school-tsybulkivka", "(Школа) бракує: 2,0 ГіБ, а стерти більше"),
        (point(vms.DISK_FREE_BYTES, 0, SCHOOL), "school-tsybulkivka", "(Школа) майже повний"),
        *[
            (point(vms.ODD_SEALS, 1, (*CENTRE, ("camera", "gate"), ("reason", odd.value))), None, "(камера «gate»)")
            for odd in Odd
        ],
        (point(vms.CLOCK_AHEAD, 90_000, SCHOOL), "school-tsybulkivka", "(Школа) забіг наперед на 25 год."),
        (point(vms.DISKS_IN_TROUBLE, 1, SCHOOL), "school-tsybulkivka", "(Школа) відмовляє або не під'єднаний"),
        (point(spool.SPOOL_DROPPED, 3, (*SCHOOL, ("unit", "polling"))), "school-tsybulkivka", "втрачено 3 виміри"),
        (point(collector.CLOCK_BEHIND, 7300, AGENT), "school-tsybulkivka", "(Школа) відстає на 2 год."),
        (point(collector.CLOCK_BEHIND, -300, AGENT), "school-tsybulkivka", "(Школа) поспішає на 5 хв."),
        (outcome(OutcomeKind.AUTH), "school-tsybulkivka", "не приймає пароля"),
        (point(backup.REPOSITORY_DAMAGED, 2, SCHOOL), "school-tsybulkivka", "пошкоджено файлів: 2"),
    ],
)
def test_trouble_is_one_sentence_with_its_place(trouble: Point, site: str | None, said: str) -> None:
    (found,) = troubles_of([trouble], KNOWN)
    assert found.site == site
    assert said in found.words.uk


def test_what_goes_well_says_nothing() -> None:
    well = [
        point(sinks.LAG, 5),
        point(vms.DISK_FREE_BYTES, 40 * GIB, CENTRE),
        point(vms.SHORT_BYTES, 0, CENTRE),
        point(vms.KEPT_RATIO, 0.96, CENTRE),
        point(vms.CLOCK_AHEAD, 0, SCHOOL),
        point(vms.DISKS_IN_TROUBLE, 0, SCHOOL),
        point(spool.SPOOL_DROPPED, 0, SCHOOL),
        point(collector.CLOCK_BEHIND, 0, AGENT),
        point(backup.REPOSITORY_DAMAGED, 0, SCHOOL),
        *map(outcome, (OutcomeKind.OK, OutcomeKind.DEFERRED, OutcomeKind.CANCELLED)),
    ]
    assert troubles_of(well, KNOWN) == []


def test_each_oddity_of_a_seal_has_its_own_words() -> None:
    points = [point(vms.ODD_SEALS, 1, (*CENTRE, ("camera", "gate"), ("reason", odd.value))) for odd in Odd]
    assert len({found.words.uk for found in troubles_of(points, KNOWN)}) == len(Odd)


@pytest.mark.parametrize("kind", [kind for kind in OutcomeKind if kind.value not in ("ok", "cancelled", "deferred")])
def test_every_bad_outcome_of_a_backup_has_its_words(kind: OutcomeKind) -> None:
    (found,) = troubles_of([outcome(kind)], KNOWN)
    assert f": {kind.value}." not in found.words.uk


def test_mail_is_told_only_when_letters_wait_or_were_given_up() -> None:
    sentence = Said("Чекають 2 листи.", "Letters waiting: 2.")
    (told,) = mail_troubles(MailBody(is_on=True, waiting=2, oldest_age_s=60, dead=0, sentence=sentence))
    assert told.words.uk == "Чекають 2 листи."
    assert mail_troubles(MailBody(is_on=False, waiting=0, oldest_age_s=0, dead=0, sentence=sentence)) == []
