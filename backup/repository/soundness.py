"""Owns the centre's weekly `restic check` of each repository: what the keyless walk cannot see, that a file is absent.

With the centre's key, in the hours in which disks may be read, ended when they are over. It wants the repository for
itself: where anybody is at work it comes back the next night. What it misses is kept among the damage that the walk
finds. Note: backup/design/0054-hash-walk.md.
"""

import asyncio
import logging
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from backup.repository.config import WalkConfig
from backup.repository.dead_locks import clear_own
from backup.repository.forgetting import DAY_NS
from backup.repository.keyring import Keyring
from backup.repository.ledger import Host
from backup.repository.place import lost_config
from backup.repository.rounds import is_open
from backup.repository.walk import CONFIG, Damage, Fault
from backup.restic import commands
from backup.restic.outcome import Outcome, OutcomeKind, classify
from backup.restic.run import Ended
from beket.kernel.text import say

log = logging.getLogger(__name__)

CHECK = "check"
EVERY_DAYS, RETRY_DAYS = 7, 0.8
# Where restic tells that the whole does not hold together, and names no file.
WHOLE = "index"
LOOK_EVERY_S = 60
_PACK = re.compile(r"\bpack ([0-9a-f]{64})\b")
_PUT_OFF = {
    OutcomeKind.LOCKED: say(
        "Щотижнева перевірка сховища чекає наступної ночі: у ньому хтось працює.",
        "The weekly check of the repository waits for the next night: somebody works in it.",
    ),
    OutcomeKind.CANCELLED: say(
        "Щотижнева перевірка сховища не встигла за ніч; її буде повторено.",
        "The weekly check of the repository did not end by morning; it will be made again.",
    ),
}


async def check_in_turn(keyring: Keyring, hours: WalkConfig) -> None:
    """Check what is due, one repository after the other, as long as the hours last."""
    for host in await asyncio.to_thread(due_hosts, keyring):
        if not is_open(hours, wall_ns=keyring.clock.wall_ns()):
            return
        over = asyncio.Event()
        watching = asyncio.create_task(_tell_when_over(keyring, hours, over))
        try:
            await check(keyring, host, stop=over)
        finally:
            watching.cancel()


def due_hosts(keyring: Keyring) -> list[str]:
    """Hosts whose turn has come: a week after the last whole check, a night after one that could not be. Blocking.

    The first comes a day after the repository was made: until then its host is at work on its first copy.
    """
    last, wall_ns = keyring.ledger.last_works(CHECK), keyring.clock.wall_ns()

    def is_due(host: Host) -> bool:
        if host.host not in last:
            return not 0 <= wall_ns - host.added_ns < RETRY_DAYS * DAY_NS
        is_judged = last[host.host].outcome in (OutcomeKind.OK, OutcomeKind.DAMAGED)
        return not 0 <= wall_ns - last[host.host].ended_ns < (EVERY_DAYS if is_judged else RETRY_DAYS) * DAY_NS

    def is_there(host: str) -> bool:
        return keyring.is_made(host) or lost_config(keyring.repositories / host) is not None

    hosts = [host for host in keyring.ledger.hosts() if keyring.password_file(host.host).is_file()]
    return [host.host for host in hosts if is_due(host) and is_there(host.host)]


async def check(keyring: Keyring, host: str, *, stop: asyncio.Event | None = None) -> Outcome:
    """Check one repository; what came of it, and what is missing there, is remembered.

    Raises:
        ResticMissing: the binary is gone.
    """
    folder = keyring.repositories / host
    lost = await asyncio.to_thread(lost_config, folder)
    if lost is not None:
        outcome, damaged = lost, [CONFIG]
    else:
        ended = await keyring.restic.run(commands.check(keyring.repository(host), read_data=False), stop=stop)
        outcome = classify(ended)
        if outcome.kind is OutcomeKind.LOCKED:
            await clear_own(keyring, host)  # of our own dead; the next night finds it open
        damaged = missing_in(folder, ended) if outcome.kind is OutcomeKind.DAMAGED else []
        outcome = replace(outcome, reason=_PUT_OFF.get(outcome.kind, outcome.reason))
    await asyncio.to_thread(_remember, keyring, host, outcome, damaged)
    return outcome


def missing_in(repository: Path, ended: Ended) -> list[str]:
    """The packs that restic names and that are not there; when it names none, that the whole is unsound. Blocking."""
    named = {f"data/{pack[:2]}/{pack}" for line in ended.words for pack in _PACK.findall(line)}
    return sorted(file for file in named if not (repository / file).exists()) or [WHOLE]


def _remember(keyring: Keyring, host: str, outcome: Outcome, damaged: Iterable[str]) -> None:
    wall_ns = keyring.clock.wall_ns()
    keyring.ledger.keep_work(host, CHECK, outcome, wall_ns=wall_ns)
    if outcome.kind in (OutcomeKind.OK, OutcomeKind.DAMAGED):
        found = [Damage(file, Fault.UNSOUND) for file in damaged]
        keyring.ledger.keep_unsound(host, found, wall_ns=wall_ns)
        for one in found:
            log.critical("repository of %s: %s is missing, or contradicts the rest", host, one.file)


async def _tell_when_over(keyring: Keyring, hours: WalkConfig, over: asyncio.Event) -> None:
    while is_open(hours, wall_ns=keyring.clock.wall_ns()):
        await keyring.clock.sleep(LOOK_EVERY_S)
    over.set()
