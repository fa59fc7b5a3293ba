"""Puts the centre's look at its repositories together: their freshness is judged here, whatever the agents say."""

import asyncio

from backup import metrics
from backup.config import RepositoriesConfig
from backup.repository.freshness import Content, look_into
from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.metrics import Instruments


async def watch_repositories(config: RepositoriesConfig, instruments: Instruments, *, clock: Clock) -> None:
    """Measure the age of each site's newest whole snapshot from the files on this disk, for ever."""
    while True:
        for site, content in await asyncio.to_thread(_contents, config):
            instruments.set(metrics.REPOSITORY_DAMAGED, len(content.damaged), site=site)
            if content.newest_ns is not None:
                age_s = max(0, clock.wall_ns() - content.newest_ns) / NS_PER_S
                instruments.set(metrics.REPOSITORY_AGE, age_s, site=site)
        await clock.sleep(config.look_every_s)


def _contents(config: RepositoriesConfig) -> list[tuple[str, Content]]:
    folders = sorted(path for path in config.folder.glob("*") if (path / "config").is_file())
    return [(folder.name, look_into(folder)) for folder in folders]
