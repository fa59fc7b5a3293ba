import asyncio
import contextlib
import functools
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence

from agents.facts.messages import FactValue
from agents.network.device_poll import Reading
from agents.network.metrics import METRICS, PORT_UP
from agents.network.module_files import load_shipped
from agents.network.neighbours.look import Looker
from agents.network.neighbours.rounds import LookPace, Rounds
from agents.network.snmp.oid import parse_oid
from agents.network.snmp.port import Scalars, Target, Walk
from agents.network.snmp.recording import Recording
from beket.kernel.clock import SimulatedClock
from beket.kernel.errors import InvalidArgument, TimedOut
from beket.kernel.ids import CameraId, CommunityId, DeviceId, SiteId
from beket.kernel.inventory import Camera, Community, Device, Inventory
from beket.kernel.metrics import Catalogue, Point
from beket.kernel.text import plain

PORTS = load_shipped(Catalogue(METRICS))[1].tables[0]
SITE = SiteId("school")
ROUTER_MAC, SWITCH_MAC, CAMERA_MAC, PHONE_MAC = (bytes((2, 0, 0, 0, 0, n)) for n in (1, 2, 3, 4))


def bridge(mac: bytes, learned: Mapping[bytes, int]) -> Recording:
    """A bridge with ports 1 to 3 that has learned these addresses by port."""
    rows: list[tuple[bytes, int, bytes | int | None]] = [(parse_oid("1.3.6.1.2.1.17.1.1.0"), 4, mac)]
    for port in (1, 2, 3):
        rows.append((parse_oid(f"1.3.6.1.2.1.31.1.1.1.1.{port}"), 4, b"ge%d" % port))
        rows.append((parse_oid(f"1.3.6.1.2.1.17.1.4.1.2.{port}"), 2, port))
    for address, port in learned.items():
        index = ".".join(map(str, address))
        rows.append((parse_oid(f"1.3.6.1.2.1.17.4.3.1.2.{index}"), 2, port))
    return Recording(rows)


def on_a_loop(test: Callable[[], Coroutine[None, None, None]]) -> Callable[[], None]:
    @functools.wraps(test)
    def run() -> None:
        asyncio.run(test())

    return run


class Gear:
    """Recorded devices, each at a host; one that is not there keeps silent. Counts who is asked for its name."""

    def __init__(self, **devices: Recording) -> None:
        self.devices = devices
        self.asked: list[str] = []

    async def get(self, target: Target, names: Sequence[bytes]) -> Scalars:
        self.asked.append(target.host)
        if target.host not in self.devices:
            raise TimedOut(plain("silent"))
        return await self.devices[target.host].get(target, names)

    async def walk(self, target: Target, columns: Sequence[bytes]) -> Walk:
        return await self.devices[target.host].walk(target, columns)


def a_device(name: str, snmp: str = "v2c") -> Device:
    return Device(id=DeviceId(name), site=SITE, name=name, address=name, snmp=snmp)


def inventory(*devices: Device, camera: bool = True) -> Inventory:
    cameras = (Camera(id=CameraId("yard"), site=SITE, name="Yard", url="rtsp://10.0.0.9:554/main"),) if camera else ()
    community = Community(id=CommunityId("c"), name="c")
    return Inventory(version=1, community=community, devices=devices, cameras=cameras)


class Told(dict[tuple[str, str], Mapping[str, FactValue]]):
    """What was told, by device and source."""

    def __call__(self, device: DeviceId, source: str, facts: Mapping[str, FactValue], is_whole: bool) -> None:
        self[device, source] = facts


def rounds(gear: Gear, told: Told, clock: SimulatedClock, arp: Mapping[str, str] | None = None) -> Rounds:
    def target_of(device: Device) -> Target:
        if device.id == "odd":
            raise InvalidArgument(plain("odd"))
        return Target(device.address)

    return Rounds(
        looker=Looker(gear, PORTS),
        target_of=target_of,
        tell=told,
        arp=lambda: arp or {},
        clock=clock,
        rng=random.Random(1),
        pace=LookPace(every_s=3600, settle_s=45, again_after_s=300),
    )


