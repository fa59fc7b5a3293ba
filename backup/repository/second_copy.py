"""Owns the second copy: every snapshot of a host once more, on a disk that is carried away or at a neighbour community.

restic copies and checks each piece on the way; afterwards both repositories are asked, and each snapshot of the first
must stand in the second with the same tree. Nothing is removed there. Note: backup/design/0057-forget-and-prune.md.
"""

import asyncio
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from backup.repository.keyring import Keyring
from backup.repository.place import clear_unborn, lost_config
from backup.repository.walk import Damage, walk
from backup.restic import commands, upkeep_commands
from backup.restic.commands import Repository
from backup.restic.link import Link
from backup.restic.outcome import Outcome, OutcomeKind, classify
from beket.kernel.clock import NS_PER_S
from beket.kernel.durable_file import put_file
from beket.kernel.errors import InvalidConfig, ProtocolError
from beket.kernel.ids import check_slug
from beket.kernel.secrets import read_secret_file
from beket.kernel.text import say

WORK = "second-copy"
# A folder without this file is a disk that is not there: nothing is ever written to the place where it belongs.
MARK = ".beket-second-copy"
HOUR_NS = 3600 * NS_PER_S
LOOK_EVERY_S = 600
THIN = Link()
DISK_IS_AWAY = say("Диск для другої копії не під'єднано.", "The disk for second copies is not connected.")


class _Stored(msgspec.Struct, frozen=True):
    time: str = ""
    tree: str = ""
    hostname: str = ""


@dataclass(frozen=True, slots=True)
class SecondPlace:
    """Where second copies go: a folder on a disk, or a neighbour's server.

    Attributes:
        folder: on the disk; None for a neighbour.
        address_file: a file (0600) with the neighbour's restic address, login and all; each host has its path below it.
        ca_file: the certificate that the neighbour shows, PEM.
        link: how the line to the neighbour is used; small packs, one at a time, get through any.
    """

    folder: Path | None = None
    address_file: Path | None = None
    ca_file: Path | None = None
    link: Link = THIN

    def is_there(self) -> bool:
        """Whether the disk is connected; a neighbour is asked by trying. Blocking."""
        return self.folder is None or (self.folder / MARK).is_file()

    def prepare(self) -> None:
        """Mark the folder as a place for second copies. Blocking.

        Raises:
            InvalidConfig: the folder is not there.
        """
        if self.folder is None:
            return
        if not self.folder.is_dir():
            raise InvalidConfig(say("Такої теки немає.", "There is no such folder."), subject=str(self.folder))
        put_file(self.folder / MARK, b"beket\n")

    def repository(self, host: str, keyring: Keyring) -> Repository:
        """The second repository of a host, opened by the centre's key of the first. Blocking.

        Raises:
            NotFound, InvalidConfig: the neighbour's address is not to be read.
        """
        first = keyring.repository(host)
        if self.folder is not None:
            return replace(first, location=str(self.folder / check_slug(host, place="host")))
        if self.address_file is None:
            raise InvalidConfig(say("Місця для другої копії не вказано.", "No place for a second copy is named."))
        address = f"{read_secret_file(self.address_file).reveal().rstrip('/')}/{check_slug(host, place='host')}/"
        kept = keyring.secrets / "second" / host
        put_file(kept, address.encode() + b"\n")
        parts = urllib.parse.urlsplit(address.removeprefix("rest:"))
        location = f"rest:{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        return replace(first, location=location, location_file=kept, ca_file=self.ca_file, link=self.link)


async def copy_host(keyring: Keyring, host: str, place: SecondPlace, *, is_new_place: bool = False) -> Outcome:
    """Bring the second copy of a host up to date and prove it; what came of it is remembered.

    `is_new_place`: a person says that nothing was kept there before. On a disk that is seen; a neighbour's server, of
    which nobody sees more than whether there is a repository, gets another one in place of a lost one only so.

    Raises:
        ResticMissing: the binary is gone.
        InvalidConfig, NotFound: the place is not rightly named.
    """
    outcome = await _copy(keyring, host, place, is_new_place=is_new_place)
    await asyncio.to_thread(keyring.ledger.keep_work, host, WORK, outcome, wall_ns=keyring.clock.wall_ns())
    return outcome


async def keep_copying(keyring: Keyring, place: SecondPlace, *, every_hours: float) -> None:
    """Bring second copies up to date when they are due and the place is there, for ever."""
    while True:
        if await asyncio.to_thread(place.is_there):
            for host in await asyncio.to_thread(due_hosts, keyring, every_hours):
                await copy_host(keyring, host, place)
        await keyring.clock.sleep(LOOK_EVERY_S)


