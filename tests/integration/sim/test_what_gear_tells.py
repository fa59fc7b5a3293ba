"""What the training community's gear tells when it is polled as an agent polls: the demo has something to show."""

import asyncio
import random
from pathlib import Path

import pytest
from msgspec.structs import replace

from agents.network.device_poll import DevicePolls, Reading
from agents.network.icmp import Method, Ping
from agents.network.metrics import METRICS
from agents.network.module_files import load_shipped
from agents.network.snmp.engine import UdpEngine
from beket.kernel.clock import SystemClock
from beket.kernel.metrics import Catalogue
from beket.kernel.secrets import SecretFolder
from beket.sim import office
from beket.sim.community import Simulation, inventory, new_logins
from beket.sim.places import MOHYLIV
from dashboards.grafana.power import power
from dashboards.grafana.printers import ORDER_BELOW, printers
from dashboards.grafana.rest import names_in
from dashboards.grafana.wifi import wifi

CATALOGUE = Catalogue(METRICS)
# Told by pings and by the watch of services, not by gear; and by families of UPSs that the community does not have.
ELSEWHERE = {"device_up_ratio", "site_light_ratio"}
NOT_IN_THE_VILLAGE = {"ups_battery_worn_ratio"}


class NoPing:
    async def ping(self, host: str, *, timeout_s: float) -> Ping:
        return Ping(method=Method.TCP, sent=1, times_s=())


async def polled(simulation: Simulation, folder: Path, *names: str, timeout_s: float = 30) -> dict[str, Reading]:
    """Each of the devices, all unless named, on a port of its own: another village may live on this machine."""
    engine = UdpEngine(clock=SystemClock(), rng=random.Random())
    polls = DevicePolls(
        snmp=engine,
        pinger=NoPing(),  # type: ignore[arg-type]
        modules=load_shipped(CATALOGUE),
        secrets=SecretFolder(folder),
        clock=SystemClock(),
        timeout_s=timeout_s,
    )
    readings: dict[str, Reading] = {}
    try:
        for device in inventory(MOHYLIV).devices:
            if not names or device.id in names:
                agent = simulation.agents[device.id]
                port = await agent.start("127.0.0.1", 0)
                readings[device.id] = await polls.poll(replace(device, address=f"127.0.0.1:{port}"))
                agent.close()
    finally:
        engine.close()
    return readings


@pytest.fixture
def simulation() -> Simulation:
    return Simulation(MOHYLIV, clock=SystemClock(), logins=new_logins(MOHYLIV))


def test_the_gear_is_known_by_itself_and_fills_the_pages_of_power_wifi_and_printers(
    simulation: Simulation, tmp_path: Path
) -> None:
    readings = asyncio.run(polled(simulation, tmp_path))
    assert {name: one.error for name, one in readings.items() if one.error} == {}
    assert {
        name: set(one.modules) - {"interfaces"} for name, one in readings.items() if set(one.modules) - {"interfaces"}
    } == {
        **{f"router-{place}": {"mikrotik", "host-resources"} for place in ("council", "novopidkriazh", "school")},
        "ups-council": {"ups-mib"},
        "ups-novopidkriazh": {"ups-mib"},
        "ups-school": {"ups-mib"},
        "printer-council": {"printer"},
        "wifi-school": {"ubiquiti-unifi"},
        "radio-novopidkriazh": {"ubiquiti-airos"},
    }
    points = [point for one in readings.values() for point in one.points]
    assert all(CATALOGUE.accepts(point) for point in points)
    wanted = names_in([power(), wifi(), printers()]) - ELSEWHERE
    assert wanted - {point.name for point in points} == NOT_IN_THE_VILLAGE
    supplies = {dict(p.labels)["part"]: p.value for p in points if p.name == "printer_supply_ratio"}
    assert supplies == {name: left / holds for name, holds, left in office.SUPPLIES}
    assert min(supplies.values()) < ORDER_BELOW


def test_in_a_blackout_the_ups_tells_it_and_what_it_does_not_carry_is_silent(
    simulation: Simulation, tmp_path: Path
) -> None:
    simulation.switch_off(MOHYLIV.sites[-1].site.id)

    async def look() -> dict[str, Reading]:
        heard = await polled(simulation, tmp_path, "ups-school", "printer-council")
        return heard | await polled(simulation, tmp_path, "wifi-school", timeout_s=0.5)

    readings = asyncio.run(look())
    of_ups = {point.name: point.value for point in readings["ups-school"].points}
    assert of_ups["ups_on_battery_ratio"] == 1
    assert readings["wifi-school"].error is not None
    assert readings["printer-council"].error is None


def test_a_router_tells_what_it_is_how_warm_and_how_busy(simulation: Simulation, tmp_path: Path) -> None:
    router = asyncio.run(polled(simulation, tmp_path, "router-school"))["router-school"]
    assert (router.facts["model"], router.facts["firmware"]) == ("RB760iGS", "7.16.1")
    assert {"sensor_temperature_celsius", "device_cpu_ratio", "storage_used_bytes"} <= {p.name for p in router.points}
