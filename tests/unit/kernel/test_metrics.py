import threading

import pytest

from beket.kernel.metrics import Catalogue, Instruments, Metric, MetricType, Point
from beket.kernel.text import say

HELP = say("Довідка.", "Help.")
PORT_IN = Metric("port_in_bytes_total", "counter", ("device", "port"), HELP)
UPTIME = Metric("device_uptime_seconds", "gauge", ("device",), HELP)


def test_catalogue_knows_each_metric_once() -> None:
    catalogue = Catalogue([PORT_IN, UPTIME])
    assert list(catalogue) == [PORT_IN, UPTIME]
    assert "device_uptime_seconds" in catalogue
    assert catalogue.get("device_uptime_seconds") is UPTIME
    assert catalogue.get("unheard_of") is None
    with pytest.raises(ValueError, match="declared twice"):
        Catalogue([UPTIME, UPTIME])


@pytest.mark.parametrize(
    ("name", "type_", "labels", "why"),
    [
        ("uptime", "gauge", (), "form"),
        ("Device_uptime_seconds", "gauge", (), "form"),
        ("device__uptime", "gauge", (), "form"),
        ("port_in_bytes", "counter", (), "_total"),
        ("port_in_bytes_total", "gauge", (), "_total"),
        ("port_in_bytes_total", "counter", ("description",), "description"),
    ],
)
def test_catalogue_refuses_a_metric_outside_the_rules(
    name: str, type_: MetricType, labels: tuple[str, ...], why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        Catalogue([Metric(name, type_, labels, HELP)])


@pytest.mark.parametrize(
    ("name", "labels", "accepted"),
    [
        ("port_in_bytes_total", (("device", "a"), ("port", "1")), True),
        ("port_in_bytes_total", (("port", "1"), ("device", "a")), False),
        ("port_in_bytes_total", (("device", "a"),), False),
        ("unheard_of_total", (), False),
    ],
)
def test_catalogue_accepts_points_as_declared(name: str, labels: tuple[tuple[str, str], ...], accepted: bool) -> None:
    assert Catalogue([PORT_IN]).accepts(Point(name, labels, 0, 1.0)) is accepted


def test_instruments_count_and_hold_levels_as_points_of_the_catalogue() -> None:
    instruments = Instruments()
    instruments.add(PORT_IN, 5, port="1", device="a")
    instruments.add(PORT_IN, device="a", port="1")
    instruments.set(UPTIME, 9, device="a")
    instruments.set(UPTIME, 3, device="a")
    points = instruments.read(77)
    assert points == [
        Point("port_in_bytes_total", (("device", "a"), ("port", "1")), 77, 6),
        Point("device_uptime_seconds", (("device", "a"),), 77, 3),
    ]
    assert all(Catalogue([PORT_IN, UPTIME]).accepts(point) for point in points)


@pytest.mark.parametrize("labels", [{}, {"device": "a"}, {"device": "a", "camera": "b"}])
def test_instruments_refuse_other_labels_than_declared(labels: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="takes labels"):
        Instruments().add(PORT_IN, 1, **labels)


def test_instruments_lose_no_count_between_threads() -> None:
    instruments = Instruments()

    def count() -> None:
        for _ in range(2000):
            instruments.add(UPTIME, device="a")

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert instruments.read(0)[0].value == 8000
