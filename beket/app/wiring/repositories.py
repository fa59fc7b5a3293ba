"""Puts the centre's repositories together: freshness judged from their content, the nightly hash walk, their sizes.

What agents say is only compared with what lies on the disk. Each unit is kept running beside the centre's servers.
"""

import asyncio
import functools
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

from backup import metrics
from backup.repository import rounds
from backup.repository.config import RepositoriesConfig
from backup.repository.freshness import Shelf, oldest_lock_s
from backup.repository.ledger import Ledger
from backup.repository.overview import HostView, contents_of, views_of
from backup.repository.service import Service
from backup.repository.standing import Standing
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
        self.hosts()
        contents = contents_of(self._config.folder, self._ledger, self._shelf, wall_ns=wall_ns)
        for view in views_of(self._ledger, contents, wall_ns=wall_ns):
            if view.standing is not Standing.ELSEWHERE:
                self._show(view, wall_ns=wall_ns)

    def _show(self, view: HostView, *, wall_ns: int) -> None:
        show = functools.partial(self._instruments.set, site=view.site, agent=view.host)
        show(metrics.REPOSITORY_SNAPSHOTS, view.snapshots)
        show(metrics.REPOSITORY_DAMAGED, view.damaged)
        show(metrics.REPOSITORY_UNKNOWN_KEYS, view.unknown_keys)
        for one in Standing:
            show(metrics.REPOSITORY_STANDING, float(one is view.standing), reason=one)
        if view.newest_ns is not None:
            show(metrics.REPOSITORY_AGE, max(0, wall_ns - view.newest_ns) / NS_PER_S)
        walk = view.walk
        if walk and walk.ended_ns is not None:
            show(metrics.WALK_AGE, max(0, wall_ns - walk.ended_ns) / NS_PER_S)
        if walk and walk.cursor and walk.whole_bytes:
            show(metrics.WALK_PROGRESS, min(1, walk.size_bytes / walk.whole_bytes))
        elif walk:
            show(metrics.WALK_PROGRESS, float(not walk.cursor))

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
        lock_s = oldest_lock_s(folder, wall_ns=wall_ns)
        self._instruments.set(metrics.REPOSITORY_LOCK_AGE, lock_s, site=site, agent=host)
        if self._service is None:
            return
        used = watch_quota(self._service, host, size_bytes, quota_gib=self._config.service.quota_gib)
        if used is not None:
            self._instruments.set(metrics.REPOSITORY_QUOTA, used, site=site, agent=host)
