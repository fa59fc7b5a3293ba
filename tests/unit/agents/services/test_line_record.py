"""A provider answers for a line that is down while there is light, and for nothing else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.network.device_poll import Reading as DeviceReading
from agents.network.gear_metrics import METRICS as GEAR_METRICS
from agents.network.icmp import Method, Ping
from agents.services import metrics
from agents.services.light import HELD_S, ON_BATTERY, SiteLight, light_of
from agents.services.line import judged
from agents.services.line_record import LineRecord
from agents.services.probe import Target, target_of
from agents.services.trouble import Failed, Trouble
from beket.kernel.clock import SimulatedClock
from beket.kernel.ids import DeviceId, ServiceId, SiteId
from beket.kernel.inventory import Device, DeviceKind, Service
from beket.kernel.metrics import Metric, Point

SITE = SiteId("school")


def line(address: str = "ping://192.0.2.1") -> Target:
    service = Service(id=ServiceId("line"), site=SITE, name="Лінія", address=address)
    return target_of(service, provider="steplink")


def device(kind: DeviceKind, *, is_up: bool, on_battery: float | None = None) -> DeviceReading:
    thing = Device(id=DeviceId(f"{kind}-{is_up}"), site=SITE, name="Річ", kind=kind, address="10.0.0.1")
    points = [] if on_battery is None else [Point(ON_BATTERY, (("site", SITE), ("device", thing.id)), 1, on_battery)]
    return DeviceReading(thing, is_up=is_up, points=points)


def burst(wall_ns: int, *, is_up: bool) -> list[Point]:
    labels = (("site", str(SITE)), ("provider", "steplink"), ("probe", "line"))
    return [Point(metrics.LINK_UP.name, labels, wall_ns, float(is_up))]


def value(points: list[Point], metric: Metric) -> float:
    (found,) = [point for point in points if point.name == metric.name]
    assert tuple(name for name, _ in found.labels) == metric.labels
    return found.value


# Light ----------------------------------------------------------------------------------------------------------------


def test_the_name_of_what_a_ups_tells_is_the_modules_own() -> None:
    assert ON_BATTERY in {metric.name for metric in GEAR_METRICS}


def test_a_ups_knows_best() -> None:
    switch = device(DeviceKind.SWITCH, is_up=False)
    assert light_of([device(DeviceKind.UPS, is_up=True, on_battery=1), switch]) is False
    assert light_of([device(DeviceKind.UPS, is_up=True, on_battery=0), switch, switch]) is True
    assert light_of([device(DeviceKind.UPS, is_up=False, on_battery=1), switch]) is None  # nobody heard it say so


@pytest.mark.parametrize(
    ("readings", "light"),
    [
        ([], None),
        ([(DeviceKind.ROUTER, True), (DeviceKind.SERVER, True)], None),  # a UPS may carry all of them
        ([(DeviceKind.SWITCH, False)], None),  # one that fails is that one
        ([(DeviceKind.SWITCH, False), (DeviceKind.PRINTER, False), (DeviceKind.ROUTER, True)], False),
        ([(DeviceKind.SWITCH, False), (DeviceKind.PRINTER, True)], True),
    ],
)
def test_without_one_those_on_the_mains_tell(readings: list[tuple[DeviceKind, bool]], light: bool | None) -> None:
    assert light_of([device(kind, is_up=is_up) for kind, is_up in readings]) is light


def ups(name: str, on_battery: float | None) -> DeviceReading:
    """A UPS that says it runs on battery, or on the mains, or nothing."""
    thing = Device(id=DeviceId(name), site=SITE, name="ДБЖ", kind=DeviceKind.UPS, address="10.0.0.1")
    points = [] if on_battery is None else [Point(ON_BATTERY, (("site", SITE), ("device", thing.id)), 1, on_battery)]
    return DeviceReading(thing, is_up=on_battery is not None, points=points)


class Heard:
    """A light that hears each reading as it comes, as the wiring has it."""

    def __init__(self) -> None:
        self.clock = SimulatedClock()
        self.light = SiteLight(self.clock)
        self.newest: dict[DeviceId, DeviceReading] = {}

    def __call__(self, *readings: DeviceReading) -> bool | None:
        for one in readings:
            self.light.hear(one)
            self.newest[one.device.id] = one
        return self.light.is_on(self.newest.values())


def test_a_ups_that_ran_down_leaves_the_site_dark_until_it_answers_again() -> None:
    hear = Heard()
    assert hear(ups("a", 1)) is False
    assert hear(ups("a", None), device(DeviceKind.ROUTER, is_up=True)) is False, "a router may have a UPS of its own"
    hear.clock.pass_time(8 * 3600)
    assert hear() is False
    assert hear(ups("a", 0)) is True
    assert hear(ups("a", None)) is None, "it said that there is light before it fell silent"


def test_what_lives_on_the_mains_outweighs_the_last_word_of_a_silent_ups() -> None:
    hear = Heard()
    hear(ups("a", 1))
    assert hear(ups("a", None), ups("b", 0)) is True
    assert hear(ups("b", None)) is False
    assert hear(device(DeviceKind.SWITCH, is_up=False)) is False
    assert hear(device(DeviceKind.PRINTER, is_up=True)) is True


def test_a_ups_that_never_came_back_or_left_the_list_excuses_nobody_for_ever() -> None:
    hear = Heard()
    hear(ups("a", 1))
    hear.clock.pass_time(HELD_S - 1)
    assert hear(ups("a", None)) is False
    hear.clock.pass_time(1)
    assert hear() is None
    hear(ups("a", 1), ups("a", None))
    hear.newest.clear()
    assert hear() is None
    assert hear(ups("a", None)) is None


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([None, 0, 1]), st.integers(0, HELD_S)), max_size=20))
def test_silent_upss_darken_a_site_only_by_their_own_newest_word(steps: list[tuple[str, float | None, int]]) -> None:
    hear = Heard()
    words: dict[str, tuple[float, int]] = {}
    now_s = 0
    for name, says, passes_s in steps:
        hear.clock.pass_time(passes_s)
        now_s += passes_s
        if says is not None:
            words[name] = (says, now_s)
        found = hear(ups(name, says))
        answering = [one.points[0].value for one in hear.newest.values() if one.is_up]
        if answering:
            assert found is (max(answering) == 0)
        else:
            assert found is (False if any(on and now_s - at_s < HELD_S for on, at_s in words.values()) else None)


# The record -----------------------------------------------------------------------------------------------------------


class Lamp:
    """A light that a test switches."""

    def __init__(self) -> None:
        self.is_on: bool | None = True

    def __call__(self) -> bool | None:
        return self.is_on


def test_a_burst_is_judged_one_beat_later_at_its_own_time() -> None:
    record = LineRecord(line(), Lamp())
    assert record.judge(burst(1, is_up=False)) == []
    verdict = record.judge(burst(2, is_up=True))
    assert {point.wall_ns for point in verdict} == {1}
    assert (value(verdict, metrics.LINK_FAULT), value(verdict, metrics.LINK_BLACKOUT)) == (1, 0)
    good = record.judge(burst(3, is_up=True))
    assert (value(good, metrics.LINK_FAULT), value(good, metrics.LINK_BLACKOUT)) == (0, 0)


def test_a_line_that_dies_just_before_the_gear_tells_of_the_blackout_is_nobodys_fault() -> None:
    lamp = Lamp()
    record = LineRecord(line(), lamp)
    record.judge(burst(1, is_up=False))
    lamp.is_on = False
    during = record.judge(burst(2, is_up=False))
    lamp.is_on = True
    after = record.judge(burst(3, is_up=False))
    for verdict in (during, after):
        assert (value(verdict, metrics.LINK_FAULT), value(verdict, metrics.LINK_BLACKOUT)) == (0, 1)
    assert value(record.judge(burst(4, is_up=True)), metrics.LINK_FAULT) == 1  # the light is back, the line is not


def test_what_is_not_known_excuses_nobody() -> None:
    lamp = Lamp()
    lamp.is_on = None
    record = LineRecord(line(), lamp)
    record.judge(burst(1, is_up=False))
    assert value(record.judge([]), metrics.LINK_FAULT) == 1


def test_a_service_that_is_no_line_has_no_record() -> None:
    record = LineRecord(line("tcp://192.0.2.1:80"), Lamp())
    assert record.judge([]) == record.judge([]) == []


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from([True, False, None])), min_size=1, max_size=30))
def test_every_burst_is_counted_once_and_never_both_ways(steps: list[tuple[bool, bool | None]]) -> None:
    lamp = Lamp()
    record = LineRecord(line(), lamp)
    verdicts: list[Point] = []
    for n, (is_up, light) in enumerate(steps):
        lamp.is_on = light
        verdicts += record.judge(burst(n, is_up=is_up))
    assert [point.wall_ns for point in verdicts] == [n for n in range(len(steps) - 1) for _ in (0, 1)]
    for n in range(len(steps) - 1):
        own = [point for point in verdicts if point.wall_ns == n]
        fault, blackout = value(own, metrics.LINK_FAULT), value(own, metrics.LINK_BLACKOUT)
        assert fault + blackout <= 1
        assert fault <= (0 if steps[n][0] else 1)
        assert blackout == (steps[n][1] is False or steps[n + 1][1] is False)


# A burst --------------------------------------------------------------------------------------------------------------


def test_jitter_is_how_neighbours_differ() -> None:
    assert Ping(Method.RAW, 4, (0.010, 0.030, 0.020)).jitter_s == pytest.approx(0.015)
    assert Ping(Method.RAW, 1, (0.010,)).jitter_s is None


def test_a_lossy_line_works_and_wants_attention() -> None:
    found = judged(Ping(Method.RAW, 10, (0.01,) * 7))
    assert found.trouble is Trouble.LOSSY
    assert found.text.uk == "Зв'язок губить 30 % пакетів."
    assert judged(Ping(Method.RAW, 10, (0.01,) * 9)).trouble is None
    with pytest.raises(Failed, match="None of 10 packets"):
        judged(Ping(Method.RAW, 10, ()))


def test_what_the_contract_promises_is_told_beside_each_verdict_and_not_when_it_is_not_known() -> None:
    for promised_ratio, told in ((0.99, [0.99]), (None, [])):
        record = LineRecord(line(), Lamp(), promised_ratio=promised_ratio)
        record.judge(burst(1, is_up=True))
        verdict = record.judge(burst(2, is_up=True))
        assert [point.value for point in verdict if point.name == metrics.LINK_PROMISED.name] == told
