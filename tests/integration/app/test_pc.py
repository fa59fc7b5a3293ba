"""`beket pc` as a program: it joins a real centre over TLS, tells it what is here, and waits when it is away."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from beket.access import tls
from beket.access.community_key import CommunityKey
from beket.access.store import AccessStore, open_access_db
from beket.app import listen, web_agents, web_edge
from beket.kernel.clock import SystemClock
from beket.kernel.database import Database
from beket.kernel.ids import SiteId
from beket.testing.passwords import quick_passwords
from beket.testing.process import wait_for
from beket.testing.source_tree import PROJECT
from collector.assets.store import ComputerStore
from collector.inventory.tables import FACTS_MIGRATIONS
from collector.web import computers_router

SITE = SiteId("council-mohyliv")
RECORDINGS = PROJECT / "tests/fixtures/computers"


@dataclass
class Pc:
    """One computer's agent, started as a program each time."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=lambda: {**os.environ, "BEKET_LANG": "uk"})

    @property
    def arguments(self) -> list[str]:
        """Program and configuration."""
        config = self.folder / "pc.toml"
        if not config.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            config.write_text(f'data = "{self.folder / "data"}"\n[computer]\ntimeout_s = 20\n')
        return [sys.executable, "-m", "beket", "pc", "--config", str(config)]

    def run(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """The program's whole run."""
        return subprocess.run(
            [*self.arguments, *arguments], cwd=PROJECT, env=self.environment, input=given, capture_output=True,
            text=True, timeout=110, check=False,
        )  # fmt: skip


@dataclass
class Centre:
    """A centre that runs in a thread."""

    access: AccessStore
    computers: ComputerStore
    url: str

    def line(self) -> str:
        """A fresh join line."""
        return self.access.enrolment.create_join_token(SITE, centre_url=self.url, by="test").text().reveal()


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Centre]:
    keys = tmp_path / "keys"
    cert, key_file, pin = tls.server_files(keys, ["127.0.0.1"])
    database = open_access_db(tmp_path / "access.db")
    access = AccessStore(
        database, clock=SystemClock(), boot_id="boot", community="mohyliv",
        community_key=CommunityKey.load_or_create(keys / "community.key"), pin=pin, passwords=quick_passwords(),
    )  # fmt: skip
    facts = Database(tmp_path / "facts.db", migrations=FACTS_MIGRATIONS)
    computers = ComputerStore(facts, clock=SystemClock())
    app = web_edge.new_app()
    authenticate = web_agents.authenticate_with(access.enrolment)
    app.include_router(
        web_agents.router(access.enrolment, authenticate=authenticate, inventory_part=lambda _: (0, b""))
    )
    app.include_router(computers_router(computers.take, authenticate=authenticate))
    sock = listen.bind("127.0.0.1", 0, place="test")
    url = f"https://127.0.0.1:{sock.getsockname()[1]}"
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(
        target=loop.run_until_complete, args=(listen.serve(app, sock, stop, tls=(cert, key_file)),)
    )
    thread.start()
    try:
        yield Centre(access, computers, url)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
    facts.close()
    database.close()


def test_a_computer_joins_tells_and_is_seen_with_what_changed(centre: Centre, tmp_path: Path) -> None:
    pc = Pc(tmp_path / "pc")
    assert "council-mohyliv" in pc.run("join", given=centre.line() + "\n").stdout
    done = pc.run("once", "--recording", str(RECORDINGS / "windows-10-uk.jsonl"))
    assert done.stdout == "Надіслано. Змін: 1.\n", done.stderr
    assert pc.run("once", "--recording", str(RECORDINGS / "windows-10-uk.jsonl")).stdout == "Надіслано. Змін: 0.\n"
    (known,) = centre.computers.computers()
    assert (known.site, known.name) == (SITE, "CNAP-1")
    assert pc.run("once").returncode == 0  # this very machine in its place
    assert "Система змінилася" in " ".join(event.words.uk for event in centre.computers.events(limit=50))


def test_a_stranger_tells_nothing(centre: Centre, tmp_path: Path) -> None:
    done = Pc(tmp_path / "stranger").run("once")
    assert done.returncode == 66
    assert "beket" in done.stderr
    assert centre.computers.computers() == []


def test_without_a_centre_the_report_waits_on_the_disk(centre: Centre, tmp_path: Path) -> None:
    pc = Pc(tmp_path / "pc")
    pc.run("join", given=centre.line() + "\n")
    state = tmp_path / "pc/data/identity/centre.json"
    told = json.loads(state.read_text())
    state.write_text(json.dumps({**told, "centre_url": "https://127.0.0.1:1"}))
    done = pc.run("once", "--recording", str(RECORDINGS / "windows-7.jsonl"))
    assert done.returncode == 69
    assert "BUH-2" in (tmp_path / "pc/data/report.json").read_text()
    state.write_text(json.dumps(told))
    service = subprocess.Popen([*pc.arguments, "run"], cwd=PROJECT, env=pc.environment, stderr=subprocess.PIPE)
    try:
        wait_for(lambda: centre.computers.computers() != [], within_s=60)
    finally:
        service.send_signal(signal.SIGTERM)
        _, words = service.communicate(timeout=60)
    assert service.returncode == 0, words
    assert centre.computers.computers()[0].name != "BUH-2"  # it looked anew: the newest only


def test_what_would_be_told_can_be_read_before_and_is_the_same_twice(tmp_path: Path) -> None:
    first, second = (Pc(tmp_path / "pc").run("show").stdout for _ in range(2))
    assert first == second
    assert json.loads(first)["system"]["family"] == "linux"
    assert Pc(tmp_path / "pc").run("show", "--recording", str(tmp_path / "none")).returncode == 66
