"""Owns how a wish is spelt as restic's arguments; starts nothing.

The password travels by file name only, so that neither `ps` nor the environment shows it. A place that holds a login
(`rest:https://user:…@host`) would stand in the arguments: it is refused here.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from backup.restic.link import Link
from beket.kernel.errors import InvalidConfig
from beket.kernel.text import say

_LOGIN_IN_URL = re.compile(r"://[^/@]*@")
# What restic's patterns (Go's filepath.Match) take for more than themselves.
_PATTERN_SIGNS = re.compile(r"([\\*?\[\]])")


class Operation(StrEnum):
    """What restic is asked to do."""

    INIT = "init"
    BACKUP = "backup"
    SNAPSHOTS = "snapshots"
    RESTORE = "restore"
    CHECK = "check"
    UNLOCK = "unlock"
    KEY = "key"
    FORGET = "forget"
    PRUNE = "prune"
    COPY = "copy"
    LS = "ls"
    DUMP = "dump"
    CAT = "cat"


@dataclass(frozen=True, slots=True)
class Repository:
    """Where one host's snapshots are and what opens it.

    Attributes:
        location: a folder, or a restic URL (`rest:https://…`).
        host: the stable name of whose files these are; never the machine's own host name, which clones share.
        cache: folder for restic's cache; None lets it have none, which costs little for a folder on this machine.
        location_file: a file (0600) with the same address and a login in it, for a server that asks for one.
        ca_file: the certificate that such a server must show, PEM.
        link: how the line to a `rest:` repository is used; None means restic's own ways.
    """

    location: str
    password_file: Path
    host: str
    cache: Path | None = None
    location_file: Path | None = None
    ca_file: Path | None = None
    link: Link | None = None

    def __post_init__(self) -> None:
        if _LOGIN_IN_URL.search(self.location):
            raise InvalidConfig(
                say("В адресі сховища не може бути пароля.", "A repository's address cannot hold a password.")
            )

    @property
    def is_remote(self) -> bool:
        """Whether a line lies between: then silence means a bad line, not a bad disk."""
        return re.match(r"[a-z0-9]{2,}:", self.location) is not None


@dataclass(frozen=True, slots=True)
class Command:
    """One run of restic: what it is for, and its arguments after the program's name."""

    operation: Operation
    arguments: tuple[str, ...]
    remote: bool = False


def init(repository: Repository) -> Command:
    """Make the repository."""
    return spelt(repository, Operation.INIT)


def backup(
    repository: Repository,
    paths: Sequence[Path],
    *,
    excludes: Sequence[str] = (),
    tags: Sequence[str] = (),
    vss: bool = False,
) -> Command:
    """Save `paths` (absolute: a relative one would change the root of the tree) as one snapshot.

    `vss`: from a shadow copy, on Windows; where that fails restic takes the live files and tells it as an error.
    """
    return spelt(
        repository,
        Operation.BACKUP,
        "--host",
        repository.host,
        *_each("--tag", tags),
        *_each("--exclude", excludes),
        *(("--use-fs-snapshot",) if vss else ()),
        "--",
        *map(str, paths),
    )


def snapshots(repository: Repository, *, ids: Sequence[str] = (), tag: str | None = None) -> Command:
    """Tell of the named snapshots, or of the newest of this host with `tag` for each set of paths; takes no lock."""
    if ids:
        return spelt(repository, Operation.SNAPSHOTS, "--no-lock", "--", *ids)
    narrowed = ("--tag", tag) if tag else ()
    return spelt(repository, Operation.SNAPSHOTS, "--no-lock", "--latest", "1", "--host", repository.host, *narrowed)


def restore(repository: Repository, snapshot: str, target: Path, *, only: Sequence[str] = ()) -> Command:
    """Write a snapshot, or `only` these absolute paths of it, under `target`."""
    return spelt(
        repository,
        Operation.RESTORE,
        "--target",
        str(target),
        *_each("--include", [literal(path) for path in only]),
        "--",
        snapshot,
    )


def check(repository: Repository, *, read_data: bool) -> Command:
    """Is the repository whole; only `read_data` sees a flipped bit."""
    return spelt(repository, Operation.CHECK, *(("--read-data",) if read_data else ()))


def unlock(repository: Repository) -> Command:
    """Remove locks that are provably stale: of a dead process of this host, or not refreshed for half an hour.

    Never with --remove-all: that would let two writers in. restic says «removed» whether it removed any or not.
    """
    return spelt(repository, Operation.UNLOCK)


def literal(path: str) -> str:
    r"""`path` as a pattern that matches itself only.

    Example:
        >>> literal("/дані/звіт [1].odt")
        '/дані/звіт \\[1\\].odt'
    """
    return _PATTERN_SIGNS.sub(r"\\\1", path)


def _each(option: str, values: Sequence[str]) -> list[str]:
    return [word for value in values for word in (option, value)]


def spelt(repository: Repository, operation: Operation, *arguments: str) -> Command:
    """Any operation on `repository`; what opens it goes before, by the names of files only."""
    cache = ("--cache-dir", str(repository.cache)) if repository.cache else ("--no-cache",)
    address = ("--repository-file", str(repository.location_file)) if repository.location_file else None
    place = (*(address or ("--repo", repository.location)), "--password-file", str(repository.password_file))
    trusted = ("--cacert", str(repository.ca_file)) if repository.ca_file else ()
    line = repository.link.words() if repository.link and repository.location.startswith("rest:") else ()
    words = (*place, *trusted, *cache, *line, "--json", operation.value, *arguments)
    return Command(operation, words, repository.is_remote)
