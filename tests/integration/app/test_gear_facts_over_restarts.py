"""Facts that a real sshd tells the gear process, over its restarts: dates stay, the departed are forgotten."""

import asyncio
import functools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from agents.facts.book import FactBook
from agents.facts.messages import Fact
from agents.hosts.config import HostsConfig
from beket.access.agent_key import AgentKey, Enrolled, save_enrolled
from beket.access.community_key import CommunityKey
from beket.access.signing import Purpose
from beket.app.config import AgentConfig
from beket.app.wiring.agent_side import AgentFiles, load_identity, open_inventory_cache
from beket.app.wiring.gear import follow_facts, run_gear
from beket.kernel.clock import SystemClock
from beket.kernel.ids import AgentId, CommunityId, DeviceId, SiteId
from beket.kernel.inventory import Community, Device, Inventory, Site
from beket.kernel.metrics import Instruments, Point
from beket.kernel.secrets import Secret, write_secret_file
from beket.testing.process import wait_for
from beket.testing.sshd import Sshd, gear_command, sshd
from collector.inventory.signed import signed_part

SITE, ROUTER = SiteId("council"), DeviceId("router-council")
COMMUNITY = Community(id=CommunityId("mohyliv"), name="Могилів")
pytestmark = [pytest.mark.needs("ssh", "sshd", "pam_wrapper"), pytest.mark.timeout(300)]


@dataclass
class Agent:
    """An agent whose centre is away; the inventory it was given before lists the router, its own file does not."""

    folder: Path
    enrolled: Enrolled
    sign: Callable[[bytes], bytes]

    @property
    def files(self) -> AgentFiles:
        return AgentFiles(self.folder / "data")

    @property
    def config(self) -> AgentConfig:
        hosts = HostsConfig(facts_every_s=1)
        return AgentConfig(data=self.files.data, secrets=self.folder / "secrets", hosts=hosts)

    def given(self, version: int, *devices: Device) -> None:
        whole = Inventory(
            version=version,
            community=COMMUNITY,
            sites=(Site(id=SITE, name="Рада", village="Могилів"),),
            devices=devices,
        )
        assert open_inventory_cache(self.files, self.enrolled).put(signed_part(whole, SITE, self.sign))

    def facts(self) -> dict[str, Fact]:
        """What it has on disk of the router over SSH."""
        path = self.files.facts("gear")
        pages = msgspec.json.decode(path.read_bytes()) if path.exists() else []
        found = [page["facts"] for page in pages if (page["device"], page["source"]) == (ROUTER, "ssh")]
        return msgspec.convert(found[0], dict[str, Fact]) if found else {}

    def lives_until(self, condition: Callable[[], bool]) -> None:
        """Its gear process runs from start to end."""

        async def life() -> None:
            stop = asyncio.Event()
            running = asyncio.create_task(run_gear(self.config, clock=SystemClock(), rng=random.Random(1), stop=stop))
            try:
                await asyncio.to_thread(wait_for, condition, within_s=120)
            finally:
                stop.set()
                await running

        asyncio.run(life())


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    key = CommunityKey.load_or_create(tmp_path / "community.key")
    files = AgentFiles(tmp_path / "data")
    AgentKey.load_or_create(files.key)
    enrolled = Enrolled(
        agent=AgentId("council-1"),
        site=SITE,
        community=COMMUNITY.id,
        centre_url="https://127.0.0.1:1",
        pin="0" * 64,
        community_key=key.public,
    )
    save_enrolled(files.enrolled, enrolled)
    return Agent(tmp_path, enrolled, functools.partial(key.sign, Purpose.INVENTORY_PART))


def router(server: Sshd) -> Device:
    return Device(
        id=ROUTER, site=SITE, name="Роутер", address=server.host, snmp="off", shell_secret="router-ssh",
        shell=f"mikrotik://{server.login}@{server.address}", host_key=server.fingerprint,
    )  # fmt: skip


def test_facts_of_gear_that_only_the_inventory_lists_keep_their_dates_until_it_lists_it_no_more(agent: Agent) -> None:
    state = agent.folder / "state"
    state.mkdir()
    model = state / "routerboard"
    (state / "resource").write_text("  version: 6.48\n")
    model.write_text("  model: RB760iGS\n")
    with sshd(gear_command("routeros", state)) as server:
        write_secret_file(agent.folder / "secrets" / "router-ssh", Secret(server.password))
        agent.given(1, router(server))
        agent.lives_until(lambda: "firmware" in agent.facts())
        first = agent.facts()

        model.write_text("  model: hEX S\n")  # a value that changed has the book written again
        agent.lives_until(lambda: agent.facts()["model"].value == "hEX S")
        second = agent.facts()
        assert second["firmware"].since_ms == first["firmware"].since_ms < second["model"].since_ms

        agent.given(2)
        agent.lives_until(lambda: agent.facts() == {})


def test_before_the_inventory_came_nothing_is_forgotten_for_nobody_knows_whom_it_lists(agent: Agent) -> None:
    book = FactBook(None, clock=SystemClock())
    book.note(ROUTER, "ssh", {"firmware": "6.48"})

    class Sink:
        def put(self, points: Sequence[Point]) -> None:
            raise InterruptedError  # the end of a round

    with pytest.raises(InterruptedError):
        asyncio.run(
            follow_facts(
                agent.config, load_identity(agent.files), Sink(), Instruments(unit="gear"), book, clock=SystemClock()
            )
        )
    taken = book.take(1000)
    assert taken
    assert [page.device for page in taken[0].devices] == [ROUTER]
