"""Owns when the hash walk reads which repository: at night, not faster than it may, the longest unread one first.

A walk that the morning breaks off goes on where it stood the next night; after a restart too.
Note: backup/design/0054-hash-walk.md.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

from backup.repository.config import WalkConfig
from backup.repository.ledger import Ledger, Walk
from backup.repository.walk import SLICE_BYTES, Damage, Slice, walk
from beket.kernel.clock import NS_PER_S, Clock, utc
from beket.kernel.units import MIB

log = logging.getLogger(__name__)

KYIV = ZoneInfo("Europe/Kyiv")
HOUR_NS = 3600 * NS_PER_S
LOOK_EVERY_S = 60


def is_open(config: WalkConfig, *, wall_ns: int) -> bool:
    """Whether the hour is one in which disks may be read; equal hours mean always."""
    hour = utc(wall_ns).astimezone(KYIV).hour
    first, last = config.from_hour, config.until_hour % 24
    if first == last:
        return True
    return first <= hour < last if first < last else hour >= first or hour < last


def next_host(hosts: Iterable[str], walks: Mapping[str, Walk], *, every_hours: float, wall_ns: int) -> str | None:
    """Whose repository to read on: one that was begun, else the one that waits the longest; None when none is due.

    A walk that ended in the future proves that a clock was wrong, and nothing else: walk.
    """
    due: list[tuple[bool, int, str]] = []
    for host in hosts:
        known = walks.get(host)
        if known is None or known.ended_ns is None:
            due.append((known is None or not known.cursor, 0, host))
        elif known.cursor or not 0 <= wall_ns - known.ended_ns < every_hours * HOUR_NS:
            due.append((not known.cursor, known.ended_ns, host))
    return min(due)[2] if due else None


async def keep_walking(
    folder: Path,
    hosts: Callable[[], Iterable[str]],
    ledger: Ledger,
    config: WalkConfig,
    *,
    clock: Clock,
    on_slice: Callable[[str, Slice], None],
) -> None:
    """Walk for ever, in the hours and at the speed that are allowed; `hosts` blocks."""
    while True:
        host = None
        if is_open(config, wall_ns=clock.wall_ns()):
            names, walks = await asyncio.to_thread(hosts), await asyncio.to_thread(ledger.walks)
            host = next_host(names, walks, every_hours=config.every_hours, wall_ns=clock.wall_ns())
        if host is None:
            await clock.sleep(LOOK_EVERY_S)
            continue
        began_ns = clock.mono_ns()
        part = await asyncio.to_thread(walk_on, folder, host, ledger, walks.get(host), wall_ns=clock.wall_ns())
        on_slice(host, part)
        pace_s = part.size_bytes / (config.mib_per_s * MIB)
        await clock.sleep(max(0.0, pace_s - (clock.mono_ns() - began_ns) / NS_PER_S))


def walk_on(
    folder: Path, host: str, ledger: Ledger, known: Walk | None, *, wall_ns: int, at_most_bytes: int = SLICE_BYTES
) -> Slice:
    """Read one slice of a host's repository from where its walk stands, and remember it. Blocking."""
    after, config_sha256 = (known.cursor, known.config_sha256) if known else ("", "")
    part = walk(folder / host, after, wall_ns=wall_ns, config_sha256=config_sha256, at_most_bytes=at_most_bytes)
    ledger.keep_slice(host, after, part, wall_ns=wall_ns)
    for one in part.damaged:
        log.critical("repository of %s: %s", host, _spell(one))
    return part


def _spell(damage: Damage) -> str:
    return f"{damage.file} is damaged ({damage.fault})"
