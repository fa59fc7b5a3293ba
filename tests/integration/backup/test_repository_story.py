"""A council's documents reach the centre's own server, come back, and are looked after there; through `beket` alone.

The server is rclone; `BEKET_REPOSITORY_SERVER=restic-rest-server` runs the same against Debian 13's.
"""

import os
import re
import signal
from pathlib import Path

import pytest

from beket.testing.restic import FIRST_FILE
from tests.backup_town import Town

pytestmark = [pytest.mark.needs("restic", "rclone"), pytest.mark.timeout(600)]


def test_documents_reach_the_centres_server_and_come_back(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.beket("inventory", "--config", "centre.toml", "import", "inventory.yaml", "--yes", "--reason", "перша")
    with town.centre() as centre:
        town.join()
        assert "Копію зроблено" in town.beket("backup", "--config", "agent.toml", "run")
        (repository,) = (tmp_path / "repositories").iterdir()
        assert repository.name.startswith("council-")
        assert len(list((repository / "snapshots").iterdir())) == 1
        # The centre dies without a word; its server must not stay behind and hold the port.
        os.kill(centre.pid, signal.SIGKILL)
        town.wait_until(lambda: not town.listens())
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
