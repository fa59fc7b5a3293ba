"""Owns which snapshots may be forgotten: what restic's `--keep-within*` proposes, less what must never go. Pure.

restic counts its spans back from the newest snapshot's own time, which a host's wrong clock, or a thief, can set at
will. So the centre sets against it what only it knows: when each snapshot file arrived. Note:
backup/design/0057-forget-and-prune.md.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from backup.parts import is_part, part_tag
from backup.plans import PLAN_TAG
from backup.restic.events import Snapshot
from beket.kernel.clock import NS_PER_S, wall_ns_of
from beket.kernel.text import Text, say

DAY_NS = 86_400 * NS_PER_S
# A snapshot that calls itself this much younger than its arrival was made by a clock that runs ahead.
AHEAD_NS = DAY_NS
# The centre's own clock may differ from what it wrote by so much before it is taken for wrong.
DRIFT_NS = 3600 * NS_PER_S
# More than this share at once is not the tide of days going by; a person has to say yes.
MANY_RATIO = 0.5


@dataclass(frozen=True, slots=True)
class Guard:
    """What must never go.

    Attributes:
        floor: so many of the newest arrivals of each host and plan stay, whatever the policy says.
        young_days: what arrived within so many days stays.
    """

    floor: int
    young_days: float


@dataclass(frozen=True, slots=True)
class Decision:
    """What to forget, and why not more.

    Attributes:
        remove: ids, oldest arrival first; empty when anything was refused.
        kept: how many stay.
        refusal: why nothing is forgotten before a person has looked; None when nothing speaks against it.
        spared: how many of restic's proposals the guard took back.
    """

    remove: tuple[str, ...]
    kept: int
    refusal: Text | None = None
    spared: int = 0


def decide(
    snapshots: Sequence[Snapshot],
    arrivals: Mapping[str, int],
    proposed: Collection[str],
    guard: Guard,
    *,
    wall_ns: int,
    many_are_fine: bool = False,
) -> Decision:
    """Which of the `proposed` snapshots may go, and which parts of first copies, whose whole copy has come since.

    Args:
        snapshots: all of a repository.
        arrivals: when the file of each came, by the centre's clock; one that has none is never removed.
        proposed: ids that restic's policy would remove.
        guard: what must never go.
        wall_ns: the centre's present.
        many_are_fine: a person has seen how many they are.
    """
    if any(at_ns > wall_ns + DRIFT_NS for at_ns in arrivals.values()):
        return Decision((), len(snapshots), _CLOCK_OF_CENTRE)
    spent = _spent_parts(snapshots, arrivals)
    copies = [one for one in snapshots if not is_part(one.tags)]
    groups: dict[tuple[str, tuple[str, ...]], list[Snapshot]] = defaultdict(list)
    for snapshot in copies:
        groups[(snapshot.hostname, group_of(snapshot))].append(snapshot)
    remove: list[Snapshot] = []
    refusal = None
    for group in groups.values():
        wanted = [one for one in group if one.id in proposed]
        if wanted and any(_is_ahead(one, arrivals) for one in group):
            refusal = _CLOCK_OF_HOST
            continue
        going = _unguarded(group, wanted, arrivals, guard, wall_ns)
        if len(going) > MANY_RATIO * len(group) and not many_are_fine:
            refusal = refusal or _many(len(going), len(group))
        remove += going
    ids = () if refusal else tuple(one.id for one in sorted([*spent, *remove], key=lambda one: arrivals[one.id]))
    known = {one.id for one in copies}
    return Decision(ids, len(snapshots) - len(ids), refusal, len(known.intersection(proposed)) - len(remove))


def group_of(snapshot: Snapshot) -> tuple[str, ...]:
    """What tells the plan of a snapshot: its tag; all its tags when it has none such. Never its paths: a plan of held
    footage names other files each day, and a path that was away one night is no other plan.
    """
    plans = sorted({tag for tag in snapshot.tags if tag.startswith(PLAN_TAG)})
    return tuple(plans or sorted(set(snapshot.tags)))


def _spent_parts(snapshots: Sequence[Snapshot], arrivals: Mapping[str, int]) -> list[Snapshot]:
    """Parts of first copies that a copy of the same plan and host followed: all that they hold, it holds too."""
    wholes = {
        (one.hostname, part_tag(tag.removeprefix(PLAN_TAG))): arrivals[one.id]
        for one in sorted(snapshots, key=lambda one: arrivals.get(one.id, 0))
        if one.id in arrivals
        for tag in one.tags
        if tag.startswith(PLAN_TAG)
    }
    return [
        one
        for one in snapshots
        if is_part(one.tags)
        and one.id in arrivals
        and any(arrivals[one.id] < wholes.get((one.hostname, tag), 0) for tag in one.tags)
    ]


def _unguarded(
    group: Sequence[Snapshot], wanted: Sequence[Snapshot], arrivals: Mapping[str, int], guard: Guard, wall_ns: int
) -> list[Snapshot]:
    by_arrival = sorted(group, key=lambda one: arrivals.get(one.id, wall_ns), reverse=True)
    floor = {one.id for one in by_arrival[: guard.floor]}
    young_ns = wall_ns - round(guard.young_days * DAY_NS)
    return [one for one in wanted if one.id not in floor and arrivals.get(one.id, wall_ns) < young_ns]


def _is_ahead(snapshot: Snapshot, arrivals: Mapping[str, int]) -> bool:
    arrived_ns = arrivals.get(snapshot.id)
    return arrived_ns is not None and wall_ns_of(snapshot.made_at()) > arrived_ns + AHEAD_NS


def _many(going: int, of: int) -> Text:
    return say(
        "За правилами треба забути {n} із {of} копій одразу. Стільки без вашої згоди не стираємо.",
        "The rules would forget {n} of {of} snapshots at once. So many need your consent.",
        n=going,
        of=of,
    )


_CLOCK_OF_CENTRE = say(
    "Годинник центру відстає від його ж копій, тож вік копій невідомий. Нічого не стираємо; перевірте дату.",
    "The centre's clock is behind its own copies, so their age is not known. Nothing is removed; check the date.",
)
_CLOCK_OF_HOST = say(
    "Є копія з датою в майбутньому: годинник того комп'ютера був хибний. Нічого не стираємо, доки її не приберуть.",
    "A snapshot is dated ahead: that host's clock was wrong. Nothing is removed until it is gone.",
)
