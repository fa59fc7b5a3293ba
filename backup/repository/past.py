"""Owns a host's past as people look back on it: each plan's copies and drills, and how the repository grew. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from backup.acts.record import KeyUsed, Record, Verdict
from backup.plans import PLAN_TAG
from backup.restic.events import Snapshot

SHOWN_COPIES = 14


@dataclass(frozen=True, slots=True)
class PlanPast:
    """A plan's past, the newest first.

    Attributes:
        copies: the newest of its snapshots; `total` of all that are kept.
        oldest: the oldest that is kept; None without any.
        drills: records of its drills; `proven` of them came back the same.
    """

    plan: str
    name: str
    copies: tuple[Snapshot, ...]
    total: int
    oldest: Snapshot | None
    drills: tuple[Record, ...]
    proven: int


def plan_of(snapshot: Snapshot) -> str:
    """Which plan made a snapshot; "" for one that no plan did."""
    return next((tag.removeprefix(PLAN_TAG) for tag in snapshot.tags if tag.startswith(PLAN_TAG)), "")


def past_of(snapshots: Sequence[Snapshot], drills: Sequence[Record], names: dict[str, str]) -> list[PlanPast]:
    """Each plan's past, by its name; `names` as the host now calls its plans, "" stays for what no plan made."""
    own = [record for record in drills if record.key is KeyUsed.HOST]
    called = {record.plan: record.plan_name for record in reversed(own)} | names
    plans = {plan_of(one) for one in snapshots} | {record.plan for record in own} | set(names)
    found = []
    for plan in plans:
        copies = sorted((one for one in snapshots if plan_of(one) == plan), key=lambda one: one.made_at(), reverse=True)
        mine = tuple(record for record in own if record.plan == plan)
        found.append(
            PlanPast(
                plan=plan,
                name=called.get(plan, plan),
                copies=tuple(copies[:SHOWN_COPIES]),
                total=len(copies),
                oldest=copies[-1] if copies else None,
                drills=mine,
                proven=sum(record.verdict is Verdict.PROVEN for record in mine),
            )
        )
    return sorted(found, key=lambda one: (one.plan == "", one.name.casefold()))
