"""Owns the centre's view of everybody's backups for people: one sentence a plan, how each host stands, what is to come.

What a host says is put into words only where its repository does not gainsay it.
"""

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from backup.acts.record import Verdict
from backup.history import Drill, Run
from backup.messages import PlanReport, Running
from backup.repository.freshness import Content, Shelf
from backup.repository.keyring import Holder
from backup.repository.ledger import Key, Ledger, Size, Told, Walk, Work
from backup.repository.second_copy import WORK as SECOND_COPY
from backup.repository.soundness import CHECK
from backup.repository.standing import STANDING_WORDS, Standing, claim_of, judge
from backup.repository.upkeep import FORGET, PRUNE
from backup.restic.outcome import OutcomeKind
from backup.sentence import PlanFacts, is_late, plan_sentence, spell_date, spell_day
from beket.kernel.clock import NS_PER_S, utc
from beket.kernel.ids import is_slug
from beket.kernel.text import Text, say
from beket.kernel.units import spell_bytes

DAY_NS = 86_400 * NS_PER_S
GROWTH_DAYS = 30
DRILL_LATE_FACTOR = 2
# What grows so in a day was either added by somebody or changed by an intruder.
SUDDEN_FACTOR, SUDDEN_BYTES = 1.5, 5_000_000_000
# A host that makes a copy tells how far it is every few seconds.
RUNNING_HEARD_WITHIN_S = 120
# Nobody knows what grows how in ten years.
YEARS_FORESEEN = 10
# The envelope is opened once a quarter.
TRY_KEY_DAYS = 92


class Proof(StrEnum):
    """Whether a plan's copy is known to come back: *stale* when that is long ago, *never* when copies lie untried."""

    PROVEN = "proven"
    STALE = "stale"
    NEVER = "never"
    WRONG = "wrong"
    NO_COPY = "no-copy"


