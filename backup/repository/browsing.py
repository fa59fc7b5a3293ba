"""Owns looking into a host's snapshots at the centre: which there are, what lies in a folder, the bytes of a file.

With the centre's key, on its disk, without a lock, so that nobody's copying has to wait.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Protocol

import msgspec

from backup.parts import is_part
from backup.repository.keyring import WorkFailed
from backup.restic import upkeep_commands
from backup.restic.commands import Command, Repository
from backup.restic.events import Snapshot, parse_snapshots
from backup.restic.outcome import OutcomeKind, classify
from backup.restic.run import Restic
from backup.restic.streaming import stream
from beket.kernel.errors import InvalidArgument, NotFound, ProtocolError
from beket.kernel.text import say

PATH_MAX_CHARS = 4096
# restic at work for pages at once: opening a repository costs half a second of CPU.
AT_ONCE = 2


class Node(msgspec.Struct, frozen=True):
    """A file or folder in a snapshot. `mtime` is RFC 3339, by the host's clock; `type` "dir", "file" or another."""

    name: str = ""
    type: str = ""
    path: str = ""
    size_bytes: int = msgspec.field(default=0, name="size")
    mtime: str = ""
    struct_type: str = ""

    @property
    def is_folder(self) -> bool:
        """Whether there is more inside."""
        return self.type == "dir"


class Opener(Protocol):
    """What opens repositories: the centre's keyring, or a sandbox to practise in."""

    @property
    def restic(self) -> Restic:
        """The program."""

    def repository(self, host: str) -> Repository:
        """The host's repository, on this disk."""

    def is_made(self, host: str) -> bool:
        """Whether there is one that can be opened. Blocking."""


@dataclass(frozen=True, slots=True)
class Browser:
    """The snapshots of the repositories that can be opened here."""

    keyring: Opener
    _room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def snapshots(self, host: str) -> list[Snapshot]:
        """All copies of a host, newest first; parts of a first copy are none.

        Raises:
            NotFound: the centre made no such repository.
            WorkFailed: restic could not tell.
        """
        self._demand(host)
        command = upkeep_commands.all_snapshots(self.keyring.repository(host))
        found = parse_snapshots(await self._output(host, command))
        whole = [one for one in found if not is_part(one.tags)]
        return sorted(whole, key=lambda one: one.made_at(), reverse=True)

    async def folder(self, host: str, snapshot: str, path: str) -> list[Node]:
        """What lies in one folder of a snapshot, folders first.

        Raises:
            NotFound: no such repository, snapshot or folder.
            WorkFailed: restic could not tell.
        """
        self._demand(host)
        self._demand_snapshot(host, snapshot)
        command = upkeep_commands.ls(self.keyring.repository(host), snapshot, checked_path(path))
        nodes = nodes_of(await self._output(host, command))
        inside = [node for node in nodes if node.path != path and str(PurePosixPath(node.path).parent) == path]
        if path != "/" and not any(node.path == path for node in nodes):
            raise NotFound(say("У цій копії такого немає.", "There is no such thing in this copy."), subject=path[:200])
        return sorted(inside, key=lambda node: (not node.is_folder, node.name.casefold()))

    async def read(self, host: str, snapshot: str, path: str) -> AsyncIterator[bytes]:
        """The bytes of a file, or of a folder as a ZIP archive.

        Raises:
            NotFound: no such repository or snapshot.
            DataLoss: it could not be read whole.
        """
        self._demand(host)
        self._demand_snapshot(host, snapshot)
        command = upkeep_commands.dump(self.keyring.repository(host), snapshot, checked_path(path))
        async with self._room:
            async for chunk in stream(self.keyring.restic, command):
                yield chunk

    async def _output(self, host: str, command: Command) -> bytes:
        async with self._room:
            ended = await self.keyring.restic.run(command)
        outcome = classify(ended)
        if outcome.kind is not OutcomeKind.OK:
            raise WorkFailed(outcome, subject=host)
        return ended.output

    def _demand(self, host: str) -> None:
        if not self.keyring.is_made(host):
            raise NotFound(
                say("Копії цього комп'ютера центр прочитати не може.", "The centre cannot read this host's copies."),
                subject=host[:80],
                hint=say(
                    "Відновіть на самому комп'ютері: beket backup restore.",
                    "Restore at the host itself.",
                ),
            )

    def _demand_snapshot(self, host: str, snapshot: str) -> None:
        is_name = len(snapshot) == 64 and set(snapshot) <= set("0123456789abcdef")
        folder = Path(self.keyring.repository(host).location)
        if not is_name or not (folder / "snapshots" / snapshot).is_file():
            raise NotFound(say("Такої копії немає.", "There is no such copy."), subject=snapshot[:80])


def checked_path(path: str) -> str:
    """An absolute path without tricks.

    Raises:
        InvalidArgument: it is none.
    """
    parts = path.split("/")
    if not path.startswith("/") or "\0" in path or ".." in parts or len(path) > PATH_MAX_CHARS:
        raise InvalidArgument(say("Такого шляху не буває.", "There is no such path."), subject=path[:200])
    return path


def nodes_of(lines: bytes) -> list[Node]:
    """What `ls --json` printed; the first line is the snapshot itself.

    Raises:
        ProtocolError: it is no such output.
    """
    try:
        found = [msgspec.json.decode(line, type=Node) for line in lines.splitlines() if line]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError(say("Відповідь restic незрозуміла.", "restic's answer is not understood.")) from error
    return [node for node in found if node.struct_type == "node"]
