"""Owns the one sentence that says how a plan stands; pure: facts and the present moment in, words out, Kyiv time.

«Документи бухгалтерії: остання копія — сьогодні о 02:10; відновлення перевірено 18 листопада.»
"""

import datetime
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from backup.acts.record import Verdict
from backup.history import Drill, History, Run
from backup.plans import Plan
from backup.restic.outcome import OutcomeKind
from beket.kernel.clock import utc
from beket.kernel.text import Text, counted, say

KYIV = ZoneInfo("Europe/Kyiv")
# A copy may be late by so much before the sentence complains: one missed turn is a blackout, two are a trouble.
LATE_FACTOR = 2
_MONTHS = (
    say("січня", "January"),
    say("лютого", "February"),
    say("березня", "March"),
    say("квітня", "April"),
    say("травня", "May"),
    say("червня", "June"),
    say("липня", "July"),
    say("серпня", "August"),
    say("вересня", "September"),
    say("жовтня", "October"),
    say("листопада", "November"),
    say("грудня", "December"),
)


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """What is known of a plan.

    Attributes:
        whole: the newest run that saved everything.
        last: the newest run of any outcome.
        proven: the newest drill that proved a copy; `drilled` the newest drill of any verdict.
    """

    name: str
    every_hours: float
    whole: Run | None = None
    last: Run | None = None
    proven: Drill | None = None
    drilled: Drill | None = None


def facts_of(history: History, plan: Plan, *, wall_ns: int) -> PlanFacts:
    """Gather the facts as they are at `wall_ns`. Blocking.

    What is dated later was made under a wrong clock: it proves nothing, nor may it hide what came after.
    """
    return PlanFacts(
        name=plan.name,
        every_hours=plan.every_hours,
        whole=history.last_run(plan.id, kinds=(OutcomeKind.OK,), until_ns=wall_ns),
        last=history.last_run(plan.id, until_ns=wall_ns),
        proven=history.last_drill(plan.id, verdicts=(Verdict.PROVEN,), until_ns=wall_ns),
        drilled=history.last_drill(plan.id, until_ns=wall_ns),
    )


def plan_sentence(facts: PlanFacts, now_at: datetime.datetime) -> Text:
    """How the plan stands at `now_at` (aware)."""
    return say(
        "{name}: {copy}; {restore}{trouble}",
        "{name}: {copy}; {restore}{trouble}",
        name=facts.name,
        copy=_copy(facts, now_at),
        restore=_restore(facts, now_at),
        trouble=_trouble(facts),
    )


def is_late(facts: PlanFacts, now_at: datetime.datetime) -> bool:
    """Whether the newest whole copy is older than people were promised."""
    if facts.whole is None:
        return True
    age = now_at - utc(facts.whole.began_ns)
    return age > datetime.timedelta(hours=facts.every_hours * LATE_FACTOR)


def spell_day(moment: datetime.datetime, now_at: datetime.datetime) -> Text:
    """The day of `moment` as people in Kyiv call it at `now_at`: today, yesterday, a date, with a year if another."""
    local, today = moment.astimezone(KYIV), now_at.astimezone(KYIV).date()
    days = (today - local.date()).days
    if days == 0:
        return say("сьогодні", "today")
    if days == 1:
        return say("вчора", "yesterday")
    return spell_date(moment, now_at)


def spell_date(moment: datetime.datetime, now_at: datetime.datetime) -> Text:
    """The date of `moment` in Kyiv, with a year if it is another than at `now_at`."""
    local, today = moment.astimezone(KYIV), now_at.astimezone(KYIV).date()
    year = "" if local.year == today.year else f" {local.year}"
    return say(
        "{day} {month}{year}",
        "{day} {month}{year}",
        day=local.day,
        month=_MONTHS[local.month - 1],
        year=year,
    )


def _copy(facts: PlanFacts, now_at: datetime.datetime) -> Text:
    if facts.whole is None:
        return say("копії ще немає", "there is no copy yet")
    at = utc(facts.whole.began_ns)
    late = say("", "")
    if is_late(facts, now_at):
        days = (now_at - at).days
        late = say(
            " (це давно: {n} без копії)",
            " (late: {days} d without a copy)",
            n=counted(days, "доба", "доби", "діб"),
            days=days,
        )
    return say(
        "остання копія — {day} о {time}{late}",
        "last copy {day} at {time}{late}",
        day=spell_day(at, now_at),
        time=f"{at.astimezone(KYIV):%H:%M}",
        late=late,
    )


def _restore(facts: PlanFacts, now_at: datetime.datetime) -> Text:
    if facts.drilled is not None and facts.drilled.verdict is Verdict.WRONG:
        return say(
            "відновити не вдалося ({day}), покличте відповідального за ІТ",
            "restoring failed ({day}), call your IT person",
            day=spell_day(utc(facts.drilled.ended_ns), now_at),
        )
    if facts.proven is None:
        return say("відновлення ще не перевірено", "restoring is not proven yet")
    day = spell_day(utc(facts.proven.ended_ns), now_at)
    return say("відновлення перевірено {day}", "restore proven {day}", day=day)


def _trouble(facts: PlanFacts) -> Text:
    if facts.last is None or facts.last.outcome in (OutcomeKind.OK, OutcomeKind.CANCELLED):
        return say(".", ".")
    return say(". {reason}", ". {reason}", reason=facts.last.reason)
