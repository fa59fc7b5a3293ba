"""Joins every room's metrics into the one catalogue; a name declared twice stops the process at start."""

from agents.cameras import metrics as cameras
from agents.network import metrics as network
from agents.services import metrics as services
from agents.spool import metrics as spool
from agents.uplink import metrics as uplink
from backup import metrics as backup
from beket.kernel.metrics import Catalogue
from collector import metrics as collector
from collector.assets import metrics as assets
from collector.sinks import metrics as sinks
from collector.store import metrics as store
from vms import metrics as vms
from vms.live import metrics as live


def full_catalogue() -> Catalogue:
    """All metrics of the product; light to call in every process."""
    return Catalogue(
        (
            *cameras.METRICS,
            *network.METRICS,
            *services.METRICS,
            *spool.METRICS,
            *collector.METRICS,
            *assets.METRICS,
            *sinks.METRICS,
            *store.METRICS,
            *vms.METRICS,
            *uplink.METRICS,
            *backup.METRICS,
            *live.METRICS,
        )
    )
