"""Puts the centre's view of backups together for the pages: what lies in the repositories, and the way into copies."""

import functools
import shutil
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from backup.repository.browsing import Browser
from backup.repository.config import RepositoriesConfig
from backup.repository.freshness import Shelf, oldest_lock_s
from backup.repository.ledger import Ledger
from backup.repository.overview import HostView, contents_of, forecast, views_of
from backup.repository.service import Service
from backup.repository.standing import Standing
from backup.training import Training
from beket.app.config import CentreConfig
from beket.kernel.clock import Clock, utc
from beket.kernel.text import Text
from beket.kernel.units import GIB
from dashboards.web.ports import Backups, GearBook


def backups_for_pages(
    centre: CentreConfig, ledger: Ledger, service: Service | None, gear: GearBook, *, clock: Clock
) -> Backups:
    """What pages ask; without a service nobody can look into copies here, nor practise."""
    config, training = centre.repositories, centre.data / "training"
    look = _Look(config, ledger, clock)
    browser = Browser(service.keyring) if service is not None else None
    return Backups(
        views=look.views,
        outlook=functools.partial(_outlook, config, clock),
        browser=browser,
        acts=ledger.acts,
        orders=ledger.orders,
        gear=gear,
        sizes=lambda host: ledger.sizes().get(host, []),
        free_bytes=lambda: free_bytes_at(config.folder),
        training=Training(training, service.keyring.restic, clock) if service is not None else None,
    )


class _Look:
    """One look at a time: what has not changed since the last one is remembered."""

    def __init__(self, config: RepositoriesConfig, ledger: Ledger, clock: Clock) -> None:
        self._config = config
        self._ledger = ledger
        self._clock = clock
        self._shelf = Shelf()
        self._lock = threading.Lock()

    def views(self) -> list[HostView]:
        """Every host with a repository here. Blocking."""
        wall_ns = self._clock.wall_ns()
        with self._lock:
            contents = contents_of(self._config.folder, self._ledger, self._shelf, wall_ns=wall_ns)
        return [self._measured(view, wall_ns) for view in views_of(self._ledger, contents, wall_ns=wall_ns)]

    def _measured(self, view: HostView, wall_ns: int) -> HostView:
        if view.standing is Standing.ELSEWHERE:
            return view
        quota_bytes = self._config.service.quota_gib * GIB
        return replace(
            view,
            lock_age_s=oldest_lock_s(self._config.folder / view.host, wall_ns=wall_ns),
            quota_ratio=view.size_bytes / quota_bytes if quota_bytes else None,
        )


def _outlook(config: RepositoriesConfig, clock: Clock, views: Sequence[HostView]) -> Text:
    return forecast(views, free_bytes_at(config.folder), utc(clock.wall_ns()))


def free_bytes_at(folder: Path) -> int:
    """Free space where the repositories are, or are to be; 0 when that cannot be asked. Blocking."""
    try:
        return shutil.disk_usage(folder if folder.exists() else folder.parent).free
    except OSError:
        return 0