class Lateness(StrEnum):
    """How old a plan's newest whole copy is, by the plan's own term: *never* when there was none yet."""

    FRESH = "fresh"
    LATE = "late"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan in a sentence; `is_well` when nobody has to do anything; `proof`: of its restore; `running`: the copy that
    its host is making, as far as it was heard of lately; `lateness`: of its newest whole copy.
    """

    id: str
    name: str
    sentence: Text
    is_well: bool
    proof: Proof = Proof.PROVEN
    running: Running | None = None
    lateness: Lateness = Lateness.FRESH


@dataclass(frozen=True, slots=True)
class HostView:
    """How one host's backups stand.

    Attributes:
        newest_ns: when its newest snapshot arrived; None without one.
        growth_bytes: how much its repository grows a day, of the last month; None when that is not known yet.
        damaged: how many files the hash walk, or restic's check, found damaged or missing.
        unknown_keys: how many keys open its repository that the centre did not make.
        recovery: its key on paper; None when no sheet was printed.
        second_ns: when its second copy was last proven the same; None when it never was.
        troubles: what the centre's own last work on it (forget, prune, check, second copy) could not do.
        envelope_is_due: its key on paper was not tried for a quarter.
        grew_bytes: by how much it grew since the day before, when that is alarming; else None.
        lock_age_s: of its oldest lock, 0 without one; `quota_ratio`: how much of its allowance it takes, None without
            one. Who asks the disk and the settings fills them in.
    """

    host: str
    site: str
    standing: Standing
    words: Text
    plans: tuple[PlanView, ...]
    snapshots: int
    newest_ns: int | None
    size_bytes: int
    growth_bytes: int | None
    damaged: int
    unknown_keys: int
    walk: Walk | None
    recovery: Key | None
    second_ns: int | None
    troubles: tuple[Text, ...] = ()
    envelope_is_due: bool = False
    grew_bytes: int | None = None
    lock_age_s: float = 0
    quota_ratio: float | None = None


def contents_of(folder: Path, ledger: Ledger, shelf: Shelf, *, wall_ns: int) -> dict[str, Content]:
    """What lies in each repository under `folder`, by host; of one that is gone with its disk: that it is gone.

    Blocking; `shelf` is for one thread at a time.
    """
    found = {path.parent.name for path in folder.glob("*/config") if is_slug(path.parent.name)}
    hosts = (found | ledger.kept_here()) - ledger.guests()
    looked = shelf.look([folder / host for host in sorted(hosts)], wall_ns=wall_ns)
    return {path.name: content for path, content in looked.items()}


def views_of(ledger: Ledger, contents: Mapping[str, Content], *, wall_ns: int) -> list[HostView]:
    """Every host, in order of its name: first those whose copies are kept here, then those that only tell. Blocking."""
    facts = _Facts.of(ledger, wall_ns)
    views = [_view(host, content, facts, wall_ns) for host, content in sorted(contents.items())]
    told_of_here = {name for host in contents for name in (host, *facts.agents_of(host))}
    return views + [_view(host, None, facts, wall_ns) for host in sorted(facts.reporting) if host not in told_of_here]


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the ledger knows of everybody, read once."""

    sites: Mapping[str, str]
    told: Mapping[str, list[Told]]
    reporting: frozenset[str]
    sizes: Mapping[str, list[Size]]
    walks: Mapping[str, Walk]
    damages: Mapping[str, int]
    keys: Mapping[str, list[Key]]
    second: Mapping[str, Work]
    unfinished: Sequence[Work]

    @classmethod
    def of(cls, ledger: Ledger, wall_ns: int) -> "_Facts":
        sites = {host.host: host.site for host in ledger.hosts()}
        told = ledger.told()
        keys: dict[str, list[Key]] = {}
        for key in ledger.known_keys():
            keys.setdefault(key.host, []).append(key)
        return cls(
            sites,
            by_host(told, sites),
            frozenset(one.host for one in told),
            ledger.sizes(since_day=wall_ns // DAY_NS - GROWTH_DAYS),
            ledger.walks(),
            Counter(one.host for one in ledger.damages()),
            keys,
            ledger.last_works(SECOND_COPY, outcomes=[OutcomeKind.OK]),
            [
                work
                for kind in (FORGET, PRUNE, CHECK, SECOND_COPY)
                for work in ledger.last_works(kind).values()
                if work.outcome != OutcomeKind.OK
            ],
        )

    def agents_of(self, host: str) -> set[str]:
        """Who tells of a repository."""
        return {one.host for one in self.told.get(host, ())}


def _view(host: str, content: Content | None, facts: _Facts, wall_ns: int) -> HostView:
    mine, history, keys = facts.told.get(host, []), facts.sizes.get(host, []), facts.keys.get(host, [])
    recovery = next((key for key in keys if key.holder == Holder.RECOVERY), None)
    standing = Standing.ELSEWHERE if content is None else judge(content, claim_of(mine), wall_ns=wall_ns)
    known = {key.key for key in keys}
    return HostView(
        host=host,
        site=facts.sites.get(host, host),
        standing=standing,
        words=STANDING_WORDS[standing],
        plans=tuple(
            replace(plan_view(one.report, standing, wall_ns=wall_ns), running=running_of(one, wall_ns=wall_ns))
            for one in mine
        ),
        snapshots=content.snapshots if content else 0,
        newest_ns=content.newest_ns if content else None,
        size_bytes=history[-1].size_bytes if history else 0,
        growth_bytes=growth_of(history),
        damaged=facts.damages.get(host, 0),
        unknown_keys=len(content.keys - known) if content and known else 0,
        walk=facts.walks.get(host),
        recovery=recovery,
        second_ns=facts.second[host].ended_ns if host in facts.second else None,
        troubles=tuple(work.reason for work in facts.unfinished if work.host == host),
        envelope_is_due=recovery is not None and is_envelope_due(recovery, utc(wall_ns)),
        grew_bytes=None if standing is Standing.EMPTY else sudden_growth_of(history),
    )


def by_host(told: Sequence[Told], sites: Mapping[str, str]) -> dict[str, list[Told]]:
    """What was told, by repository: an agent on the centre's own machine may write to a folder named by its site."""
    found: dict[str, list[Told]] = {}
    for one in told:
        for name in {one.host, sites.get(one.host, one.host)}:
            found.setdefault(name, []).append(one)
    return found


def plan_view(report: PlanReport, standing: Standing, *, wall_ns: int) -> PlanView:
    """One plan in words, as its host tells it, unless the repository says otherwise."""
    facts, proof = facts_of_report(report), proof_of(report, wall_ns=wall_ns)
    lateness = lateness_of(facts, wall_ns=wall_ns)
    if standing is Standing.LYING:
        words = say("{name}: {words}.", "{name}: {words}.", name=report.name, words=STANDING_WORDS[standing])
        return PlanView(report.id, report.name, words, False, proof, lateness=lateness)
    is_well = (
        standing in (Standing.FRESH, Standing.ELSEWHERE)
        and lateness is Lateness.FRESH
        and report.wrong_ns is None
        and report.outcome in ("", OutcomeKind.OK, OutcomeKind.CANCELLED, OutcomeKind.DEFERRED)
    )
    is_well = is_well and proof is not Proof.STALE
    return PlanView(report.id, report.name, plan_sentence(facts, utc(wall_ns)), is_well, proof, lateness=lateness)


def lateness_of(facts: PlanFacts, *, wall_ns: int) -> Lateness:
    """Whether the newest whole copy is older than twice the plan's term; a fresh one of another plan is no excuse."""
    if facts.whole is None:
        return Lateness.NEVER
    return Lateness.LATE if is_late(facts, utc(wall_ns)) else Lateness.FRESH


def running_of(told: Told, *, wall_ns: int) -> Running | None:
    """The copy under way; None when the host has been silent for so long that nobody knows how far it is."""
    return told.report.running if wall_ns - told.heard_ns <= RUNNING_HEARD_WITHIN_S * NS_PER_S else None


def proof_of(report: PlanReport, *, wall_ns: int) -> Proof:
    """What is known of restoring a plan's copy; a drill may be late by its whole period before that is a trouble."""
    if report.wrong_ns is not None:
        return Proof.WRONG
    if report.proven_ns is None:
        return Proof.NO_COPY if report.copied_ns is None else Proof.NEVER
    late_ns = report.drill_every_days * DRILL_LATE_FACTOR * DAY_NS
    return Proof.STALE if wall_ns - report.proven_ns > late_ns else Proof.PROVEN


def facts_of_report(report: PlanReport) -> PlanFacts:
    """A host's report as the facts that sentences are made of."""

    def run(began_ns: int, outcome: OutcomeKind) -> Run:
        reason = Text("{uk}", "{en}", {"uk": report.reason_uk, "en": report.reason_en})
        size_bytes, added_bytes = report.size_bytes, report.added_bytes
        return Run("", report.id, began_ns, began_ns, outcome, reason, "", 0, size_bytes, added_bytes, 0, ())

    def drill(ended_ns: int | None, verdict: Verdict) -> Drill | None:
        return None if ended_ns is None else Drill(report.id, "", ended_ns, verdict, 0, 0)

    proven = drill(report.proven_ns, Verdict.PROVEN)
    known = report.outcome in set(OutcomeKind)
    return PlanFacts(
        name=report.name,
        every_hours=report.every_hours,
        whole=None if report.whole_ns is None else run(report.whole_ns, OutcomeKind.OK),
        last=run(report.copied_ns or 0, OutcomeKind(report.outcome)) if known else None,
        proven=proven,
        drilled=drill(report.wrong_ns, Verdict.WRONG) or proven,
    )


def sudden_growth_of(history: Sequence[Size]) -> int | None:
    """By how much a repository grew since the day before, when that is half as much again and more than a folder, as
    the Prometheus rule has it. None when it is not, or the day before was not measured.
    """
    if not history:
        return None
    newest = history[-1]
    before = next((one.size_bytes for one in history if one.day == newest.day - 1), None)
    if before is None or newest.size_bytes <= SUDDEN_FACTOR * before + SUDDEN_BYTES:
        return None
    return newest.size_bytes - before


def growth_of(history: Sequence[Size]) -> int | None:
    """Bytes a day over the days that are known; None when they are fewer than two. Pruning makes it negative."""
    if len(history) < 2 or history[-1].day == history[0].day:
        return None
    return (history[-1].size_bytes - history[0].size_bytes) // (history[-1].day - history[0].day)


def forecast(views: Sequence[HostView], free_bytes: int, now_at: datetime.datetime) -> Text:
    """Until when the disk will do if all goes on as in the last month."""
    growths = [view.growth_bytes for view in views if view.growth_bytes is not None]
    total = sum(growths)
    size = spell_bytes(sum(view.size_bytes for view in views))
    free = spell_bytes(free_bytes)
    if not growths:
        return say(
            "Копії займають {size}, вільно {free}.", "Copies take {size}, {free} are free.", size=size, free=free
        )
    if total <= 0:
        return say(
            "Копії займають {size} і не ростуть, вільно {free}.",
            "Copies take {size} and do not grow, {free} are free.",
            size=size,
            free=free,
        )
    return say(
        "Копії займають {size}, щодня додається {daily}, вільно {free}. За теперішнього росту місця вистачить {until}.",
        "Copies take {size} and grow by {daily} a day, {free} are free. At this rate there is room {until}.",
        size=size,
        daily=spell_bytes(total),
        free=free,
        until=_until(free_bytes // total, now_at),
    )


def _until(days: int, now_at: datetime.datetime) -> Text:
    if days > YEARS_FORESEEN * 365:
        return say("на багато років", "for many years")
    if days < 1:
        return say("менше ніж на добу: звільніть диск зараз", "for less than a day: free some now")
    return say("до {day}", "until {day}", day=spell_date(now_at + datetime.timedelta(days=days), now_at))


def is_envelope_due(key: Key, now_at: datetime.datetime) -> bool:
    """Whether nobody has seen for a quarter that the key on paper works."""
    return (now_at - utc(key.tried_ns or key.made_ns)).days >= TRY_KEY_DAYS


def recovery_words(key: Key | None, now_at: datetime.datetime) -> Text:
    """Whether there is a sheet, and whether somebody has seen lately that it works."""
    if key is None:
        return say("Аркуша відновлення немає: роздрукуйте його.", "There is no recovery sheet: print one.")
    made = spell_day(utc(key.made_ns), now_at)
    if is_envelope_due(key, now_at):
        return say(
            "Аркуш відновлення від {day} давно не перевіряли: відкрийте конверт і звірте ключ.",
            "The recovery sheet of {day} was not tried for long: open the envelope and try its key.",
            day=made,
        )
    if key.tried_ns is None:
        return say("Аркуш відновлення складено {day}.", "The recovery sheet is of {day}.", day=made)
    tried = spell_day(utc(key.tried_ns), now_at)
    return say("Аркуш відновлення перевірено {day}.", "The recovery sheet was tried {day}.", day=tried)
