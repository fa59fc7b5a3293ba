"""The line between a training centre's pages and the light of its simulated places."""

import asyncio
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beket.app.light_line import LightLine, serve_light
from beket.kernel.errors import Unreachable
from beket.kernel.ids import SiteId

SCHOOL, COUNCIL = SiteId("school"), SiteId("council")


@pytest.fixture
def path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="beket-") as folder:
        yield Path(folder) / "light"


def test_light_is_seen_and_switched_and_unknown_places_are_left_alone(path: Path) -> None:
    on = {SCHOOL: True, COUNCIL: True}

    async def story() -> None:
        async with serve_light(path, lights=lambda: on, switch=on.__setitem__):
            line = LightLine(path)
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert await asyncio.to_thread(line.sites) == {SCHOOL: True, COUNCIL: True}
            await asyncio.to_thread(line.switch_off, SCHOOL)
            assert await asyncio.to_thread(line.sites) == {SCHOOL: False, COUNCIL: True}
            await asyncio.to_thread(line.switch_on, SCHOOL)
            await asyncio.to_thread(line.switch_off, SiteId("elsewhere"))
            assert on == {SCHOOL: True, COUNCIL: True}

    asyncio.run(story())


def test_when_the_other_end_is_away_nothing_can_be_switched(path: Path) -> None:
    assert LightLine(path).sites() == {}
    with pytest.raises(Unreachable):
        LightLine(path).switch_off(SCHOOL)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=st.binary(max_size=200))
def test_noise_on_the_line_switches_nothing_and_harms_nobody(path: Path, noise: bytes) -> None:
    on = {SCHOOL: True}

    async def story() -> None:
        path.unlink(missing_ok=True)
        async with serve_light(path, lights=lambda: on, switch=on.__setitem__):
            with socket.socket(socket.AF_UNIX) as raw:
                raw.connect(str(path))
                raw.sendall(noise + b"\n")
            assert await asyncio.to_thread(LightLine(path).sites) == {SCHOOL: True}

    asyncio.run(story())
