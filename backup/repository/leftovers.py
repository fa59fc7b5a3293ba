"""Owns what works that were killed left at the centre: locks of dead processes, password files, keys nobody was given.

Nothing else would ever take them away: copies go on beside such locks, and a key that nobody has looks like one that a
host made for itself. Note: backup/design/0056-repository-service.md.
"""

import asyncio
import logging
import shutil
from pathlib import Path

import msgspec

from backup.repository.dead_locks import LockWatch, clear_all_own
from backup.repository.keyring import NEW, Keyring
from backup.restic import upkeep_commands
from backup.restic.outcome import OutcomeKind, classify
from beket.kernel.clock import NS_PER_S
from beket.kernel.ids import is_slug

log = logging.getLogger(__name__)

LOOK_EVERY_S = 60
# Our own works are ended when they stand still for half as long.
BROKEN_OFF_S = 30 * 60


class _Key(msgspec.Struct, frozen=True):
    id: str
    current: bool = False


async def keep_clear(keyring: Keyring) -> None:
    """Look for ever; at the start first at what the centre that was here before has locked."""
    watch = LockWatch(keyring)
    await clear_all_own(keyring)
    while True:
        await watch.look()
        await clear_broken_off(keyring)
        await keyring.clock.sleep(LOOK_EVERY_S)


async def clear_broken_off(keyring: Keyring) -> None:
    """Undo the makings of keys that were broken off. Such a key is known by its password, which lies there still."""
    for folder in await asyncio.to_thread(_broken_off, keyring):
        async with keyring.one_at_a_time:
            if await _take_key_away(keyring, folder):
                log.warning("a key that was being made when the centre was killed is taken away")
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def current_key(document: bytes) -> str:
    """The beginning of the name of the key that opened the repository, as `key list` tells; "" when it does not."""
    try:
        keys = msgspec.json.decode(document, type=list[_Key])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    return next((key.id for key in keys if key.current), "")


async def _take_key_away(keyring: Keyring, folder: Path) -> bool:
    """Whether no key is left that the password in `folder` opens and the ledger does not know."""
    host = await asyncio.to_thread(_host_in, folder)
    password = folder / "password"
    if not host or not password.is_file() or not await asyncio.to_thread(keyring.is_made, host):
        return True
    asked = await keyring.restic.run(upkeep_commands.list_keys(keyring.repository(host, password_file=password)))
    outcome = classify(asked)
    if outcome.kind is not OutcomeKind.OK:
        return outcome.kind is OutcomeKind.AUTH  # it never came to be
    key = await asyncio.to_thread(_unknown_key, keyring, host, current_key(asked.output))
    if not key:
        return True
    removed = classify(await keyring.restic.run(upkeep_commands.remove_key(keyring.repository(host), key)))
    return removed.kind is OutcomeKind.OK  # while somebody copies it is not; the next look tries again


def _unknown_key(keyring: Keyring, host: str, beginning: str) -> str:
    """The name of the host's key that begins so; "" when it is in the ledger, or when it is not clear which."""
    found = {name for name in keyring.keys_in(host) if beginning and name.startswith(beginning)}
    known = {one.key for one in keyring.ledger.known_keys() if one.host == host}
    return found.pop() if len(found) == 1 and not found & known else ""


def _broken_off(keyring: Keyring) -> list[Path]:
    latest_s = keyring.clock.wall_ns() / NS_PER_S - BROKEN_OFF_S
    return [folder for folder in keyring.secrets.glob(f"{NEW}*") if folder.stat().st_mtime < latest_s]


def _host_in(folder: Path) -> str:
    try:
        found = (folder / "host").read_text()
    except OSError:
        return ""
    return found if is_slug(found) else ""
