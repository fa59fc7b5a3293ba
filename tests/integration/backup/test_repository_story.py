"""A council's documents reach the centre's own server, come back, and are looked after there; through `beket` alone.

The server is rclone; `BEKET_REPOSITORY_SERVER=restic-rest-server` runs the same against Debian 13's.
"""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from beket.testing.process import free_tcp_port
from beket.testing.restic import FIRST_FILE, make_backup_place

pytestmark = [pytest.mark.needs("restic", "rclone"), pytest.mark.timeout(180)]

SERVER = os.environ.get("BEKET_REPOSITORY_SERVER", "rclone")
BEKET = [sys.executable, "-m", "beket"]
INVENTORY = "community: {id: mohyliv, name: Могилів}\nsites:\n  - {id: council, name: Сільрада, village: Могилів}\n"


class Town:
    """A centre that takes backups and a council that sends its documents there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.place = make_backup_place(folder)
        self.repositories_port = free_tcp_port()
        (folder / "inventory.yaml").write_text(INVENTORY)
        (folder / "centre.toml").write_text(
            f'data = "{folder}/centre"\nkeys = "{folder}/keys"\n[community]\nid = "mohyliv"\nname = "Могилів"\n'
            f'[agents]\nhost = "127.0.0.1"\nport = {free_tcp_port()}\nnames = ["127.0.0.1"]\n'
            f"[pages]\nport = {free_tcp_port()}\n"
            f'[recordings]\nfolder = "{folder}/video"\nfree_floor_gib = 0\n'
            f'[repositories]\nfolder = "{folder}/repositories"\nlook_every_s = 0.5\n'
            f'[repositories.service]\nenabled = true\nhost = "127.0.0.1"\nport = {self.repositories_port}\n'
            f'program = "{SERVER}"\n'
        )
        (folder / "agent.toml").write_text(
            f'data = "{folder}/agent"\nsecrets = "{folder}/secrets"\n'
            f'[recordings]\nfolder = "{folder}/edge"\nfree_floor_gib = 0\n'
            '[backup]\nrepository = "centre"\nlook_every_s = 0.5\nrandom_delay_s = 0\n'
            f'[[backup.plans]]\nid = "documents"\nname = "Документи бухгалтерії"\npaths = ["{self.place.source}"]\n'
        )

    def beket(self, *arguments: str, stdin: str = "", code: int = 0) -> str:
        done = subprocess.run(
            [*BEKET, *arguments], cwd=self.folder, input=stdin, capture_output=True, text=True, timeout=90, check=False
        )
        assert done.returncode == code, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    @contextlib.contextmanager
    def centre(self) -> Iterator["subprocess.Popen[bytes]"]:
        with (self.folder / "centre.log").open("ab") as log:
            process = subprocess.Popen([*BEKET, "centre", "--config", "centre.toml"], cwd=self.folder, stderr=log)
        try:
            _wait_until(lambda: self.listens(), self)
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(30)

    def listens(self) -> bool:
        address = ("127.0.0.1", self.repositories_port)
        with contextlib.suppress(OSError), socket.create_connection(address, timeout=1):
            return True
        return False

    def log(self) -> str:
        return (self.folder / "centre.log").read_text()


def test_documents_reach_the_centres_server_and_come_back(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.beket("inventory", "--config", "centre.toml", "import", "inventory.yaml", "--yes", "--reason", "перша")
    with town.centre() as centre:
        line = town.beket("centre", "--config", "centre.toml", "join-line", "council")
        town.beket("agent", "--config", "agent.toml", "join", stdin=line)
        assert "Копію зроблено" in town.beket("backup", "--config", "agent.toml", "run")
        (repository,) = (tmp_path / "repositories").iterdir()
        assert repository.name.startswith("council-")
        assert len(list((repository / "snapshots").iterdir())) == 1
        # The centre dies without a word; its server must not stay behind and hold the port.
        os.kill(centre.pid, signal.SIGKILL)
        _wait_until(lambda: not town.listens(), town)
    with town.centre():
        (town.place.source / "нове.txt").write_text("нове")
        assert "Копію зроблено" in town.beket("backup", "--config", "agent.toml", "run")
        town.beket("backup", "--config", "agent.toml", "restore", "--plan", "documents", "--to", "назад")
    restored = tmp_path / "назад" / str(town.place.source).lstrip("/") / FIRST_FILE
    assert restored.read_text() == "накладна\n"
    _assert_the_centre_can_see_forget_and_escrow(town, repository.name)
    (way_in,) = (tmp_path / "agent" / "repository").iterdir()
    secrets = [(way_in / name).read_text().strip() for name in ("address", "key")]
    assert not [secret for secret in secrets if secret in town.log()]


def _assert_the_centre_can_see_forget_and_escrow(town: Town, host: str) -> None:
    def centre(*words: str, stdin: str = "") -> str:
        return town.beket("backup", words[0], "--config", "centre.toml", *words[1:], stdin=stdin)

    assert f"{host}: копії свіжі" in centre("hosts")
    assert "Забувати нічого" in centre("forget", host)
    centre("escrow", host, "--sheet", "аркуш.html")
    sheet = town.folder / "аркуш.html"
    assert "Сільрада" in sheet.read_text()
    assert sheet.stat().st_mode & 0o077 == 0
    key = "-".join(re.findall(r"</small>(\w{5})</span>", sheet.read_text()))
    tried = centre("escrow", host, "--try", stdin=f"{key.lower()}\n")
    assert "відкриває сховище, і файл з копії повернувся" in tried
    assert f"Акт № {host}/К1" in tried
    assert "перевірено сьогодні" in centre("hosts")


def _wait_until(is_so: Callable[[], bool], town: Town) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline, town.log()
        time.sleep(0.1)
