import math
from pathlib import Path

import msgspec

from agents.spool.messages import Batch, PointsMessage, PointsReceipt, Series, series_of
from beket.kernel import wire
from beket.kernel.metrics import Point

GOLDEN = Path(__file__).parents[3] / "fixtures" / "wire"


def test_the_sender_writes_the_golden_message() -> None:
    port = {"site": "school", "device": "switch-1", "port": "gi0/1"}
    device = {"site": "school", "device": "switch-1"}
    first = [
        Series("port_in_bytes_total", port, [(1_700_000_000_000, 123456789.0), (1_700_000_060_000, 123459999.0)]),
        Series("device_ping_latency_seconds", device, [(1_700_000_000_123, 0.00217)]),
    ]
    second = msgspec.Raw(msgspec.json.encode([Series("device_up_ratio", device, [(1_700_000_060_000, 1.0)])]))
    message = PointsMessage("0b6f7c52-6f0b-4c3e-9d5a-2f1f2f0c7a11", [Batch(41, first), Batch(42, second)])
    assert wire.encode(message) == (GOLDEN / "1" / "points-message.json").read_bytes().strip()


def test_the_sender_reads_the_receipt_of_every_release() -> None:
    for path in GOLDEN.glob("*/points-receipt.json"):
        assert wire.decode(path.read_bytes(), PointsReceipt) == PointsReceipt(42)


def test_points_of_one_series_stand_together_in_order_of_appearance() -> None:
    a, b = (("device", "a"),), (("device", "b"),)
    points = [
        Point("m_x", a, 1_999_999, 1),
        Point("m_x", b, 0, 2),
        Point("m_x", a, 5_000_000, 3),
        Point("m_y", a, 0, 4),
    ]
    assert series_of(points) == [
        Series("m_x", {"device": "a"}, [(1, 1), (5, 3)]),
        Series("m_x", {"device": "b"}, [(0, 2)]),
        Series("m_y", {"device": "a"}, [(0, 4)]),
    ]


def test_what_is_no_number_travels_as_null() -> None:
    series = series_of([Point("m_x", (), 0, math.nan), Point("m_x", (), 0, math.inf)])
    assert b'"samples":[[0,null],[0,null]]' in msgspec.json.encode(series)
