import asyncio
import contextlib
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from beket.kernel.clock import SystemClock
from beket.kernel.ids import SiteId
from beket.kernel.secrets import write_secret_file
from beket.sim.community import Simulation, inventory, new_logins
from beket.sim.places import MOHYLIV
from beket.testing.process import ProgramFailed, output_of
from tests.service_readings import ask, works

pytestmark = pytest.mark.usefixtures("village_to_ourselves")
COUNCIL = SiteId("council-mohyliv")
OPER_STATUS = ".1.3.6.1.2.1.2.2.1.8"
OUTPUT_SOURCE = ".1.3.6.1.2.1.33.1.4.1.0"
COUNCIL_CAMERAS = [camera for camera in inventory(MOHYLIV).cameras if camera.site == COUNCIL]
LOGINS = new_logins(MOHYLIV)


def run_with(test: Callable[[Simulation], Awaitable[None]]) -> None:
    async def body() -> None:
        simulation = Simulation(MOHYLIV, clock=SystemClock(), logins=LOGINS, daylight="day")
        running = asyncio.create_task(simulation.run())
        try:
            await asyncio.wait_for(simulation.serving(), 10)
            await test(simulation)
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running

    asyncio.run(body())


def test_what_the_community_relies_on_answers_its_probes() -> None:
    """Each kind once, asked as an agent asks; those of the centre stand on its own stage."""

    async def ask_all(_: Simulation) -> None:
        cheap = inventory(MOHYLIV).services
        with tempfile.TemporaryDirectory() as folder:
            for name, secret in LOGINS.items():
                write_secret_file(Path(folder) / name, secret)
            asked = [
                asyncio.to_thread(ask, one.address, expect=one.expect, secret=one.secret, secrets=Path(folder))
                for one in cheap
            ]
            readings = await asyncio.gather(*asked)
        assert {one.address.partition(":")[0] for one in cheap} == {"ping", "http", "dns", "ntp", "tcp", "rtsp"}
        assert [(one.service.address, one.text.en) for one in readings if not works(one)] == []

    run_with(ask_all)


async def get(device: str, *names: str) -> list[str]:
    address = next(d.address for d in inventory(MOHYLIV).devices if d.id == device)
    argv = ["snmpget", "-v2c", "-cpublic", "-r0", "-t0.5", "-Oqv", "-m", "", address, *names]
    return (await asyncio.to_thread(output_of, *argv)).split()


async def look(camera: str) -> str:
    shown = next(c for c in inventory(MOHYLIV).cameras if c.id == camera)
    url = shown.url.replace("//", f"//{LOGINS[shown.secret].reveal()}@")
    argv = [
        "ffprobe",
        "-v",
        "error",
        "-rtsp_transport",
        "tcp",
        "-analyzeduration",
        "300000",
        "-show_entries",
        "stream=codec_name",
        "-of",
        "csv=p=0",
        url,
    ]
    return (await asyncio.to_thread(output_of, *argv)).strip()


@pytest.mark.needs("snmpget", "ffprobe")
def test_community_answers_at_the_addresses_of_its_inventory() -> None:
    async def test(simulation: Simulation) -> None:
        for device in inventory(MOHYLIV).devices:
            assert await get(device.id, ".1.3.6.1.2.1.1.5.0") == [f'"{device.id}"']
        for camera in inventory(MOHYLIV).cameras:
            assert await look(camera.id) == "h264"

    run_with(test)


@pytest.mark.needs("snmpget", "ffprobe")
def test_blackout_leaves_what_the_ups_carries_and_light_brings_all_back() -> None:
    async def test(simulation: Simulation) -> None:
        simulation.switch_off(COUNCIL)
        assert not simulation.has_light(COUNCIL)
        assert await get("ups-council", OUTPUT_SOURCE) == ["5"]
        assert await get("router-council", f"{OPER_STATUS}.1") == ["1"]
        with pytest.raises(ProgramFailed, match="Timeout"):
            await get("switch-council", f"{OPER_STATUS}.1")
        of_council = [simulation.cameras[spec.id] for spec in COUNCIL_CAMERAS]
        while any(camera.is_serving for camera in of_council):
            await asyncio.sleep(0.02)
        assert await look("school-street") == "h264"
        with pytest.raises(ProgramFailed, match="Connection refused"):
            await look("council-street")
        simulation.switch_on(COUNCIL)
        await asyncio.wait_for(simulation.serving(), 5)
        assert await get("ups-council", OUTPUT_SOURCE) == ["3"]
        assert await get("switch-council", f"{OPER_STATUS}.1") == ["1"]
        assert await look("council-street") == "h264"

    run_with(test)


@pytest.mark.needs("snmpget")
def test_switch_sees_the_port_of_an_unplugged_camera_go_down() -> None:
    async def test(simulation: Simulation) -> None:
        asked = (f"{OPER_STATUS}.2", f"{OPER_STATUS}.3")
        assert await get("switch-council", *asked) == ["1", "1"]
        simulation.cameras["council-street"].switch_off()
        assert await get("switch-council", *asked) == ["2", "1"]

    run_with(test)
