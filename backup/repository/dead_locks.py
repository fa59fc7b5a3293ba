"""Owns which locks of repositories at the centre are dead, and takes them away; no clock of a host's counts for that.

restic itself calls a lock stale by the time that stands in it, which its host's clock told: one that is an hour slow
would lose the lock of a copy under way, and a prune beside that copy would take packs that it had just stored. So a
lock goes here for two reasons only: it names this machine and a process that is gone, or it has been seen for half an
hour of our monotonic time: the living make theirs anew, under another name, every five minutes.
Note: backup/design/0056-repository-service.md.
"""

import asyncio
import contextlib
import logging
import socket
from pathlib import Path

import msgspec

from backup.repository.keyring import Keyring
from backup.restic import upkeep_commands
from backup.restic.outcome import OutcomeKind, classify
from beket.kernel.clock import NS_PER_S

log = logging.getLogger(__name__)

NAME_CHARS = 64
DEAD_AFTER_S = 30 * 60


class _Lock(msgspec.Struct, frozen=True):
    hostname: str = ""
    pid: int = 0


class LockWatch:
    """Takes away what has lain in `locks/` for half an hour under one name."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        # By host and name: when it was seen first, monotonic.
        self._seen_ns: dict[tuple[str, str], int] = {}

    async def look(self) -> None:
        """Look at all repositories; no restic is started."""
        await asyncio.to_thread(self._look)

    def _look(self) -> None:
        now_ns = self._keyring.clock.mono_ns()
        found = {(host, name) for host in _hosts(self._keyring) for name in locks_in(self._keyring, host)}
        self._seen_ns = {one: self._seen_ns.get(one, now_ns) for one in found}
        for (host, name), seen_ns in self._seen_ns.items():
            if now_ns - seen_ns >= DEAD_AFTER_S * NS_PER_S:
                _remove(self._keyring, host, name)


async def clear_own(keyring: Keyring, host: str) -> None:
    """Take away the locks that processes of this machine left which are gone."""
    for name in await asyncio.to_thread(locks_in, keyring, host):
        asked = await keyring.restic.run(upkeep_commands.read_lock(keyring.repository(host), name))
        if classify(asked).kind is OutcomeKind.OK and is_dead(asked.output, machine=socket.gethostname()):
            await asyncio.to_thread(_remove, keyring, host, name)


async def clear_all_own(keyring: Keyring) -> None:
    """The same in every repository: what a centre that was here before has left."""
    for host in await asyncio.to_thread(_hosts, keyring):
        await clear_own(keyring, host)


def is_dead(document: bytes, *, machine: str) -> bool:
    """Whether a lock, as restic tells it, is of a process of `machine` that is gone."""
    try:
        lock = msgspec.json.decode(document, type=_Lock)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return lock.hostname == machine and 0 < lock.pid < 2**31 and not Path(f"/proc/{lock.pid}").exists()


def locks_in(keyring: Keyring, host: str) -> list[str]:
    """Names of the whole locks of a repository; one that is still on its way in has a longer name. Blocking."""
    try:
        locks = list((keyring.repositories / host / "locks").iterdir())
    except FileNotFoundError:
        return []
    return [lock.name for lock in locks if len(lock.name) == NAME_CHARS]


def _hosts(keyring: Keyring) -> list[str]:
    return [host.host for host in keyring.ledger.hosts() if keyring.is_made(host.host)]


def _remove(keyring: Keyring, host: str, name: str) -> None:
    log.warning("a lock that a dead process left in the repository of %s is removed", host)
    with contextlib.suppress(FileNotFoundError):
        (keyring.repositories / host / "locks" / name).unlink()
