"""Owns `device_info`: one sample a device with its model and firmware as labels, for what reads samples only. Pure.

A device has one such series at a time. Its words come from outside, so that they are bounded, and a device that names
another firmware each minute gets none until it settles: it must not make series without end.
"""

from collections.abc import Iterable, Sequence

from beket.kernel.clock import NS_PER_S
from beket.kernel.inventory import Device
from beket.kernel.metrics import Point
from collector import metrics
from collector.devices.known import KnownFact

LABEL_MAX_CHARS = 60
SETTLES_S = 600
UNKNOWN = "unknown"
INFO_KEYS = ("model", "firmware")


def info_points(devices: Sequence[Device], facts: Iterable[KnownFact], wall_ns: int) -> list[Point]:
    """A sample for each device that told of a model or a firmware."""
    told: dict[str, list[KnownFact]] = {}
    for fact in facts:
        told.setdefault(fact.device, []).append(fact)
    points = []
    for device in devices:
        model, firmware = (_settled(told.get(device.id, ()), key, wall_ns) for key in INFO_KEYS)
        if (model, firmware) != (UNKNOWN, UNKNOWN):
            labels = (("site", device.site), ("device", device.id), ("model", model), ("firmware", firmware))
            points.append(Point(metrics.DEVICE_INFO.name, labels, wall_ns, 1))
    return points


def _settled(facts: Iterable[KnownFact], key: str, wall_ns: int) -> str:
    """The value of `key`: SNMP's before that of another source, so that two spellings do not take turns."""
    known = sorted((fact for fact in facts if fact.key == key), key=lambda fact: (fact.source != "snmp", fact.source))
    for fact in known:
        is_first = fact.since_wall_ns == fact.first_wall_ns
        if is_first or wall_ns - fact.since_wall_ns >= SETTLES_S * NS_PER_S:
            return fact.value[:LABEL_MAX_CHARS].strip() or UNKNOWN
    return UNKNOWN
