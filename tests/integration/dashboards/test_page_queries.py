"""Every query of every page and every rule, asked of a real VictoriaMetrics that Beket wrote to and of a real
Prometheus that scraped Beket's page: both answer, with the same series under the same names.
"""

import http.server
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agents.network import metrics as network
from beket.app.wiring.catalogue import full_catalogue
from beket.kernel.clock import NS_PER_S, SystemClock
from beket.kernel.ids import CommunityId
from beket.kernel.metrics import Instruments, Metric, Point
from beket.kernel.secrets import Secret
from beket.testing.process import output_of, wait_for
from beket.testing.prometheus import ask, prometheus
from beket.testing.victoria import Victoria, victoria_metrics
from collector.sinks.exposition import CONTENT_TYPE, Exposition
from collector.sinks.forwarder import Forwarder
from collector.sinks.influx import InfluxWriter
from collector.sinks.queue import SampleQueue
from collector.store.samples import SampleStore
from dashboards.grafana.queries import gear, per_second, series
from tests.page_queries import QUERIES, RULES, as_grafana_asks, scrape_config

pytestmark = pytest.mark.needs("victoria-metrics", "prometheus", "promtool")

COMMUNITY = CommunityId("dolyna")
CLOCK = SystemClock()
EVERYTHING = '{community="dolyna", __name__!~"ALERTS.*"}'  # Prometheus keeps the alerts it judges as series too
Series = set[tuple[tuple[str, str], ...]]


def village(at_s: float) -> list[Point]:
    """Every metric of the catalogue at a moment, as two sites measure it: of each thing one that is well, one not."""
    points: list[Point] = []
    for metric in full_catalogue():
        for site_number, site in enumerate(("school", "club") if "site" in metric.labels else ("",)):
            # A thing that has no name but its site's is measured once: one is well, the other is not.
            for n in (0, 1) if set(metric.labels) - {"site"} else (site_number,):
                labels = tuple(
                    (name, site if name == "site" else THINGS[n].get(name, f"{name}-{n}")) for name in metric.labels
                )
                points.append(Point(metric.name, labels, round(at_s * NS_PER_S), _value(metric, n, at_s)))
    return points


# Labels hold what PromQL and line protocol have to escape, too.
THINGS = ({"device": "sw", "port": "gi0/1"}, {"device": "ups", "port": "порт 2, лівий=так"})


def _value(metric: Metric, n: int, at_s: float) -> float:
    if metric.type == "counter":
        return at_s * 10 * (n + 1)
    return 1.0 - n if metric.name.endswith("_ratio") else 100.0 * (n + 1)


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

    def measure(self, at_s: float) -> None:
        """What agents bring and what the centre counts."""
        points = village(at_s)
        self.queue.put(points)
        self.store.put(points)

    def send(self, victoria: Victoria) -> None:
        """All that waits goes to the engine, and is seen from here on."""
        writer = InfluxWriter(url=victoria.url, org="beket", bucket="beket", token=Secret("none"))
        forwarder = Forwarder(self.queue, lambda: writer, instruments=self.instruments)
        while forwarder.send_one(writer):
            pass
        writer.close()
        victoria.export("device_up_ratio")

    def close(self) -> None:
        self.store.close()
        self.queue.close()


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Centre]:
    made = Centre(tmp_path)
    yield made
    made.close()


