"""`device_info`: one series a device at a time, whatever the device says."""

from beket.app.wiring.catalogue import full_catalogue
from beket.kernel.clock import NS_PER_S
from beket.kernel.ids import DeviceId, SiteId
from beket.kernel.inventory import Device
from collector.devices.info import LABEL_MAX_CHARS, SETTLES_S, UNKNOWN, info_points
from collector.devices.known import KnownFact

ROUTER = Device(id=DeviceId("router"), site=SiteId("school"), name="Р", kind="router", address="192.0.2.1")
NOW_NS = 10**18


def fact(key: str, value: str, *, source: str = "snmp", age_s: float = 0, is_first: bool = True) -> KnownFact:
    since_ns = NOW_NS - round(age_s * NS_PER_S)
    return KnownFact(ROUTER.id, source, key, "text", value, since_ns if is_first else 0, since_ns, NOW_NS)


def labels(*facts: KnownFact) -> list[tuple[str, str]]:
    points = info_points([ROUTER], facts, NOW_NS)
    assert all(full_catalogue().accepts(point) for point in points)
    return [(dict(point.labels)["model"], dict(point.labels)["firmware"]) for point in points]


def test_a_device_that_told_something_has_one_sample() -> None:
    assert labels(fact("model", "hEX"), fact("firmware", "6.49")) == [("hEX", "6.49")]
    assert labels(fact("serial", "HC1"), fact("contact", "Іван")) == []
    assert labels(fact("model", "hEX")) == [("hEX", UNKNOWN)]
    assert info_points([], [fact("model", "hEX")], NOW_NS) == [], "no longer in the inventory"


def test_of_two_sources_one_is_believed_so_that_they_do_not_take_turns() -> None:
    told = [fact("firmware", "6.49 (stable)", source="ssh"), fact("firmware", "6.49")]
    assert labels(*told) == labels(*reversed(told)) == [(UNKNOWN, "6.49")]
    assert labels(told[0]) == [(UNKNOWN, "6.49 (stable)")]


def test_a_device_that_never_settles_makes_no_series_without_end() -> None:
    assert labels(fact("model", "m"), fact("firmware", "x1", age_s=60, is_first=False)) == [("m", UNKNOWN)]
    assert labels(fact("firmware", "x1", age_s=SETTLES_S, is_first=False)) == [(UNKNOWN, "x1")]
    assert labels(fact("model", "x" * 500)) == [("x" * LABEL_MAX_CHARS, UNKNOWN)]
