"""The doctor tells what is wrong with the centre's repositories, and says nothing of what is well."""

from pathlib import Path

from backup.repository.config import RepositoriesConfig, ServiceConfig
from backup.repository.ledger import Ledger
from beket.app.config import CentreConfig
from beket.app.doctor.repositories import examine_repositories
from beket.kernel.clock import SimulatedClock


def test_missing_program_and_a_disk_that_is_away_are_told(tmp_path: Path) -> None:
    service = ServiceConfig(enabled=True, program="no-such-server")
    repositories = RepositoriesConfig(folder=tmp_path / "repositories", service=service)
    config = CentreConfig(data=tmp_path / "data", keys=tmp_path / "keys", repositories=repositories)
    ledger = Ledger(config.data / "repositories.db")
    ledger.add_host("council-1", "council", wall_ns=0)
    ledger.keep_size("council-1", 5, 1, wall_ns=0)
    ledger.close()
    told = [
        f"{finding.subject.uk}: {finding.words.uk}" for finding in examine_repositories(config, clock=SimulatedClock())
    ]
    assert any("Немає сервера сховищ" in one for one in told)
    assert any(one.startswith("council-1: сховища немає на місці") for one in told)


def test_centre_without_repositories_is_well(tmp_path: Path) -> None:
    config = CentreConfig(
        data=tmp_path / "data", keys=tmp_path / "keys", repositories=RepositoriesConfig(folder=tmp_path / "r")
    )
    (finding,) = examine_repositories(config, clock=SimulatedClock())
    assert "сховищ: 0" in finding.words.uk
