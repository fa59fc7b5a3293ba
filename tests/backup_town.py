"""Owns a centre that takes backups and a council that sends its documents there: real processes, through `beket`.

The server is rclone; `BEKET_REPOSITORY_SERVER=restic-rest-server` takes Debian 13's instead.
"""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from beket.testing.process import free_tcp_port
from beket.testing.restic import make_backup_place

SERVER = os.environ.get("BEKET_REPOSITORY_SERVER", "rclone")
BEKET = [sys.executable, "-m", "beket"]
INVENTORY = "community: {id: mohyliv, name: Могилів}\nsites:\n  - {id: council, name: Сільрада, village: Могилів}\n"


class Town:
    """Both of them, in one folder."""

    def __init__(self, folder: Path, *, rate_kbps: int = 2000) -> None:
        self.folder = folder
        self.place = make_backup_place(folder)
        self.repositories_port, self.agents_port = free_tcp_port(), free_tcp_port()
        (folder / "inventory.yaml").write_text(INVENTORY)
        (folder / "centre.toml").write_text(
            f'data = "{folder}/centre"\nkeys = "{folder}/keys"\n[community]\nid = "mohyliv"\nname = "Могилів"\n'
            f'[agents]\nhost = "127.0.0.1"\nport = {self.agents_port}\nnames = ["127.0.0.1"]\n'
            f"[pages]\nport = {free_tcp_port()}\n"
            f'[recordings]\nfolder = "{folder}/video"\nfree_floor_gib = 0\n'
            f'[repositories]\nfolder = "{folder}/repositories"\nlook_every_s = 0.5\n'
            f'[repositories.service]\nenabled = true\nhost = "127.0.0.1"\nport = {self.repositories_port}\n'
            f'program = "{SERVER}"\n'
        )
        (folder / "agent.toml").write_text(
            f'data = "{folder}/agent"\nsecrets = "{folder}/secrets"\n'
            f'[recordings]\nfolder = "{folder}/edge"\nfree_floor_gib = 0\n'
            f"[uplink]\nrate_kbps = {rate_kbps}\n"
            '[backup]\nrepository = "centre"\nlook_every_s = 0.5\nrandom_delay_s = 0\n'
            f'[[backup.plans]]\nid = "documents"\nname = "Документи бухгалтерії"\npaths = ["{self.place.source}"]\n'
        )

    def beket(self, *arguments: str, stdin: str = "", code: int = 0) -> str:
        """What a command says; it must end with `code`."""
        done = subprocess.run(
            [*BEKET, *arguments], cwd=self.folder, input=stdin, capture_output=True, text=True, timeout=90, check=False
        )
        assert done.returncode == code, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def start_centre(self) -> "subprocess.Popen[bytes]":
        """The centre, not yet listening."""
        with (self.folder / "centre.log").open("ab") as log:
            return subprocess.Popen([*BEKET, "centre", "--config", "centre.toml"], cwd=self.folder, stderr=log)

    @contextlib.contextmanager
    def centre(self) -> Iterator["subprocess.Popen[bytes]"]:
        """The centre, once it listens; ended in order if it still runs."""
        process = self.start_centre()
        try:
            self.wait_until(self.listens)
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(30)

    def join(self) -> None:
        """The council's agent joins the centre, which runs."""
        line = self.beket("centre", "--config", "centre.toml", "join-line", "council")
        self.beket("agent", "--config", "agent.toml", "join", stdin=line)

    def listens(self) -> bool:
        """Whether the repository server takes connections."""
        return _answers(self.repositories_port)

    def lets_agents_in(self) -> bool:
        """Whether both servers that a host needs take connections."""
        return _answers(self.agents_port) and self.listens()

    def log(self) -> str:
        """What the centre has said."""
        return (self.folder / "centre.log").read_text()

    def wait_until(self, is_so: Callable[[], bool], *, within_s: float = 60) -> None:
        """Wait, but not for ever."""
        deadline = time.monotonic() + within_s
        while not is_so():
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.1)


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
