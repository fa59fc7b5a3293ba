from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from beket.kernel.clock import SimulatedClock
from beket.kernel.ids import CommunityId
from beket.kernel.metrics import Catalogue, Instruments, Metric, Point
from beket.kernel.text import say
from collector import metrics
from collector.sinks.exposition import Exposition
from collector.store.samples import SampleStore

IN = Metric("port_in_bytes_total", "counter", ("site", "device", "port"), say("Отримано «портом»\n\\", "Received."))
UP = Metric("device_up_ratio", "gauge", ("site", "device"), say("Працює.", "Up."))


def test_the_page_is_what_prometheus_reads_with_names_labels_and_only_fresh_series(tmp_path: Path) -> None:
    clock, instruments = SimulatedClock(), Instruments()
    store = SampleStore(tmp_path / "samples.db")
    exposition = Exposition(
        community=CommunityId("dolyna"),
        catalogue=Catalogue([IN, UP, *metrics.METRICS]),
        store=store,
        instruments=instruments,
        clock=clock,
    )
    port = (("site", "school"), ("device", "sw"), ("port", 'gi"0/1\\'))
    device = (("site", "school"), ("device", "sw"))
    store.put([Point(IN.name, port, clock.wall_ns(), 2.0**53), Point(UP.name, device, clock.wall_ns(), 1.0)])
    instruments.add(metrics.POINTS_ACCEPTED, 2, site="school")

    families = {family.name: family for family in text_string_to_metric_families(exposition.render().decode())}

    assert set(families) == {"port_in_bytes", "device_up_ratio", "collector_accepted_points"}
    (sample,) = families["port_in_bytes"].samples
    assert (sample.name, sample.labels, sample.value) == (
        "port_in_bytes_total",
        {"community": "dolyna", "site": "school", "device": "sw", "port": 'gi"0/1\\'},
        2.0**53,
    )
    assert families["port_in_bytes"].type == "counter"
    assert families["device_up_ratio"].type == "gauge"

    clock.pass_time(200)
    store.put([Point(UP.name, device, clock.wall_ns(), 0.0)])
    clock.pass_time(101)
    families = {family.name: family for family in text_string_to_metric_families(exposition.render().decode())}
    assert "port_in_bytes" not in families
    assert families["device_up_ratio"].samples[0].value == 0.0
    store.close()