@contextmanager
def page_of(centre: Centre) -> Iterator[str]:
    """The centre's /metrics on a port; each read brings new samples, as time passes."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
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
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def answers(url: str, rate_interval: str, *, at_s: float | None = None) -> dict[tuple[str, str], Series]:
    return {
        (title, expression): set(
            ask(url, as_grafana_asks(expression, rate_interval, community=COMMUNITY, device="sw"), at_s=at_s)
        )
        for title, expression in (*QUERIES, *RULES)
    }


def moment_of_a_whole_scrape(url: str) -> float:
    """A moment at which several scrapes had come: on a busy machine one may be late, and its series then are none."""
    found: list[float] = []

    def looks() -> bool:
        now_s = time.time() - 3  # every scrape of that moment has come or was given up
        scraped = ask(url, "min(count_over_time(up[1m])) * min(up)", at_s=now_s)
        came = ask(url, "min(count_over_time(device_up_ratio[1m])) and on () device_up_ratio", at_s=now_s)
        if min([*scraped.values(), *came.values(), 9 if scraped and came else 0]) >= 4:
            found.append(now_s)
        return bool(found)

    wait_for(looks, within_s=120, what="four whole scrapes")
    return found[0]


def test_every_query_has_data_on_both_engines_under_the_same_names(centre: Centre, tmp_path: Path) -> None:
    with page_of(centre) as target, prometheus(tmp_path / "prometheus", scrape_config(target)) as scraped:
        at_s = moment_of_a_whole_scrape(scraped.url)
        asked_prometheus = answers(scraped.url, "1m", at_s=at_s)
        whole_of_prometheus = set(ask(scraped.url, EVERYTHING, at_s=at_s))

    now_s = time.time()
    for minutes in range(10, -1, -1):  # what came while nobody listened, with its own times
        centre.measure(now_s - 60 * minutes)
    with victoria_metrics(tmp_path / "vm") as victoria:
        centre.send(victoria)
        asked_victoria = answers(victoria.url, "4m")
        whole_of_victoria = set(ask(victoria.url, EVERYTHING))

    silent = [query for query in QUERIES if not asked_prometheus[query] or not asked_victoria[query]]
    assert silent == []
    centre_down = next(rule for rule in RULES if rule[1].startswith("up{"))  # Prometheus alone knows whether it scraped
    del asked_victoria[centre_down], asked_prometheus[centre_down]
    assert asked_victoria == asked_prometheus
    assert sum(bool(asked_victoria[rule]) for rule in RULES if rule in asked_victoria) >= 6
    assert whole_of_victoria == whole_of_prometheus
    assert {dict(labels)["__name__"] for labels in whole_of_victoria} == {metric.name for metric in full_catalogue()}


# Devices of a village that were counted for half an hour, minute by minute; at ANEW_AT counting began anew.
ANEW_AT, HALF_HOUR = 10, 30
STEADY_BPS, SPIKE = 800_000.0, 9e12
STARTED, REPLACED, NEIGHBOUR, SPEECHLESS = ("boots", "ge1"), ("stays", "ge1"), ("stays", "ge2"), ("bare", "ge1")
NO_CLOCKS = ("boots-bare", "ge1")


def half_an_hour(began_s: float) -> list[Point]:
    """Ports with counters: of a device that started again (with and without the word of when a port began to count), of
    a module that was replaced and its neighbour, of a device that says nothing of all that. Those that began anew count
    on from a number that makes a spike.
    """
    points: list[Point] = []
    for minute in range(HALF_HOUR):
        is_anew = minute >= ANEW_AT
        for device, port in (STARTED, REPLACED, NEIGHBOUR, SPEECHLESS, NO_CLOCKS):
            begins = is_anew and (device, port) not in (NEIGHBOUR, SPEECHLESS)
            uptime_s = (minute - ANEW_AT + 0.5 if is_anew and device.startswith("boots") else 1500 + minute) * 60
            values = {
                "device_up_ratio": 1.0,
                "device_uptime_seconds": uptime_s,
                "port_speed_bps": 1e9,
                "device_wifi_clients_count": 3.0,
                "port_discontinuity_seconds": 0.0 if device != "stays" or not begins else 90_500.0,
            }
            values |= dict.fromkeys(PORT_COUNTERS, minute * 60 * STEADY_BPS / 8 + begins * SPIKE)
            lacking = {"bare": {"device_uptime_seconds", "port_discontinuity_seconds"}}
            lacking["boots-bare"] = {"port_discontinuity_seconds"}
            for name in values.keys() - lacking.get(device, set()):
                metric = gear(name)
                here = {"site": "school", "device": device, "port": port, "part": "radio"}
                labels = tuple((label, here[label]) for label in metric.labels)
                points.append(Point(name, labels, round((began_s + 60 * minute) * NS_PER_S), values[name]))
    return points


PORT_COUNTERS = [one.name for one in full_catalogue() if one.type == "counter" and "port" in one.labels]


@contextmanager
def both_engines(points: list[Point], centre: Centre, folder: Path) -> Iterator[tuple[str, str]]:
    """A VictoriaMetrics and a Prometheus that have these samples, with their own times."""
    lines: dict[str, None] = {}  # in order of time, each once
    for point in points:
        labels = ",".join(f'{name}="{value}"' for name, value in (("community", COMMUNITY), *point.labels))
        lines[f"{point.name}{{{labels}}} {point.value} {point.wall_ns / NS_PER_S:.3f}"] = None
    text = folder / "samples.txt"
    text.write_text("\n".join([*lines, "# EOF", ""]))
    output_of("promtool", "tsdb", "create-blocks-from", "openmetrics", text, folder / "prom/data", within_s=120)
    centre.queue.put(points)
    with (
        victoria_metrics(folder / "vm") as victoria,
        prometheus(folder / "prom", scrape_config("127.0.0.1:1", every="1h")) as scraped,
    ):
        centre.send(victoria)
        yield victoria.url, scraped.url


def test_where_counting_began_anew_pages_show_no_rate_and_never_a_spike(centre: Centre, tmp_path: Path) -> None:
    began_s = float(round(time.time()) // 3600 * 3600 - 86_400)
    page = per_second(network.PORT_IN)
    of_ports = {expression for _, expression in QUERIES if any(f"rate({name}" in expression for name in PORT_COUNTERS)}
    assert len(of_ports) >= 12

    def rates(url: str, expression: str, minute: float, device: str = "") -> dict[tuple[str, str], float]:
        asked = as_grafana_asks(expression, "4m", community=COMMUNITY, device=device)
        found = ask(url, asked, at_s=began_s + 60 * minute)
        return {(dict(labels)["device"], dict(labels).get("port", "")): value for labels, value in found.items()}

    with both_engines(half_an_hour(began_s), centre, tmp_path) as urls:
        for url in urls:
            plain = rates(url, f"rate({series(network.PORT_IN)}[$__rate_interval])", ANEW_AT + 2.5)
            assert {port for port, value in plain.items() if value > 1e9} == {STARTED, REPLACED, NO_CLOCKS}
            for minute, hidden in (
                (ANEW_AT - 0.5, set()),
                (ANEW_AT + 0.5, {STARTED, REPLACED, NO_CLOCKS}),
                (ANEW_AT + 2.5, {STARTED, REPLACED, NO_CLOCKS}),
                (ANEW_AT + 6.5, set()),
            ):
                shown = rates(url, page, minute)
                assert shown.keys() == {STARTED, REPLACED, NEIGHBOUR, SPEECHLESS, NO_CLOCKS} - hidden
                assert [value * 8 for value in shown.values()] == pytest.approx([STEADY_BPS] * len(shown))
            for expression in of_ports:
                for device in ("boots", "stays", "bare"):
                    shown = rates(url, expression, ANEW_AT + 2.5, device)
                    assert max(shown.values(), default=0) < 1e8, expression
                assert rates(url, expression, ANEW_AT - 0.5, "boots"), expression
