"""Every query of the overview, asked of a real VictoriaMetrics that Beket wrote to and of a real Prometheus that
scraped Beket's page: both answer, with the same series under the same names.
"""

import http.server
import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from agents.cameras import metrics as cameras
from agents.network import metrics as network
from agents.spool import metrics as spool
from beket.app.wiring.catalogue import full_catalogue
from beket.kernel.clock import NS_PER_S, SystemClock
from beket.kernel.ids import CommunityId
from beket.kernel.metrics import Instruments, Metric, Point
from beket.kernel.secrets import Secret
from beket.testing.process import wait_for
from beket.testing.prometheus import ask, prometheus
from beket.testing.source_tree import PROJECT
from beket.testing.victoria import victoria_metrics
from collector import metrics as collector
from collector.sinks.exposition import CONTENT_TYPE, Exposition
from collector.sinks.forwarder import Forwarder
from collector.sinks.influx import InfluxWriter
from collector.sinks.queue import SampleQueue
from collector.store.samples import SampleStore
from dashboards.grafana.overview import overview
from vms import metrics as vms

pytestmark = pytest.mark.needs("victoria-metrics", "prometheus")

COMMUNITY = CommunityId("dolyna")
CLOCK = SystemClock()
QUERIES = [(p.title, q.expression) for row in overview().rows for p in row.panels for q in p.queries]
EVERYTHING = '{community="dolyna", __name__!~"ALERTS.*"}'  # Prometheus keeps the alerts it judges as series too
Series = set[tuple[tuple[str, str], ...]]


def village(at_s: float) -> list[Point]:
    """What two sites measure at a moment: one well, one with a device and a camera down."""
    points: list[Point] = []

    def add(metric: Metric, value: float, **labels: str) -> None:
        ordered = tuple((name, labels[name]) for name in metric.labels)
        points.append(Point(metric.name, ordered, round(at_s * NS_PER_S), value))

    for n, site in enumerate(("school", "club"), 1):
        for device, up in (("sw", 1.0), ("ups", float(site == "school"))):
            add(network.DEVICE_UP, up, site=site, device=device)
            add(network.DEVICE_PING_LATENCY, 0.004 * n + 0.001 * math.sin(at_s / 60), site=site, device=device)
            add(network.DEVICE_PING_LOSS, 0.0 if up else 1.0, site=site, device=device)
        for port in ("gi0/1", "порт 2, лівий=так"):
            labels = {"site": site, "device": "sw", "port": port}
            add(network.PORT_IN, 125_000.0 * at_s * n, **labels)
            add(network.PORT_OUT, 12_500.0 * at_s * n, **labels)
            add(network.PORT_IN_ERRORS, at_s // 60, **labels)
        for camera, up in ((f"{site}-gate", 1.0), (f"{site}-yard", float(site == "school"))):
            add(cameras.UP, up, site=site, camera=camera)
            add(cameras.FRAME_AGE, 0.04 if up else 400.0, site=site, camera=camera)
        add(spool.SPOOL_SIZE, 4096.0 * n, site=site, unit="polling")
        add(spool.SPOOL_DROPPED, 3.0, site=site, unit="polling")
        add(vms.DISK_FREE_BYTES, 80e9 / n, site=site)
        add(vms.QUEUED_BYTES, 65536.0, site=site)
    return points


class Centre:
    """Where both ways out begin: the store with its page, and the queue."""

    def __init__(self, folder: Path) -> None:
        self.instruments = Instruments(site="centre", unit="centre")
        self.store = SampleStore(folder / "samples.db")
        self.queue = SampleQueue(
            folder / "sinks.db", community=COMMUNITY, cap_bytes=10**8, clock=CLOCK, instruments=self.instruments
        )
        self.exposition = Exposition(
            community=COMMUNITY,
            catalogue=full_catalogue(),
            store=self.store,
            instruments=self.instruments,
            clock=CLOCK,
        )
        self.instruments.set(collector.ALERTS_FIRING, 2)

    def measure(self, at_s: float) -> None:
        """What agents bring and what the centre counts."""
        for site in ("school", "club"):
            self.instruments.add(collector.POINTS_ACCEPTED, 40, site=site)
            self.instruments.add(vms.RECEIVED_BYTES, 5e6, camera=f"{site}-gate")
        self.instruments.add(collector.POINTS_REFUSED, 1, site="club", reason="impossible-time")
        self.queue.measure()
        points = village(at_s)
        self.queue.put(points + self.instruments.read(round(at_s * NS_PER_S)))
        self.store.put(points)

    def close(self) -> None:
        self.store.close()
        self.queue.close()


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Centre]:
    made = Centre(tmp_path)
    yield made
    made.close()


@contextmanager
def page_of(centre: Centre) -> Iterator[tuple[str, list[int]]]:
    """The centre's /metrics on a port; each read brings new samples, as time passes. Reads are counted in the list."""
    reads = [0]

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            reads[0] += 1
            centre.measure(time.time())
            body = centre.exposition.render()
            self.send_response(200)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}", reads
        finally:
            server.shutdown()
            thread.join()


def as_grafana_asks(expression: str, rate_interval: str) -> str:
    filled = expression.replace("$community", "dolyna").replace("$site", ".*")
    return filled.replace("$__rate_interval", rate_interval)


def answers(url: str, rate_interval: str) -> dict[tuple[str, str], Series]:
    return {
        (title, expression): set(ask(url, as_grafana_asks(expression, rate_interval))) for title, expression in QUERIES
    }


def scrape_config(target: str) -> str:
    """The example that ships, pointed at the test's page and made quick."""
    config = yaml.safe_load((PROJECT / "dashboards/prometheus/prometheus.yaml").read_text())
    config["global"] = {"scrape_interval": "200ms", "evaluation_interval": "1s"}
    config["rule_files"] = [str(PROJECT / "dashboards/prometheus/rules.yaml")]
    config["scrape_configs"][0]["static_configs"] = [{"targets": [target]}]
    return str(yaml.safe_dump(config))


def test_every_query_has_data_on_both_engines_under_the_same_names(centre: Centre, tmp_path: Path) -> None:
    with page_of(centre) as (target, reads), prometheus(tmp_path / "prometheus", scrape_config(target)) as scraped:
        wait_for(lambda: reads[0] >= 8, within_s=20, what="scrapes")
        asked_prometheus = answers(scraped.url, "1m")
        whole_of_prometheus = set(ask(scraped.url, EVERYTHING))

    now_s = time.time()
    for minutes in range(10, -1, -1):  # what came while nobody listened, with its own times
        centre.measure(now_s - 60 * minutes)
    with victoria_metrics(tmp_path / "vm") as victoria:
        writer = InfluxWriter(url=victoria.url, org="beket", bucket="beket", token=Secret("none"))
        forwarder = Forwarder(centre.queue, lambda: writer, instruments=centre.instruments)
        while forwarder.send_one(writer):
            pass
        writer.close()
        victoria.export("device_up_ratio")  # what was written is seen from here on
        asked_victoria = answers(victoria.url, "4m")
        whole_of_victoria = set(ask(victoria.url, EVERYTHING))

    silent = [query for query in asked_prometheus if not asked_prometheus[query] or not asked_victoria[query]]
    assert not silent
    assert asked_victoria == asked_prometheus
    assert len(whole_of_prometheus) > 40
    assert whole_of_victoria == whole_of_prometheus
