"""A council's documents are copied, proven and seen at the centre, through the `beket` command alone."""

import contextlib
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from beket.testing.process import free_tcp_port
from beket.testing.restic import FIRST_FILE, BackupPlace, make_backup_place

BEKET = [sys.executable, "-m", "beket"]
INVENTORY = """
community: {id: mohyliv, name: Могилів}
sites:
  - {id: council, name: Сільрада, village: Могилів}
"""


class Town:
    """A centre and a council that copies its documents into the centre's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pages_port = free_tcp_port()
        self.place = make_backup_place(folder)
        (folder / "inventory.yaml").write_text(INVENTORY)
        (folder / "centre.toml").write_text(
            f'data = "{folder}/centre"\nkeys = "{folder}/keys"\n[community]\nid = "mohyliv"\nname = "Могилів"\n'
            f'[agents]\nhost = "127.0.0.1"\nport = {free_tcp_port()}\nnames = ["127.0.0.1"]\n'
            f"[pages]\nport = {self.pages_port}\n"
            f'[recordings]\nfolder = "{folder}/video"\nfree_floor_gib = 0\n'
            f'[repositories]\nfolder = "{folder}/repositories"\nlook_every_s = 0.5\n'
        )
        (folder / "agent.toml").write_text(
            f'data = "{folder}/agent"\nsecrets = "{folder}/secrets"\n'
            f'[recordings]\nfolder = "{folder}/edge"\nfree_floor_gib = 0\n'
            f'[backup]\nrepository = "{self.repository.repository}"\n'
            f'password_file = "{self.place.password_file}"\nlook_every_s = 0.5\nrandom_delay_s = 0\n'
            f'[[backup.plans]]\nid = "documents"\nname = "Документи бухгалтерії"\npaths = ["{self.place.source}"]\n'
        )

    @property
    def repository(self) -> BackupPlace:
        """The council's repository, in the centre's folder."""
        return Repositories(self.folder)

    def beket(self, *arguments: str, stdin: str = "", code: int = 0) -> str:
        """Run a command to its end; what it said."""
        done = subprocess.run(
            [*BEKET, *arguments], cwd=self.folder, input=stdin, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == code, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def backup(self, *arguments: str, code: int = 0) -> str:
        """`beket backup …` at the council."""
        return self.beket("backup", "--config", "agent.toml", *arguments, code=code)

    @contextlib.contextmanager
    def running(self, *arguments: str) -> Iterator[None]:
        """A long-lived command, its log beside its configuration."""
        with (self.folder / f"{arguments[0]}.log").open("ab") as log:
            process = subprocess.Popen([*BEKET, *arguments], cwd=self.folder, stderr=log)
            try:
                yield
            finally:
                process.terminate()
                assert process.wait(30) == 0

    def samples(self) -> dict[str, float]:
        """Values of the backup metrics, as Prometheus reads them; the outcome that holds is `outcome:<kind>`."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.pages_port}/metrics", timeout=60) as page:
            families = list(text_string_to_metric_families(page.read().decode()))
        found = [sample for family in families for sample in family.samples if sample.name.startswith("backup_")]
        assert all(sample.labels["site"] == "council" for sample in found)
        outcomes = {f"outcome:{s.labels['reason']}": s.value for s in found if s.name == "backup_last_outcome_ratio"}
        return {s.name: s.value for s in found if "reason" not in s.labels} | outcomes

    def log(self) -> str:
        """What both have logged."""
        return "".join(file.read_text() for file in sorted(self.folder.glob("*.log")))


class Repositories(BackupPlace):
    """The council's repository lies at the centre, under the council's code."""

    @property
    def repository(self) -> Path:
        return self.folder / "repositories" / "council"


@pytest.mark.needs("restic")
def test_documents_of_a_council_are_copied_proven_and_seen_at_the_centre(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.beket("inventory", "--config", "centre.toml", "import", "inventory.yaml", "--yes", "--reason", "перша")
    with town.running("centre", "--config", "centre.toml"):
        _wait_until(lambda: _answers(town), town)
        line = town.beket("centre", "--config", "centre.toml", "join-line", "council")
        town.beket("agent", "--config", "agent.toml", "join", stdin=line)
        assert "копії ще немає" in town.backup("status", code=1)
        assert "Документи бухгалтерії (documents): раз на 24 год; " in town.backup("plan")
        with town.running("agent", "--config", "agent.toml"):
            _wait_until(lambda: "backup_proven_restore_age_seconds" in town.samples(), town)
            _wait_until(lambda: "backup_repository_age_seconds" in town.samples(), town)
            samples = town.samples()
        assert samples["outcome:ok"] == 1
        assert sum(value for name, value in samples.items() if name.startswith("outcome:")) == 1
        assert samples["backup_copied_bytes"] > 300_000
        assert samples["backup_repository_damaged_files"] == 0
        assert max(v for name, v in samples.items() if name.endswith("age_seconds")) < 60
    seen = town.beket("backup", "hosts", "--config", "centre.toml")
    assert "council: копії свіжі" in seen
    assert "Документи бухгалтерії: остання копія — " in seen  # as the agent has told the centre
    status = town.backup("status")
    assert "Документи бухгалтерії: остання копія — " in status
    assert "відновлення перевірено" in status
    assert "Копію від" in town.backup("restore", "--plan", "documents", "--to", "повернуте")
    restored = tmp_path / "повернуте" / str(town.place.source).lstrip("/") / FIRST_FILE
    assert restored.read_text() == "накладна\n"
    assert "порожню теку" in town.backup("restore", "--plan", "documents", "--to", "повернуте", code=64)
    (town.place.source / "нове.txt").write_text("нове")
    assert "Копію зроблено" in town.backup("run", "--drill")
    assert "Відновлення працює" in town.backup("drill", "--act", "акти")
    (page,) = (tmp_path / "акти").glob("*.html")
    assert "ВІДНОВЛЕННЯ ПІДТВЕРДЖЕНО" in page.read_text()
    assert page.with_suffix(".json").exists()
    assert "Сховище ціле" in town.backup("check")
    pack = town.repository.packs()[0]
    content = bytearray(pack.read_bytes())
    content[1000] ^= 1
    pack.write_bytes(content)
    assert "пошкоджене" in town.backup("check", code=65)
    for snapshot in (town.repository.repository / "snapshots").iterdir():
        snapshot.unlink()
    assert "каже, що копія є, але у сховищі її немає" in town.beket("backup", "hosts", "--config", "centre.toml")
    assert town.place.password_file.read_text().strip() not in town.log()


def _answers(town: Town) -> bool:
    try:
        town.samples()
    except OSError:
        return False
    return True


def _wait_until(is_so: Callable[[], bool], town: Town) -> None:
    deadline = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < deadline, town.log()
        time.sleep(0.2)
