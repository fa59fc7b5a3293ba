"""Configurations of gear from end to end: a real sshd, `beket agent` and `beket backup configs` as programs."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from beket.access import tls
from beket.access.community_key import CommunityKey
from beket.access.journal import Filter
from beket.access.permit import Actor
from beket.access.roles import Role
from beket.access.store import AccessStore
from beket.app import listen, web_agents, web_edge
from beket.app.config import CentreConfig, CommunityConfig
from beket.app.wiring.access import open_access
from beket.app.wiring.catalogue import full_catalogue
from beket.app.wiring.gear_centre import GearConfigurations, open_gear
from beket.app.wiring.inventory import inventory_in, open_facts
from beket.kernel.clock import SystemClock
from beket.kernel.ids import SiteId, UserId
from beket.kernel.metrics import Instruments
from beket.kernel.secrets import Secret, write_secret_file
from beket.testing.process import wait_for
from beket.testing.source_tree import PROJECT
from beket.testing.sshd import Sshd, gear_command, sshd
from collector import web as collector_web
from collector.ingest import Ingest as PointIngest
from collector.store.samples import SampleStore

SITE, DEVICE = SiteId("council-mohyliv"), "router-council"
EXPORT = (PROJECT / "tests/fixtures/gear/mikrotik-7.txt").read_text()
pytestmark = [pytest.mark.needs("ssh", "sshd", "pam_wrapper"), pytest.mark.timeout(300)]


@dataclass(frozen=True)
class Village:
    """A centre in a thread, and a site's agent as programs."""

    access: AccessStore
    gear: GearConfigurations
    samples: SampleStore
    url: str
    folder: Path

    def beket(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """One command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "beket", *arguments], cwd=PROJECT, env={**os.environ, "BEKET_LANG": "uk"},
            input=given, capture_output=True, text=True, timeout=110, check=False,
        )  # fmt: skip

    def configs(self, side: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`beket backup configs` with the site's or the centre's configuration."""
        action, *rest = arguments
        return self.beket("backup", "configs", action, *rest, "--config", str(self.folder / f"{side}.toml"))


@pytest.fixture
def village(tmp_path: Path) -> Iterator[Village]:
    config = CentreConfig(
        data=tmp_path / "centre", keys=tmp_path / "keys", community=CommunityConfig(id="mohyliv", name="Могилів")
    )
    (tmp_path / "centre.toml").write_text(
        f'data = "{config.data}"\nkeys = "{config.keys}"\n[community]\nid = "mohyliv"\nname = "Могилів"\n'
        '[agents]\nnames = ["127.0.0.1"]\n'
    )
    clock = SystemClock()
    with contextlib.ExitStack() as stack:
        CommunityKey.load_or_create(config.keys / "community.key")
        cert, key, _ = tls.server_files(config.keys, ["localhost"])
        access = stack.enter_context(open_access(config, clock=clock))
        facts = stack.enter_context(open_facts(config))
        gear = stack.enter_context(open_gear(config, facts, inventory_in(facts, config, clock=clock), clock=clock))
        app = web_edge.new_app()
        authenticate = web_agents.authenticate_with(access.enrolment)
        app.include_router(
            web_agents.router(access.enrolment, authenticate=authenticate, inventory_part=lambda _: (0, b""))
        )
        app.include_router(gear.agent_router(authenticate=authenticate))
        samples = SampleStore(config.data / "samples.db")
        stack.callback(samples.close)
        points = PointIngest(
            catalogue=full_catalogue(), store=samples, instruments=Instruments(site=SITE, unit="centre"), clock=clock,
            kept_s=86_400,
        )  # fmt: skip
        app.include_router(collector_web.agent_router(points, authenticate=authenticate))
        sock = listen.bind("127.0.0.1", 0, place="test")
        loop, stop = asyncio.new_event_loop(), asyncio.Event()
        serving = listen.serve(app, sock, stop, tls=(cert, key))
        thread = threading.Thread(target=loop.run_until_complete, args=(serving,))
        thread.start()
        try:
            yield Village(access, gear, samples, f"https://127.0.0.1:{sock.getsockname()[1]}", tmp_path)
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join()
            loop.close()


def _site(village: Village, server: Sshd) -> None:
    write_secret_file(village.folder / "secrets" / "router-ssh", Secret(server.password))
    (village.folder / "site.toml").write_text(
        f'data = "{village.folder / "agent"}"\nsecrets = "{village.folder / "secrets"}"\n'
        "[gear_copies]\nevery_hours = 0.0001\nlook_every_s = 0.2\nrandom_delay_s = 0\n"
        "[spool]\nevery_s = 0.5\n[hosts]\nfacts_every_s = 1\n"
        f'[[hosts.gear]]\ndevice = "{DEVICE}"\nfamily = "mikrotik"\naddress = "{server.address}"\n'
        f'login = "{server.login}"\nsecret = "router-ssh"\n'
    )
    line = village.access.enrolment.create_join_token(SITE, centre_url=village.url, by="test").text().reveal()
    joined = village.beket("agent", "--config", str(village.folder / "site.toml"), "join", given=line + "\n")
    assert "council-mohyliv" in joined.stdout, joined.stderr


@contextlib.contextmanager
def _agent(village: Village) -> Iterator[None]:
    arguments = ["agent", "--config", str(village.folder / "site.toml"), "--only", "gear"]
    agent = subprocess.Popen([sys.executable, "-m", "beket", *arguments], cwd=PROJECT, stderr=subprocess.PIPE)
    try:
        yield
    finally:
        agent.send_signal(signal.SIGTERM)
        _, words = agent.communicate(timeout=60)
    assert agent.returncode == 0, words.decode()
    assert b"S3CRET" not in words
    assert b"Traceback" not in words, words.decode()


def _cpu(village: Village) -> list[float]:
    """What the centre knows of the device's processor."""
    latest = village.samples.latest(0)
    return [point.value for point in latest if point.name == "device_cpu_ratio" and ("device", DEVICE) in point.labels]


def test_from_the_first_key_to_a_change_and_a_full_copy(village: Village) -> None:
    state = village.folder / "state"
    state.mkdir()
    (state / "running-config").write_text(EXPORT)
    (state / "resource").write_text("  uptime: 1d02:03:04\n  cpu-load: 17%\n")
    store = village.gear.store
    with sshd(gear_command("routeros", state)) as server:
        _site(village, server)
        refused = village.configs("site", "take")
        assert refused.returncode == 1
        assert "ще ніхто не схвалив" in refused.stdout
        assert server.fingerprint in village.configs("site", "keys").stdout
        approved = village.configs("site", "approve", DEVICE, server.fingerprint)
        assert approved.returncode == 0, approved.stderr
        with _agent(village):
            wait_for(lambda: store.newest(SITE, DEVICE) is not None, within_s=60)
            (state / "running-config").write_text(EXPORT.replace("10.20.1.1/24", "10.20.1.9/24"))
            wait_for(lambda: len(store.history(SITE, DEVICE)) == 2, within_s=60)
            wait_for(lambda: village.gear.views() != [], within_s=60)
            wait_for(lambda: _cpu(village) == [0.17], within_s=60)
    listed = village.configs("centre", "list")
    assert f"{SITE} / {DEVICE}: Змінено" in listed.stdout, listed.stderr
    diff = village.configs("centre", "diff", DEVICE).stdout
    assert "+add address=10.20.1.9/24" in diff
    assert "S3CRET" not in diff
    newest = store.newest(SITE, DEVICE)
    assert newest is not None
    target = village.folder / "opened.rsc"
    opened = village.configs("centre", "open", newest.id, "--to", str(target))
    assert opened.returncode == 0, opened.stderr
    assert target.read_text() == EXPORT.replace("10.20.1.1/24", "10.20.1.9/24")
    assert target.stat().st_mode & 0o077 == 0
    assert village.configs("centre", "open", newest.id, "--to", str(target)).returncode == 64
    assert village.configs("centre", "open", "absent", "--to", str(target)).returncode == 66
    auditor = Actor(user=UserId("u"), login="auditor", role=Role.AUDITOR, reason="перевірка")
    entries = village.access.journal.read(auditor, Filter(action="open-gear-configuration", subject=DEVICE))
    assert {entry.event.details["copy"] for entry in entries} == {newest.id}
    for path in (village.folder / "agent").rglob("*"):
        assert not path.is_file() or b"S3CRET" not in path.read_bytes(), path


def test_without_a_centre_copies_wait_at_the_site(village: Village) -> None:
    state = village.folder / "state"
    state.mkdir()
    (state / "running-config").write_text(EXPORT)
    with sshd(gear_command("routeros", state)) as server:
        _site(village, server)
        village.configs("site", "take")  # learns the key of the centre and of the device
        village.configs("site", "approve", DEVICE, server.fingerprint)
        joined = village.folder / "agent/identity/centre.json"
        told = joined.read_text()
        joined.write_text(told.replace(village.url, "https://127.0.0.1:1"))
        taken = village.configs("site", "take")
        assert "першу копію" in taken.stdout, taken.stderr
        assert village.gear.store.looks() == []
        joined.write_text(told)
        with _agent(village):
            wait_for(lambda: village.gear.store.newest(SITE, DEVICE) is not None, within_s=60)
