import pytest

from agents.network import metrics as network
from beket.kernel.metrics import Metric
from beket.kernel.text import say
from collector import metrics as collector
from dashboards.grafana.panels import Dashboard, Panel, Query, Row
from dashboards.grafana.queries import folded, per_second, series


def test_a_query_is_narrowed_by_what_the_viewer_chose() -> None:
    assert series(network.DEVICE_UP) == 'device_up_ratio{community=~"$community", site=~"$site"}'
    assert series(network.DEVICE_UP, site="school") == 'device_up_ratio{community=~"$community", site="school"}'
    assert series(collector.ALERTS_FIRING) == 'alerts_firing_count{community=~"$community"}'
    chosen = '{community=~"$community", site=~"$site", device="sw"}[$__rate_interval]'
    assert per_second(network.POLLS_MISSED, device="sw") == f"rate(device_polls_missed_total{chosen})"
    assert per_second(network.PORT_IN, device="sw") == (
        f"(rate(port_in_bytes_total{chosen})"
        f" unless on (community, site, device, port) changes(port_discontinuity_seconds{chosen}) > 0"
        f" unless on (community, site, device) resets(device_uptime_seconds{chosen}) > 0)"
    )
    assert folded("max", "x", network.DEVICE_UP, ["site"]) == "max by (site) (x)"
    assert folded("max", "x", network.DEVICE_UP, []) == "max(x)"


def test_a_query_cannot_ask_for_what_a_metric_does_not_have() -> None:
    with pytest.raises(ValueError, match="no label port"):
        series(network.DEVICE_UP, port="1")
    with pytest.raises(ValueError, match="no counter"):
        per_second(network.DEVICE_UP)
    with pytest.raises(ValueError, match="no label camera"):
        folded("sum", "x", network.DEVICE_UP, ["camera"])


def test_panels_flow_into_lines_below_their_heading() -> None:
    metric = Metric("a_b_total", "counter", (), say("Щось.", "Something."))

    def panel(width: int, height: int = 8) -> Panel:
        return Panel("timeseries", "Назва", "Пояснення.", (Query(series(metric), ""),), width=width, height=height)

    rows = (Row("Перший", (panel(10), panel(10, 6), panel(10))), Row("Другий", (panel(24),)))
    model = Dashboard("uid", "Назва", "Пояснення.", (), rows).model()
    places = [(p["gridPos"]["x"], p["gridPos"]["y"], p["gridPos"]["w"]) for p in model["panels"]]
    assert places == [(0, 0, 24), (0, 1, 10), (10, 1, 10), (0, 9, 10), (0, 17, 24), (0, 18, 24)]
    assert [p["id"] for p in model["panels"]] == [1, 2, 3, 4, 5, 6]
