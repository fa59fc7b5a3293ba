"""Owns what is remembered of runs and drills, in backup.db. Blocking; call it from a worker thread.

A run is written before it starts, so that a power cut in the middle leaves a row without an end; the next start of the
agent gives it one. Nothing here is proof that a copy exists: that is the repository's content.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

import backup
from backup.acts.record import Record, Verdict
from backup.manifest import Entry
from backup.messages import RestoreResult
from backup.plans import Standing
from backup.restic.link import SEEN_RUNS, Carried
from backup.restic.outcome import Outcome, OutcomeKind
from backup.tables import DRILLS, PARTS, PUT_BACK, RUNS
from beket.kernel.clock import NS_PER_S
from beket.kernel.database import Database
from beket.kernel.ids import new_uuid
from beket.kernel.text import Text, say

MIGRATIONS = Path(backup.__path__[0]) / "migrations"
GOOD = (OutcomeKind.OK, OutcomeKind.PARTIAL)
NOTHING = Carried(0, 0)
# Most runs carry too little to tell of the line: look further back than the few that count.
LOOKED_AT = 20
# A machine whose clock has no battery begins in 1970, and is set by the network minutes later.
CLOCK_SET_NS = 1_577_836_800 * NS_PER_S
# SQLite counts rows as they are written.
_WRITTEN = sa.literal_column("runs.rowid", sa.Integer)


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run as it is remembered. `snapshot` is the full id, "" without one.

    `written` counts the runs of this host.
    `lock_may_stay`: it ended in a way that leaves its lock in the repository, where nothing may take it away for hours.
    """

    id: str
    plan: str
    began_ns: int
    ended_ns: int
    outcome: OutcomeKind
    reason: Text
    snapshot: str
    files: int
    size_bytes: int
    added_bytes: int
    duration_s: float
    manifest: tuple[Entry, ...]
    lock_may_stay: bool = False
    written: int = 0


@dataclass(frozen=True, slots=True)
class Drill:
    """A finished drill. `wrong` are the paths that did not come back the same."""

    plan: str
    snapshot: str
    ended_ns: int
    verdict: Verdict
    files: int
    size_bytes: int
    wrong: tuple[str, ...] = ()


