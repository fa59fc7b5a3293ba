"""Owns the centre's upkeep of a repository: what would be forgotten is shown first, then exactly that is forgotten.

Works on the centre's disk with its own key, never through the server. Prune writes before it frees: how much it may
write depends on the space that is left. Note: backup/design/0057-forget-and-prune.md.
"""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from backup.repository import soundness
from backup.repository.config import KeepConfig, WalkConfig
from backup.repository.dead_locks import clear_own
from backup.repository.forgetting import DAY_NS, Decision, Guard, decide
from backup.repository.keyring import Keyring, WorkFailed
from backup.repository.rounds import is_open
from backup.restic import upkeep_commands
from backup.restic.commands import Command
from backup.restic.events import Snapshot, parse_snapshots
from backup.restic.outcome import Outcome, OutcomeKind, classify
from backup.restic.run import Ended
from backup.restic.upkeep_commands import Keep
from beket.kernel.errors import ProtocolError
from beket.kernel.text import say
from beket.kernel.units import GIB

FORGET, PRUNE = "forget", "prune"
IDS_A_RUN = 500
EVERY_DAYS, RETRY_DAYS = 7, 0.8
LOOK_EVERY_S = 600


class _Removed(msgspec.Struct, frozen=True):
    id: str = ""
    short_id: str = ""


class _Group(msgspec.Struct, frozen=True):
    remove: tuple[_Removed, ...] | None = None


def keep_of(config: KeepConfig) -> Keep:
    """The policy in restic's words."""
    return Keep(
        f"{config.all_days}d",
        f"{config.daily_days}d",
        f"{config.weekly_days}d",
        f"{config.monthly_days}d",
        config.floor,
    )


async def what_would_go(
    keyring: Keyring, host: str, config: KeepConfig, *, many_are_fine: bool = False
) -> tuple[Decision, tuple[Snapshot, ...]]:
    """What the policy would forget now, and all snapshots; changes nothing.

    Raises:
        WorkFailed: restic could not tell.
    """
    repository = keyring.repository(host)
    snapshots = parse_snapshots((await _done(keyring, host, upkeep_commands.all_snapshots(repository))).output)
    asked = await _done(keyring, host, upkeep_commands.what_would_be_forgotten(repository, keep_of(config)))
    arrivals = await asyncio.to_thread(arrivals_in, Path(repository.location))
    decision = decide(
        snapshots,
        arrivals,
        proposed_in(asked.output),
        Guard(config.floor, config.all_days),
        wall_ns=keyring.clock.wall_ns(),
        many_are_fine=many_are_fine,
    )
    return decision, snapshots


async def keep_up(keyring: Keyring, keep: KeepConfig, hours: WalkConfig) -> None:
    """Forget by rule and check, each repository once a week, in the hours in which disks may be read, for ever.

    What the guard refuses is remembered with its sentence and looked at again the next night.
    """
    clock = keyring.clock
    while True:
        if is_open(hours, wall_ns=clock.wall_ns()):
            for host in await asyncio.to_thread(due_hosts, keyring) if keep.automatic else ():
                await forget_by_rule(keyring, host, keep)
            await soundness.check_in_turn(keyring, hours)
        await clock.sleep(LOOK_EVERY_S)


def due_hosts(keyring: Keyring) -> list[str]:
    """Hosts whose turn has come: a week after the last time, a night after a failure. Blocking."""
    last, wall_ns = keyring.ledger.last_works(FORGET), keyring.clock.wall_ns()

    def is_due(host: str) -> bool:
        if host not in last:
            return True
        wait_ns = (EVERY_DAYS if last[host].outcome == OutcomeKind.OK else RETRY_DAYS) * DAY_NS
        return not 0 <= wall_ns - last[host].ended_ns < wait_ns

    return [host.host for host in keyring.ledger.hosts() if keyring.is_made(host.host) and is_due(host.host)]


async def forget_by_rule(keyring: Keyring, host: str, keep: KeepConfig) -> Outcome:
    """Forget what the rule and its guard agree on; what came of it is remembered."""
    try:
        decision, _ = await what_would_go(keyring, host, keep)
    except WorkFailed as failed:
        outcome = failed.outcome
    else:
        if decision.remove:
            return await forget(keyring, host, decision.remove)
        kind = OutcomeKind.FAILED if decision.refusal else OutcomeKind.OK
        outcome = Outcome(kind, decision.refusal or say("Забувати нічого.", "Nothing to forget."))
    await _remember(keyring, host, FORGET, outcome)
    return outcome


async def forget(keyring: Keyring, host: str, ids: Sequence[str]) -> Outcome:
    """Forget exactly these snapshots, then free what only they held; what came of it is remembered.

    Raises:
        ResticMissing: the binary is gone.
    """
    repository = keyring.repository(host)
    for start in range(0, len(ids), IDS_A_RUN):
        outcome = await _patiently(keyring, host, upkeep_commands.forget(repository, ids[start : start + IDS_A_RUN]))
        await _remember(keyring, host, FORGET, outcome)
        if outcome.kind is not OutcomeKind.OK:
            return outcome
    free_bytes = await asyncio.to_thread(_free_bytes, Path(repository.location))
    outcome = await _patiently(keyring, host, upkeep_commands.prune(repository, repack_bytes=repack_bytes(free_bytes)))
    await _remember(keyring, host, PRUNE, outcome)
    return outcome


def repack_bytes(free_bytes: int, *, spare_bytes: int = 2 * GIB) -> int:
    """How much prune may write anew: half of what is free beyond a reserve; 0 still frees packs that nobody needs."""
    return max(0, (free_bytes - spare_bytes) // 2)


def arrivals_in(repository: Path) -> dict[str, int]:
    """When the file of each snapshot came, by the centre's clock. Blocking."""
    return {path.name: path.stat().st_mtime_ns for path in (repository / "snapshots").iterdir()}


def proposed_in(document: bytes) -> set[str]:
    """The ids that `forget --dry-run --json` would remove.

    Raises:
        ProtocolError: it is no such document.
    """
    if not document.strip():
        return set()  # an empty repository: restic has nothing to say
    try:
        groups = msgspec.json.decode(document, type=list[_Group] | None) or []
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError(say("Відповідь restic незрозуміла.", "restic's answer is not understood.")) from error
    return {one.id for group in groups for one in group.remove or ()}


async def _remember(keyring: Keyring, host: str, work: str, outcome: Outcome) -> None:
    await asyncio.to_thread(keyring.ledger.keep_work, host, work, outcome, wall_ns=keyring.clock.wall_ns())


async def _patiently(keyring: Keyring, host: str, command: Command) -> Outcome:
    """Once more after the removal of what dead processes of this machine have locked."""
    outcome = classify(await keyring.restic.run(command))
    if outcome.kind is OutcomeKind.LOCKED:
        await clear_own(keyring, host)
        outcome = classify(await keyring.restic.run(command))
    return outcome


async def _done(keyring: Keyring, host: str, command: Command) -> Ended:
    ended = await keyring.restic.run(command)
    outcome = classify(ended)
    if outcome.kind is OutcomeKind.LOCKED:
        await clear_own(keyring, host)
        ended = await keyring.restic.run(command)
        outcome = classify(ended)
    if outcome.kind is not OutcomeKind.OK:
        raise WorkFailed(outcome, subject=host)
    return ended


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free
