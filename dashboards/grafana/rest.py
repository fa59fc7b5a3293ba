"""Owns the page of what no other page shows: every metric of the rooms is somewhere, the newest too."""

import re
from collections.abc import Iterable

from agents.cameras import metrics as cameras
from agents.network import metrics as network
from agents.services import metrics as services
from agents.spool import metrics as spool
from agents.uplink import metrics as uplink
from backup import metrics as backup
from beket.kernel.metrics import Metric
from collector import metrics as collector
from collector.assets import metrics as assets
from collector.sinks import metrics as sinks
from collector.store import metrics as store
from dashboards.grafana.choices import community_and_site
from dashboards.grafana.panels import Dashboard, Panel, Query, Row
from dashboards.grafana.queries import per_second, series
from vms import metrics as vms
from vms.live import metrics as live

EVERY_METRIC: tuple[Metric, ...] = (
    *cameras.METRICS,
    *network.METRICS,
    *services.METRICS,
    *spool.METRICS,
    *uplink.METRICS,
    *backup.METRICS,
    *collector.METRICS,
    *assets.METRICS,
    *sinks.METRICS,
    *store.METRICS,
    *vms.METRICS,
    *live.METRICS,
)
_UNITS = {"ratio": "percentunit", "seconds": "s", "bytes": "bytes", "bps": "bps", "celsius": "celsius", "volts": "volt"}
_UNITS |= {"watts": "watt", "amperes": "amp", "dbm": "dBm", "rpm": "rotrpm"}
_NAME = re.compile(r"\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+(?=\{)")


def names_in(dashboards: Iterable[Dashboard]) -> set[str]:
    """Names of the metrics that the pages ask for."""
    queries = [query for page in dashboards for row in page.rows for panel in row.panels for query in panel.queries]
    return {name for query in queries for name in _NAME.findall(query.expression)}


def rest(shown: set[str]) -> Dashboard:
    """The page «Бекет: решта вимірів»: a picture for each metric that is not among `shown`, titled by its meaning."""
    left: dict[str, list[Panel]] = {}
    for metric in EVERY_METRIC:
        if metric.name not in shown:
            left.setdefault(metric.name.split("_")[0], []).append(_panel(metric))
    return Dashboard(
        uid="beket-rest",
        title="Бекет: решта вимірів",
        help="Виміри, яких немає на інших сторінках.",
        variables=community_and_site(),
        rows=tuple(Row(f"Виміри {subject}", tuple(panels)) for subject, panels in left.items()),
    )


def _panel(metric: Metric) -> Panel:
    legend = " ".join(f"{{{{{label}}}}}" for label in metric.labels) or metric.name
    is_counter = metric.type == "counter"
    words = metric.name.removesuffix("_total").rsplit("_", 1)[-1]
    return Panel(
        "timeseries",
        metric.help.uk.rstrip("."),
        "За секунду." if is_counter else metric.help.uk,
        (Query(per_second(metric) if is_counter else series(metric), legend),),
        unit={"bytes": "Bps"}.get(words, "short") if is_counter else _UNITS.get(words, "short"),
    )
