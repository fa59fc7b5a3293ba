"""Owns the first look at a line to a repository: does anybody answer at its address.

A server that is down would else be found out after programs were run and databases dumped; restic from 0.18 on goes on
asking for a quarter of an hour. Note: backup/design/0009-restic-wrapper.md.
"""

import asyncio
import contextlib
import urllib.parse

from backup.restic.commands import Repository
from backup.restic.outcome import REASONS, Outcome, OutcomeKind

WITHIN_S = 20
_PORTS = {"http": 80, "https": 443}


def address_of(repository: Repository) -> tuple[str, int] | None:
    """Host and port of a REST repository; None for any other.

    Example:
        >>> from pathlib import Path
        >>> address_of(Repository("rest:https://centre.example:8444/council/", Path("key"), host="council"))
        ('centre.example', 8444)
    """
    kind, _, url = repository.location.partition(":")
    if kind != "rest":
        return None
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    return (parts.hostname, port) if parts.hostname and port else None


async def answers(repository: Repository, *, within_s: float = WITHIN_S) -> bool:
    """Whether somebody takes a connection there; what cannot be asked is taken to answer."""
    address = address_of(repository)
    if address is None:
        return True
    try:
        async with asyncio.timeout(within_s):
            _, writer = await asyncio.open_connection(*address)
    except OSError:  # a TimeoutError is one
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


async def look(repository: Repository) -> Outcome | None:
    """Why there can be no copy now; None when somebody answers."""
    if await answers(repository):
        return None
    return Outcome(OutcomeKind.DEFERRED, REASONS[OutcomeKind.DEFERRED])
