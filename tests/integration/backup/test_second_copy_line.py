"""A second copy at a neighbour comes through a line that is thin and breaks every few seconds."""

import asyncio
from pathlib import Path

import pytest

from backup.repository import second_copy
from backup.repository.config import RepositoriesConfig, SecondCopyConfig
from backup.repository.keyring import Keyring
from backup.repository.ledger import Ledger
from backup.restic import commands, upkeep_commands
from backup.restic.outcome import OutcomeKind
from backup.restic.run import find_restic
from beket.app.config import CentreConfig
from beket.app.wiring.repository_service import second_place
from beket.kernel.clock import SystemClock
from beket.kernel.secrets import Secret, write_secret_file
from beket.kernel.units import MIB
from beket.testing.restic import make_backup_place, plain_repository_server
from beket.testing.tcp_proxy import tcp_proxy

pytestmark = [pytest.mark.needs("restic", "rclone"), pytest.mark.timeout(300)]

HOST = "council-1a2b3c4d"


def keyring_in(folder: Path) -> Keyring:
    clock, secrets = SystemClock(), folder / "keys"
    secrets.mkdir(mode=0o700)
    restic = asyncio.run(find_restic("restic", clock=clock))
    return Keyring(folder / "repositories", secrets, restic, Ledger(folder / "r.db"), clock, asyncio.Lock())


def config_of(folder: Path, *, rate_kbps: int = 0) -> CentreConfig:
    second = SecondCopyConfig(address_file=folder / "address", rate_kbps=rate_kbps)
    return CentreConfig(keys=folder / "k", data=folder / "d", repositories=RepositoriesConfig(second=second))


def test_second_copy_comes_through_a_line_that_breaks(tmp_path: Path) -> None:
    place, keyring = make_backup_place(tmp_path / "host", size_bytes=16 * MIB), keyring_in(tmp_path)
    (tmp_path / "neighbour").mkdir()

    async def story(port: int) -> None:
        await keyring.make_repository(HOST, "council")
        copied = await keyring.restic.run(commands.backup(keyring.repository(HOST), [place.source]))
        assert copied.exit_code == 0
        write_secret_file(tmp_path / "address", Secret(f"rest:http://127.0.0.1:{port}/"))
        outcome = await second_copy.copy_host(keyring, HOST, second_place(config_of(tmp_path)))
        assert outcome.kind is OutcomeKind.OK, outcome

    with plain_repository_server(tmp_path / "neighbour") as server, tcp_proxy(server) as line:
        line.line.bytes_per_s, line.line.reset_after_s = 2 * MIB, 8
        asyncio.run(story(line.port))
        assert line.traffic.up_bytes < 3 * 16 * MIB  # what was under way when it broke is sent again, not all
    assert len(list((tmp_path / "neighbour" / HOST / "snapshots").iterdir())) == 1
    keyring.ledger.close()


def test_the_line_to_a_neighbour_has_its_limit_and_a_disk_has_none(tmp_path: Path) -> None:
    keyring = keyring_in(tmp_path)
    write_secret_file(tmp_path / "address", Secret("rest:https://a:b@neighbour:8444/a/"))
    first = keyring.repository(HOST)

    def words(rate_kbps: int) -> str:
        second = second_place(config_of(tmp_path, rate_kbps=rate_kbps)).repository(HOST, keyring)
        return " ".join(upkeep_commands.copy(first, second).arguments)

    assert "--pack-size 4 -o rest.connections=1 --json copy" in words(0)
    assert "--pack-size 4 -o rest.connections=1 --limit-upload 122 --json copy" in words(1000)
    disk = second_copy.SecondPlace(folder=tmp_path).repository(HOST, keyring)
    assert "--pack-size" not in upkeep_commands.copy(first, disk).arguments
    keyring.ledger.close()