@contextlib.asynccontextmanager
async def running(work: Rounds) -> AsyncIterator[None]:
    task = asyncio.create_task(work.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def settle(clock: SimulatedClock, duration_s: float) -> None:
    """Let time pass; what a worker thread does (the ARP table) comes back within real time."""
    await clock.advance(duration_s)
    for _ in range(20):
        await asyncio.sleep(0.005)
        await clock.advance(0)


@on_a_loop
async def test_gear_behind_ports_is_named_and_everybody_else_counted() -> None:
    gear = Gear(
        router=bridge(ROUTER_MAC, {SWITCH_MAC: 2, CAMERA_MAC: 2, PHONE_MAC: 2}),
        switch=bridge(SWITCH_MAC, {ROUTER_MAC: 1, CAMERA_MAC: 3, PHONE_MAC: 3}),
    )
    told, clock = Told(), SimulatedClock()
    work = rounds(gear, told, clock, {"10.0.0.9": CAMERA_MAC.hex(":")})
    work.apply(inventory(a_device("router"), a_device("switch"), a_device("odd"), a_device("gone")))
    async with running(work):
        await settle(clock, 46)
    assert told["switch", "fdb"] == {
        "behind/ge1": {"port": "ge1", "others": "0", "thing-0": "device router"},
        "behind/ge3": {"port": "ge3", "others": "1", "thing-0": "camera yard"},
        "table/fdb": "whole",
    }
    assert told["router", "fdb"]["behind/ge2"] == {
        "port": "ge2", "others": "1", "thing-0": "device switch", "thing-1": "camera yard",
    }  # fmt: skip
    assert {device for device, _ in told} == {"router", "switch"}
    assert PHONE_MAC.hex(":") not in repr(told)


@on_a_loop
async def test_an_address_that_two_claim_is_nobodys_and_a_device_without_snmp_is_known_by_arp() -> None:
    twin = bridge(ROUTER_MAC, {})
    gear = Gear(one=twin, two=twin, switch=bridge(SWITCH_MAC, {ROUTER_MAC: 1, PHONE_MAC: 2, CAMERA_MAC: 3}))
    told, clock = Told(), SimulatedClock()
    arp = {"10.0.0.9": ROUTER_MAC.hex(":"), "ups": PHONE_MAC.hex(":")}
    work = rounds(gear, told, clock, arp)
    work.apply(inventory(a_device("one"), a_device("two"), a_device("switch"), a_device("ups", snmp="off")))
    async with running(work):
        await settle(clock, 46)
    behind = {key for key in told["switch", "fdb"] if key.startswith("behind/")}
    assert behind == {"behind/ge2"}
    assert "thing-0" in told["switch", "fdb"]["behind/ge2"]


@on_a_loop
async def test_rounds_come_an_hour_apart_and_new_devices_soon() -> None:
    gear = Gear(a=bridge(ROUTER_MAC, {}), b=bridge(SWITCH_MAC, {}))
    told, clock = Told(), SimulatedClock()
    work = rounds(gear, told, clock)
    work.apply(inventory(a_device("a")))
    async with running(work):
        await settle(clock, 44)
        assert gear.asked == []
        await settle(clock, 2)
        assert gear.asked == ["a"]
        work.apply(inventory(a_device("a"), a_device("b")))
        await settle(clock, 60)
        assert gear.asked == ["a", "b"]
        await settle(clock, 4000)
        assert sorted(gear.asked) == ["a", "a", "b", "b"]
        work.apply(inventory(a_device("b")))
        await settle(clock, 4000)
        assert sorted(gear.asked) == ["a", "a", "b", "b", "b"]


@on_a_loop
async def test_a_trap_brings_a_look_after_a_while_and_a_thousand_bring_no_more() -> None:
    gear = Gear(a=bridge(ROUTER_MAC, {}))
    told, clock = Told(), SimulatedClock()
    work = rounds(gear, told, clock)
    work.apply(inventory(a_device("a")))
    async with running(work):
        await settle(clock, 50)
        for _ in range(1000):
            work.look_soon(DeviceId("a"))
        work.look_soon(DeviceId("nobody"))
        await settle(clock, 200)
        assert gear.asked == ["a"]
        await settle(clock, 100)
        assert gear.asked == ["a", "a"]
        await settle(clock, 1000)
        work.look_soon(DeviceId("a"))
        await settle(clock, 44)
        assert gear.asked == ["a", "a"]
        await settle(clock, 2)
        assert gear.asked == ["a", "a", "a"]


def reading(*ports_up: str, is_up: bool = True, error: bool = False) -> Reading:
    labels = [(("site", "school"), ("device", "a"), ("port", port)) for port in ports_up]
    points = [Point(PORT_UP.name, one, 1, 1.0) for one in labels]
    points.append(Point(PORT_UP.name, (("site", "school"), ("device", "a"), ("port", "down")), 1, 0.0))
    return Reading(a_device("a"), is_up, points, error=TimedOut(plain("cut")) if error else None)


@on_a_loop
async def test_a_port_that_came_up_or_went_down_brings_a_look_and_a_cut_poll_does_not() -> None:
    gear = Gear(a=bridge(ROUTER_MAC, {}))
    told, clock = Told(), SimulatedClock()
    work = rounds(gear, told, clock)
    work.apply(inventory(a_device("a")))
    async with running(work):
        await settle(clock, 400)
        for same in (reading("ge1"), reading("ge1"), reading(error=True), reading("ge1")):
            work.heard(same)
            await settle(clock, 100)
        assert len(gear.asked) == 1
        work.heard(reading("ge1", "ge2"))
        await settle(clock, 100)
        assert len(gear.asked) == 2
        await settle(clock, 400)
        work.heard(reading(is_up=False))
        await settle(clock, 100)
        assert len(gear.asked) == 2
        work.heard(reading("ge1", "ge2"))
        await settle(clock, 100)
        assert len(gear.asked) == 3
