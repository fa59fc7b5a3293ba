"""Joins every room's metrics into the one catalogue; a name declared twice stops the process at start."""

from agents.cameras import metrics as cameras
from agents.network import metrics as network
from agents.spool import metrics as spool
from beket.kernel.metrics import Catalogue
from collector import metrics as collector
from vms import metrics as vms


def full_catalogue() -> Catalogue:
    """All metrics of the product; light to call in every process."""
    return Catalogue((*cameras.METRICS, *network.METRICS, *spool.METRICS, *collector.METRICS, *vms.METRICS))
