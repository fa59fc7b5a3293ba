"""Puts the centre's repositories together: freshness judged from their content, the nightly hash walk, their sizes.

What agents say is only compared with what lies on the disk. Each unit is kept running beside the centre's servers.
"""

import asyncio
import functools
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from backup import metrics
from backup.repository import rounds
from backup.repository.config import RepositoriesConfig
from backup.repository.freshness import Shelf, oldest_lock_s
from backup.repository.ledger import Ledger
from backup.repository.overview import HostView, Lateness, Proof, contents_of, views_of
from backup.repository.service import Service
from backup.repository.standing import Standing
from backup.repository.walk import Slice, size_of, used_below
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
        # Plans that were shown, as site, host and plan: one that is a plan no longer is neither late nor unproven.
        self._shown: set[tuple[str, str, str]] = set()

    def units(self, *, rng: random.Random) -> dict[str, Awaitable[None]]:
        """What runs beside the centre's servers."""
        walking = functools.partial(
            rounds.keep_walking,
            self._config.folder,
            lambda: [*self.hosts(), *self.guest_repositories()],
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
        guests = self._ledger.guests()
        names = (path.parent.name for path in self._config.folder.glob("*/config"))
        found = sorted(name for name in names if is_slug(name) and name not in guests)
        for host in set(found) - known:
            self._ledger.add_host(host, site=host, wall_ns=self._clock.wall_ns())
        return found

    def guest_repositories(self) -> list[str]:
        """What neighbours keep here, as `neighbour/host`; we have no key to it, and a walk wants none. Blocking."""
        folder = self._config.folder
        found = (path for guest in self._ledger.guests() for path in (folder / guest).glob("*/config"))
        return sorted(f"{path.parts[-3]}/{path.parts[-2]}" for path in found if is_slug(path.parts[-2]))

    async def _watch(self) -> None:
        while True:
            await asyncio.to_thread(self._look)
            await self._clock.sleep(self._config.look_every_s)

    def _look(self) -> None:
        wall_ns = self._clock.wall_ns()
        self.hosts()
        contents = contents_of(self._config.folder, self._ledger, self._shelf, wall_ns=wall_ns)
        views = views_of(self._ledger, contents, wall_ns=wall_ns)
        self._show_plans(views)
        for view in views:
            if view.standing is not Standing.ELSEWHERE:
                self._show(view, wall_ns=wall_ns)
        damages = Counter(one.host for one in self._ledger.damages())
        for name in self.guest_repositories():
            labels = {"site": name.partition("/")[0], "agent": name}
            self._instruments.set(metrics.REPOSITORY_DAMAGED, damages[name], **labels)

    def _show_plans(self, views: Sequence[HostView]) -> None:
        """How each plan stands by its own term; the clock and the silence of its host make no difference to that."""
        plans = {(view.site, view.host, plan.id): plan for view in views for plan in view.plans}
        for site, host, name in plans.keys() | self._shown:
            plan = plans.get((site, host, name))
            show = functools.partial(self._instruments.set, site=site, agent=host, plan=name)
            for lateness in Lateness:
                is_so = plan is not None and plan.lateness is lateness
                show(metrics.PLAN_LATENESS, float(is_so), reason=lateness)
            for proof in Proof:
                show(metrics.PLAN_PROOF, float(plan is not None and plan.proof is proof), reason=proof)
        self._shown = set(plans)

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
            for guest in await asyncio.to_thread(self._ledger.guests):
                await asyncio.to_thread(self._measure_guest, guest)
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
        self._watch_quota(host, site, used_below(folder), self._config.service.quota_gib)

    def _measure_guest(self, guest: str) -> None:
        """A neighbour has one allowance for all that lies below its folder, however it is called."""
        used_bytes = used_below(self._config.folder / guest)
        self._instruments.set(metrics.REPOSITORY_BYTES, used_bytes, site=guest, agent=guest)
        self._watch_quota(guest, guest, used_bytes, self._config.service.guest_quota_gib)

    def _watch_quota(self, login: str, site: str, used_bytes: int, quota_gib: float) -> None:
        if self._service is None:
            return
        used = watch_quota(self._service, login, used_bytes, quota_gib=quota_gib)
        if used is not None:
            self._instruments.set(metrics.REPOSITORY_QUOTA, used, site=site, agent=login)
