"""Puts the centre's repositories together: freshness judged from their content, the nightly hash walk, their sizes.

What agents say is only compared with what lies on the disk. Each unit is kept running beside the centre's servers.
"""

import asyncio
import functools
import random
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from backup import metrics
from backup.repository import rounds
from backup.repository.config import RepositoriesConfig
from backup.repository.freshness import Content, Shelf
from backup.repository.ledger import Ledger, Told
from backup.repository.service import Service
from backup.repository.standing import Standing, claim_of, judge
from backup.repository.walk import Slice, size_of
from beket.app.wiring.repository_service import watch_quota
from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.ids import is_slug
from beket.kernel.metrics import Instruments
from beket.kernel.supervise import keep_running


class Repositories:
    """The repositories at work."""

    def __init__(
        self,
        config: RepositoriesConfig,
        ledger: Ledger,
        service: Service | None,
        instruments: Instruments,
        *,
        clock: Clock,
    ) -> None:
        self._config = config
        self._ledger = ledger
        self._service = service
        self._instruments = instruments
        self._clock = clock
        self._shelf = Shelf()

    def units(self, *, rng: random.Random) -> dict[str, Awaitable[None]]:
        """What runs beside the centre's servers."""
        walking = functools.partial(
            rounds.keep_walking,
            self._config.folder,
            self.hosts,
            self._ledger,
            self._config.walk,
            clock=self._clock,
            on_slice=self._show_slice,
        )
        works: dict[str, Callable[[], Awaitable[None]]] = {
            "repositories": self._watch,
            "hash walk": walking,
            "repository sizes": self._measure,
        }
        return {name: keep_running(name, work, clock=self._clock, rng=rng) for name, work in works.items()}

    def hosts(self) -> list[str]:
        """Hosts that have a repository here now; one seen for the first time is taken note of. Blocking."""
        known = {host.host for host in self._ledger.hosts()}
        found = sorted(path.parent.name for path in self._config.folder.glob("*/config") if is_slug(path.parent.name))
        for host in set(found) - known:
            self._ledger.add_host(host, site=host, wall_ns=self._clock.wall_ns())
        return found

    async def _watch(self) -> None:
        while True:
            await asyncio.to_thread(self._look)
            await self._clock.sleep(self._config.look_every_s)

    def _look(self) -> None:
        wall_ns = self._clock.wall_ns()
        folders = [self._config.folder / host for host in self.hosts()]
        sites = {host.host: host.site for host in self._ledger.hosts()}
        told: dict[str, list[Told]] = {}
        for claim in self._ledger.told():
            told.setdefault(claim.host, []).append(claim)
            # A folder that agents on this very machine write to is called after its site.
            told.setdefault(sites.get(claim.host, claim.host), []).append(claim)
        known_keys: dict[str, set[str]] = {}
        for key in self._ledger.known_keys():
            known_keys.setdefault(key.host, set()).add(key.key)
        for folder, content in self._shelf.look(folders, wall_ns=wall_ns).items():
            host, labels = folder.name, {"site": sites[folder.name], "agent": folder.name}
            self._show_content(content, labels, wall_ns=wall_ns)
            standing = judge(content, claim_of(told.get(host, ())), wall_ns=wall_ns)
            for one in Standing:
                self._instruments.set(metrics.REPOSITORY_STANDING, float(one is standing), reason=one, **labels)
            if host in known_keys:
                unknown = len(content.keys - known_keys[host])
                self._instruments.set(metrics.REPOSITORY_UNKNOWN_KEYS, unknown, **labels)
        self._show_walks(sites, wall_ns=wall_ns)

    def _show_content(self, content: Content, labels: Mapping[str, str], *, wall_ns: int) -> None:
        self._instruments.set(metrics.REPOSITORY_SNAPSHOTS, content.snapshots, **labels)
        if content.newest_ns is not None:
            age_s = max(0, wall_ns - content.newest_ns) / NS_PER_S
            self._instruments.set(metrics.REPOSITORY_AGE, age_s, **labels)

    def _show_walks(self, sites: Mapping[str, str], *, wall_ns: int) -> None:
        damaged: dict[str, int] = dict.fromkeys(sites, 0)
        for one in self._ledger.damages():
            damaged[one.host] = damaged.get(one.host, 0) + 1
        for host, number in damaged.items():
            self._instruments.set(metrics.REPOSITORY_DAMAGED, number, site=sites.get(host, host), agent=host)
        for host, walk in self._ledger.walks().items():
            labels = {"site": sites.get(host, host), "agent": host}
            if walk.ended_ns is not None:
                self._instruments.set(metrics.WALK_AGE, max(0, wall_ns - walk.ended_ns) / NS_PER_S, **labels)
            if walk.cursor and walk.whole_bytes:
                self._instruments.set(metrics.WALK_PROGRESS, min(1, walk.size_bytes / walk.whole_bytes), **labels)
            else:
                self._instruments.set(metrics.WALK_PROGRESS, float(not walk.cursor), **labels)

    def _show_slice(self, _host: str, part: Slice) -> None:
        self._instruments.add(metrics.WALKED_BYTES, part.size_bytes)

    async def _measure(self) -> None:
        while True:
            for host in await asyncio.to_thread(self.hosts):
                await asyncio.to_thread(self._measure_one, host)
            await self._clock.sleep(self._config.measure_every_s)

    def _measure_one(self, host: str) -> None:
        folder: Path = self._config.folder / host
        size_bytes, wall_ns = size_of(folder), self._clock.wall_ns()
        snapshots = sum(1 for _ in (folder / "snapshots").glob("*"))
        self._ledger.keep_size(host, size_bytes, snapshots, wall_ns=wall_ns)
        site = next((one.site for one in self._ledger.hosts() if one.host == host), host)
        self._instruments.set(metrics.REPOSITORY_BYTES, size_bytes, site=site, agent=host)
        if self._service is None:
            return
        used = watch_quota(self._service, host, size_bytes, quota_gib=self._config.service.quota_gib)
        if used is not None:
            self._instruments.set(metrics.REPOSITORY_QUOTA, used, site=site, agent=host)