def damage_on(folder: Path, *, wall_ns: int) -> Iterator[tuple[str, Damage]]:
    """What is damaged among the second copies on a disk, by host; every file is read, no key is needed. Blocking."""
    for repository in sorted(path.parent for path in folder.glob("*/config")):
        after = ""
        while True:
            part = walk(repository, after, wall_ns=wall_ns)
            yield from ((repository.name, damage) for damage in part.damaged)
            after = part.last
            if not after:
                break


def due_hosts(keyring: Keyring, every_hours: float) -> list[str]:
    """Hosts whose second copy is older than that, or was tried no sooner than an hour ago in vain. Blocking."""
    good = keyring.ledger.last_works(WORK, outcomes=[OutcomeKind.OK])
    tried, wall_ns = keyring.ledger.last_works(WORK), keyring.clock.wall_ns()

    def is_due(host: str) -> bool:
        if host in good and 0 <= wall_ns - good[host].ended_ns < every_hours * HOUR_NS:
            return False
        return host not in tried or not 0 <= wall_ns - tried[host].ended_ns < HOUR_NS

    return [host.host for host in keyring.ledger.hosts() if keyring.is_made(host.host) and is_due(host.host)]


async def _copy(keyring: Keyring, host: str, place: SecondPlace, *, is_new_place: bool) -> Outcome:
    if not await asyncio.to_thread(place.is_there):
        return Outcome(OutcomeKind.MISSING, DISK_IS_AWAY)
    first = keyring.repository(host)
    second = await asyncio.to_thread(place.repository, host, keyring)
    outcome = await _run(keyring, upkeep_commands.copy(first, second))
    if outcome.kind is OutcomeKind.MISSING:
        made = await _make(keyring, first, second, is_new_place=is_new_place)
        if made.kind is not OutcomeKind.OK:
            return made
        outcome = await _run(keyring, upkeep_commands.copy(first, second))
    if outcome.kind is not OutcomeKind.OK:
        return outcome
    return await _compare(keyring, first, second)


async def _make(keyring: Keyring, first: Repository, second: Repository, *, is_new_place: bool) -> Outcome:
    """Make the second repository where none was; else say what is wrong there."""
    lost = await asyncio.to_thread(_lost, keyring, second, is_new_place=is_new_place)
    if lost is not None:
        return lost
    if not second.is_remote:
        await asyncio.to_thread(clear_unborn, Path(second.location))
    return await _run(keyring, upkeep_commands.init_like(second, first))


def _lost(keyring: Keyring, second: Repository, *, is_new_place: bool) -> Outcome | None:
    if not second.is_remote:
        return lost_config(Path(second.location))
    if is_new_place or second.host not in keyring.ledger.last_works(WORK, outcomes=[OutcomeKind.OK]):
        return None
    reason = say(
        "У сусідів зникло сховище з нашою другою копією. Спитайте їх про диск. Якщо його вже не вернути або місце "
        "нове, виконайте: beket backup second --prepare",
        "The neighbours' repository with our second copy is gone. Ask them about their disk. If it will not be back, "
        "or the place is a new one, run: beket backup second --prepare",
    )
    return Outcome(OutcomeKind.MISSING, reason)


async def _compare(keyring: Keyring, first: Repository, second: Repository) -> Outcome:
    """Whether each snapshot of the first stands in the second; a list that does not come is no empty list."""
    held: list[set[_Stored]] = []
    for repository in (first, second):
        ended = await keyring.restic.run(upkeep_commands.all_snapshots(repository))
        outcome = classify(ended)
        if outcome.kind is not OutcomeKind.OK:
            return outcome
        held.append(_stored(ended.output))
    lacking = held[0] - held[1]
    if lacking:
        reason = say("У другій копії бракує копій: {n}.", "The second copy lacks {n} snapshots.", n=len(lacking))
        return Outcome(OutcomeKind.FAILED, reason)
    return Outcome(OutcomeKind.OK, say("Друга копія така сама, як перша.", "The second copy is the same as the first."))


async def _run(keyring: Keyring, command: commands.Command) -> Outcome:
    return classify(await keyring.restic.run(command))


def _stored(document: bytes) -> set[_Stored]:
    try:
        return set(msgspec.json.decode(document or b"null", type=list[_Stored] | None) or ())
    except msgspec.MsgspecError as error:
        raise ProtocolError(say("Відповідь restic незрозуміла.", "restic's answer is not understood.")) from error