class History:
    """The memory of one host's backups."""

    def __init__(self, path: Path) -> None:
        """Open backup.db, bringing it up to date.

        Raises:
            DataLoss: the file is no healthy database.
        """
        self._database = Database(path, migrations=MIGRATIONS)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def begin(self, plan: str, *, wall_ns: int, boot: str) -> str:
        """Remember that a run starts; return its id."""
        row = {"id": new_uuid(), "plan": plan, "boot": boot, "began_ns": wall_ns}
        self._database.write(lambda connection: connection.execute(RUNS.insert().values(row)))
        return row["id"]  # type: ignore[return-value] # the one value that is text

    def end(
        self,
        run: str,
        outcome: Outcome,
        *,
        wall_ns: int,
        restic: str,
        duration_s: float,
        manifest: Sequence[Entry],
        carried: Carried = NOTHING,
    ) -> None:
        """Remember what came of it, and what it `carried`."""
        summary = outcome.summary
        values: dict[str, Any] = {
            "ended_ns": wall_ns,
            "outcome": outcome.kind.value,
            "reason_uk": outcome.reason.uk,
            "reason_en": outcome.reason.en,
            "restic": restic,
            "snapshot": outcome.snapshot.id if outcome.snapshot else "",
            "duration_s": duration_s,
            "evidence": outcome.evidence,
            "manifest": msgspec.json.encode(manifest).decode(),
            "carried_bytes": carried.size_bytes,
            "carried_s": carried.duration_s,
            "lock_may_stay": int(outcome.lock_may_stay),
        }
        if summary:
            values |= {"files": summary.files, "size_bytes": summary.size_bytes, "added_bytes": summary.added_bytes}
        self._database.write(
            lambda connection: connection.execute(RUNS.update().where(RUNS.c.id == run).values(values))
        )

    def close_interrupted(self, *, boot: str, wall_ns: int) -> list[str]:
        """Give an end to runs that have none: deferred if the machine was started anew since, else cancelled.

        Return the plans concerned. Only for the one process that makes backups, before it begins.
        """
        power = say("Під час копіювання зникло світло; копію відкладено.", "The power went; the backup is put off.")
        killed = say("Копіювання перервано разом з агентом.", "The backup was stopped together with the agent.")

        def work(connection: sa.Connection) -> list[str]:
            plans: list[str] = []
            for row in connection.execute(sa.select(RUNS).where(RUNS.c.outcome.is_(None))).all():
                kind, reason = (OutcomeKind.CANCELLED, killed) if row.boot == boot else (OutcomeKind.DEFERRED, power)
                said = {"outcome": kind, "reason_uk": reason.uk, "reason_en": reason.en}
                values = {"ended_ns": wall_ns, "lock_may_stay": 1, **said}
                connection.execute(RUNS.update().where(RUNS.c.id == row.id).values(values))
                plans.append(row.plan)
            return plans

        return self._database.write(work)

    def last_run(
        self, plan: str, *, kinds: Sequence[OutcomeKind] = tuple(OutcomeKind), until_ns: int | None = None
    ) -> Run | None:
        """The newest finished run of `plan` with one of these outcomes, begun no later than `until_ns`.

        The newest is the one that was written last: a run that a wrong clock dated ahead does not come back as the
        newest once its moment is reached.
        """
        query = (
            sa.select(RUNS, _WRITTEN.label("written"))
            .where(RUNS.c.plan == plan, RUNS.c.outcome.in_([kind.value for kind in kinds]), _is_dated(until_ns))
            .order_by(_WRITTEN.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return _run_of(row) if row else None

    def standing(self, plan: str, *, wall_ns: int | None = None) -> Standing:
        """What the schedule wants to know. A run that the power cut off does not count as a failure: it is due now.

        One that was put off for want of a line does: programs ran and much was sent for nothing, so the next one waits.

        Runs dated after `wall_ns` were made under a wrong clock: they prove nothing, nor may they hide what came after.
        """
        last = self.last_run(plan, until_ns=wall_ns)
        good = self.last_run(plan, kinds=GOOD, until_ns=wall_ns)
        query = sa.select(sa.func.count()).where(
            RUNS.c.plan == plan,
            (good.written if good else 0) < _WRITTEN,
            _is_dated(wall_ns),
            RUNS.c.outcome != OutcomeKind.CANCELLED.value,
            # Only what ran to its end knows its restic; the rest was closed after a blackout.
            sa.or_(RUNS.c.outcome != OutcomeKind.DEFERRED.value, RUNS.c.restic != ""),
        )
        with self._database.read() as connection:
            failures = connection.execute(query).scalar_one()
        return Standing(
            copied_ns=good.began_ns if good else None,
            tried_ns=last.ended_ns if last else None,
            failures=failures,
            last=last.outcome if last else None,
        )

    def carried(self) -> list[Carried]:
        """What the last runs of all plans carried, newest first; runs that never came to restic say nothing."""
        is_deferred = RUNS.c.outcome == OutcomeKind.DEFERRED.value
        query = (
            sa.select(RUNS)
            .where(RUNS.c.outcome.is_not(None), sa.or_(RUNS.c.carried_s > 0, is_deferred))
            .order_by(_WRITTEN.desc())
            .limit(LOOKED_AT * SEEN_RUNS)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [Carried(row.carried_bytes, row.carried_s, row.outcome == OutcomeKind.DEFERRED) for row in rows]

    def keep_part(self, plan: str, paths: Sequence[str]) -> None:
        """Remember that these paths of a first copy are stored."""
        rows = [{"plan": plan, "path": path} for path in paths]
        insert = PARTS.insert().prefix_with("OR IGNORE", dialect="sqlite")
        self._database.write(lambda connection: connection.execute(insert, rows))

    def stored_parts(self, plan: str) -> list[str]:
        """Paths of a first copy that are stored already."""
        with self._database.read() as connection:
            return list(connection.execute(sa.select(PARTS.c.path).where(PARTS.c.plan == plan)).scalars())

    def forget_parts(self, plan: str) -> None:
        """The whole copy is made: which parts it had matters no longer."""
        self._database.write(lambda connection: connection.execute(PARTS.delete().where(PARTS.c.plan == plan)))

    def keep_drill(self, record: Record) -> Record:
        """Remember a drill under the next number; what is kept."""

        def work(connection: sa.Connection) -> Record:
            highest = connection.execute(sa.select(sa.func.max(DRILLS.c.number))).scalar()
            kept = msgspec.structs.replace(record, number=(highest or 0) + 1)
            values = {
                "id": kept.id,
                "plan": kept.plan,
                "snapshot": kept.snapshot,
                "ended_ns": kept.ended_ns,
                "verdict": kept.verdict.value,
                "files": len(kept.pieces),
                "size_bytes": kept.restored_bytes,
                "wrong": msgspec.json.encode(kept.wrong).decode(),
                "number": kept.number,
                "record": msgspec.json.encode(kept).decode(),
            }
            connection.execute(DRILLS.insert().values(values))
            return kept

        return self._database.write(work)

    def acts(self, plan: str | None = None, *, limit: int = 50) -> list[Record]:
        """The newest records of drills, of one plan or of all."""
        query = sa.select(DRILLS.c.record).where(DRILLS.c.record != "").order_by(DRILLS.c.number.desc()).limit(limit)
        with self._database.read() as connection:
            rows = connection.execute(query if plan is None else query.where(DRILLS.c.plan == plan)).scalars().all()
        return [msgspec.json.decode(row, type=Record) for row in rows]

    def last_act(self, plan: str) -> Record | None:
        """The newest record of a plan."""
        return next(iter(self.acts(plan, limit=1)), None)

    def last_restored(self, plan: str) -> Record | None:
        """The newest record of a plan whose drill came to restoring something, whatever came back."""
        return next((act for act in self.acts(plan, limit=LOOKED_AT) if act.pieces), None)

    def untold_acts(self, *, limit: int = 20) -> list[Record]:
        """Records that the centre has not heard of, the oldest first."""
        wanted = (DRILLS.c.told == 0) & (DRILLS.c.record != "")
        query = sa.select(DRILLS.c.record).where(wanted).order_by(DRILLS.c.number).limit(limit)
        with self._database.read() as connection:
            return [msgspec.json.decode(row, type=Record) for row in connection.execute(query).scalars()]

    def act_was_told(self, record: Record) -> None:
        """The centre has it now."""
        told = DRILLS.update().where(DRILLS.c.id == record.id).values(told=1)
        self._database.write(lambda connection: connection.execute(told))

    def was_put_back(self, order: str) -> bool:
        """Whether an order of the centre was seen through here."""
        query = sa.select(PUT_BACK.c.id).where(PUT_BACK.c.id == order)
        with self._database.read() as connection:
            return connection.execute(query).first() is not None

    def keep_put_back(self, result: RestoreResult, *, wall_ns: int) -> None:
        """Remember what came of an order, before the centre hears it."""
        values = {"id": result.id, "ended_ns": wall_ns, "result": msgspec.json.encode(result).decode()}
        self._database.write(lambda connection: connection.execute(PUT_BACK.insert().values(values)))

    def untold_put_back(self) -> list[RestoreResult]:
        """Results that the centre has not heard of."""
        query = sa.select(PUT_BACK.c.result).where(PUT_BACK.c.told == 0).order_by(PUT_BACK.c.ended_ns)
        with self._database.read() as connection:
            return [msgspec.json.decode(row, type=RestoreResult) for row in connection.execute(query).scalars()]

    def put_back_was_told(self, order: str) -> None:
        """The centre knows now."""
        told = PUT_BACK.update().where(PUT_BACK.c.id == order).values(told=1)
        self._database.write(lambda connection: connection.execute(told))

    def last_drill(
        self, plan: str, *, verdicts: Sequence[Verdict] = tuple(Verdict), until_ns: int | None = None
    ) -> Drill | None:
        """The newest drill of `plan` with one of these verdicts, ended no later than `until_ns`.

        The newest is the one with the highest number, whatever the clock said when it was made.
        """
        query = (
            sa.select(DRILLS)
            .where(DRILLS.c.plan == plan, DRILLS.c.verdict.in_([verdict.value for verdict in verdicts]))
            .order_by(DRILLS.c.number.desc(), DRILLS.c.ended_ns.desc())
            .limit(1)
        )
        if until_ns is not None:
            query = query.where(DRILLS.c.ended_ns <= until_ns)
        with self._database.read() as connection:
            row = connection.execute(query).first()
        if not row:
            return None
        wrong = tuple(msgspec.json.decode(row.wrong, type=list[str]))
        return Drill(row.plan, row.snapshot, row.ended_ns, Verdict(row.verdict), row.files, row.size_bytes, wrong)


def _run_of(row: sa.Row[Any]) -> Run:
    return Run(
        id=row.id,
        plan=row.plan,
        began_ns=row.began_ns,
        ended_ns=row.ended_ns,
        outcome=OutcomeKind(row.outcome),
        reason=Text("{uk}", "{en}", {"uk": row.reason_uk, "en": row.reason_en}),
        snapshot=row.snapshot,
        files=row.files,
        size_bytes=row.size_bytes,
        added_bytes=row.added_bytes,
        duration_s=row.duration_s,
        manifest=tuple(msgspec.json.decode(row.manifest, type=list[Entry])),
        lock_may_stay=bool(row.lock_may_stay),
        written=row.written,
    )


def _is_dated(until_ns: int | None) -> sa.ColumnElement[bool]:
    """Runs that may count at `until_ns`: none from the future, nor any of 1970 once the clock is set."""
    if until_ns is None:
        return sa.true()
    from_ns = CLOCK_SET_NS if until_ns >= CLOCK_SET_NS else 0
    return RUNS.c.began_ns.between(from_ns, until_ns)
