"""Owns the quarterly trial of the key on paper: the newest copy is opened with it, and its canary really comes back.

The key lies nowhere but on the sheet, so that a person types it; what it proves is recorded as any drill is.
Note: backup/design/0052-drills.md.
"""

import asyncio
from pathlib import Path

from backup import canary
from backup.acts.record import KeyUsed, Record, Verdict, Why
from backup.drills import sandbox
from backup.drills.choice import Chosen
from backup.repository.keyring import Holder, Keyring
from backup.restic import commands, upkeep_commands
from backup.restic.commands import Repository
from backup.restic.events import Snapshot, parse_snapshots
from backup.restic.outcome import Outcome, OutcomeKind, classify
from beket.kernel.clock import wall_ns_of
from beket.kernel.ids import new_uuid
from beket.kernel.secrets import Secret
from beket.kernel.text import Text, say

EVERY_DAYS = 92


async def open_envelope(keyring: Keyring, host: str, password: Secret, folder: Path, *, by: str) -> Record | Outcome:
    """Try the key on paper; the record of what came back with it, else the outcome of opening alone.

    A copy from before there were canaries proves the key by opening. `folder` is for what is restored; it is gone
    when this returns.

    Raises:
        InvalidArgument: something is in the folder.
        NoSpace: no room for it.
    """
    async with keyring.opened_by(host, password) as repository:
        asked = await keyring.restic.run(upkeep_commands.all_snapshots(repository))
        outcome = classify(asked)
        if outcome.kind is not OutcomeKind.OK:
            return outcome
        newest = max(parse_snapshots(asked.output), key=lambda one: one.made_at(), default=None)
        canaries = [path for path in newest.paths if canary.is_canary(path)] if newest else []
        if newest is None or not canaries:
            await asyncio.to_thread(_note, keyring, host)
            return outcome
        record = await _restore(keyring, repository, newest, canaries, folder, by=by, opening_s=asked.duration_s)
    if record.verdict is Verdict.PROVEN:
        await asyncio.to_thread(_note, keyring, host)
    return await asyncio.to_thread(keyring.ledger.acts.keep_own, record)


async def _restore(
    keyring: Keyring,
    repository: Repository,
    snapshot: Snapshot,
    canaries: list[str],
    folder: Path,
    *,
    by: str,
    opening_s: float,
) -> Record:
    host, began_ns = repository.host, keyring.clock.wall_ns()
    chosen = [Chosen(canary.entry_of(path), Why.CANARY) for path in canaries]
    await asyncio.to_thread(sandbox.clear, folder)
    await asyncio.to_thread(sandbox.prepare, folder, sum(one.entry.size_bytes for one in chosen))
    try:
        ended = await keyring.restic.run(commands.restore(repository, snapshot.id, folder, only=canaries))
        outcome = classify(ended)
        pieces = await asyncio.to_thread(sandbox.compare, chosen, folder)
    finally:
        await asyncio.to_thread(sandbox.clear, folder)
    is_same = outcome.kind is OutcomeKind.OK and all(piece.is_same for piece in pieces)
    reason = Text("", "") if is_same else _why(outcome)
    told = next((one.report for one in keyring.ledger.told() if one.host == host), None)
    return Record(
        id=str(new_uuid()),
        host=host,
        site=next((one.site for one in keyring.ledger.hosts() if one.host == host), host),
        plan=canaries[0].rpartition(f"{canary.NAME}-")[2],
        plan_name=told.name if told else host,
        snapshot=snapshot.id,
        snapshot_ns=wall_ns_of(snapshot.made_at()),
        began_ns=began_ns,
        ended_ns=keyring.clock.wall_ns(),
        verdict=Verdict.PROVEN if is_same else Verdict.WRONG,
        by=by,
        key=KeyUsed.RECOVERY,
        restic=str(keyring.restic.capabilities.version),
        reason_uk=reason.uk,
        reason_en=reason.en,
        pieces=pieces,
        opening_s=opening_s,
        restoring_s=ended.duration_s,
        whole_bytes=told.size_bytes if told else 0,
        every_days=EVERY_DAYS,
    )


def _why(outcome: Outcome) -> Text:
    if outcome.kind is not OutcomeKind.OK:
        return outcome.reason
    return say(
        "Ключ відкриває сховище, але канарка повернулася не тією, якою була.",
        "The key opens the repository, but the canary came back as another thing.",
    )


def _note(keyring: Keyring, host: str) -> None:
    keyring.ledger.key_was_tried(host, Holder.RECOVERY, wall_ns=keyring.clock.wall_ns())
