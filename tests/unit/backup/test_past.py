"""A host's past: copies by plan, drills by plan, whatever the host calls them now."""

import msgspec

from backup.acts.record import KeyUsed, Record, Verdict
from backup.repository.past import SHOWN_COPIES, past_of, plan_of
from backup.restic.events import Snapshot

DRILL = Record(
    id="r1",
    number=1,
    host="h",
    site="h",
    plan="documents",
    plan_name="Документи",
    snapshot="",
    snapshot_ns=1,
    began_ns=1,
    ended_ns=1,
    verdict=Verdict.PROVEN,
)


def _snapshot(day: int, *tags: str) -> Snapshot:
    return Snapshot(id=f"{day:064}", time=f"2026-11-{day:02}T02:10:00Z", paths=("/d",), tags=tags)


def test_snapshot_tells_its_plan_by_its_tag() -> None:
    assert plan_of(_snapshot(1, "run:1", "plan:documents")) == "documents"
    assert plan_of(_snapshot(1, "x")) == ""


def test_copies_and_drills_are_told_by_plan_the_newest_first() -> None:
    snapshots = [_snapshot(day, "plan:documents") for day in range(1, 21)] + [_snapshot(3), _snapshot(4, "plan:mail")]
    drills = [
        DRILL,
        msgspec.structs.replace(DRILL, verdict=Verdict.WRONG),
        msgspec.structs.replace(DRILL, key=KeyUsed.RECOVERY),
    ]
    documents, mail, new, other = past_of(snapshots, drills, {"mail": "Пошта", "new": "Ще не було"})
    assert (documents.name, documents.total, len(documents.copies)) == ("Документи", 20, SHOWN_COPIES)
    assert documents.copies[0].time.startswith("2026-11-20")
    assert documents.oldest is not None
    assert documents.oldest.time.startswith("2026-11-01")
    assert (len(documents.drills), documents.proven) == (2, 1)
    assert (mail.name, mail.total) == ("Пошта", 1)
    assert (new.total, new.oldest) == (0, None)
    assert (other.plan, other.total) == ("", 1)
