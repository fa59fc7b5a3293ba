"""`beket vms disks`: each recording disk, how full it is, what it holds and whether it serves."""

import os
from pathlib import Path

from beket.app.terminal import tell
from beket.app.wiring.recordings import look_into_recordings
from beket.kernel.ids import CommunityId, SiteId
from beket.kernel.text import Text, say
from beket.kernel.units import spell_bytes
from vms.config import RecordingsConfig
from vms.recordings.shelf import Standing


def tell_disks(config: RecordingsConfig, *, database: Path, community: CommunityId, site: SiteId) -> int:
    """A line a disk; 69 when one of them does not serve."""
    with look_into_recordings(config, database=database, community=community, site=site) as store:
        disks = store.shelf.standing()
    for disk in disks:
        tell(sentence(disk))
    return os.EX_UNAVAILABLE if any(disk.free_bytes is None for disk in disks) else 0


def sentence(disk: Standing) -> Text:
    """How one disk stands."""
    holds = say(
        "{segments} записів, {size}",
        "{segments} segments, {size}",
        segments=disk.segments,
        size=spell_bytes(disk.size_bytes),
    )
    if disk.refusal is not None:
        return say("✗ {name}: {why}", "✗ {name}: {why}", name=disk.name, why=disk.refusal.sentence())
    if disk.free_bytes is None:
        return say(
            "✗ {name}: не під'єднано або відмовляє; там {holds}. Перевірте диск і кабель.",
            "✗ {name}: not attached, or failing; it holds {holds}. Check the disk and its cable.",
            name=disk.name,
            holds=holds,
        )
    return say(
        "✔ {name}: {holds}; вільно {free}.",
        "✔ {name}: {holds}; {free} free.",
        name=disk.name,
        holds=holds,
        free=spell_bytes(disk.free_bytes),
    )
