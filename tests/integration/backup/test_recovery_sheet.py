"""The paper sheet of a repository: whatever goes wrong at its making, one sheet opens it; a trial does the rest."""

import argparse
import asyncio
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from backup.repository import second_copy
from backup.repository.keyring import Holder, Keyring
from backup.repository.ledger import Ledger
from backup.repository.second_copy import SecondPlace
from backup.restic import upkeep_commands
from backup.restic.outcome import OutcomeKind, classify
from backup.restic.run import find_restic
from beket.app.commands import backup_centre
from beket.kernel.clock import SystemClock
from beket.kernel.secrets import Secret
from beket.testing.process import output_of
from beket.testing.restic import make_backup_place

pytestmark = [pytest.mark.needs("restic"), pytest.mark.timeout(240)]

HOST = "council-1a2b3c4d"


class Centre:
    """A centre's machine with one repository, a copy in it, and a disk for second copies that may be away."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.disk = folder, folder / "disk"
        (folder / "centre.toml").write_text(
            f'data = "{folder}/centre"\nkeys = "{folder}/keys"\n[agents]\nnames = ["127.0.0.1"]\n'
            f'[repositories]\nfolder = "{folder}/repositories"\n[repositories.second]\nfolder = "{self.disk}"\n'
        )
        secrets = folder / "keys" / "repositories"
        secrets.mkdir(mode=0o700, parents=True)
        (folder / "centre").mkdir()
        restic = asyncio.run(find_restic("restic", clock=SystemClock()))
        self.ledger = Ledger(folder / "centre" / "repositories.db")
        self.keyring = Keyring(folder / "repositories", secrets, restic, self.ledger, SystemClock(), asyncio.Lock())

    def escrow(self, *, sheet: str = "") -> int:
        """`beket backup escrow HOST --sheet` or `--try`."""
        file = self.folder / sheet if sheet else None
        words = argparse.Namespace(config=self.folder / "centre.toml", verb="escrow", host=HOST, sheet=file)
        words.try_key = not sheet
        return backup_centre.run(words, agent_default=Path("/nowhere"))

    def key_on(self, sheet: str) -> str:
        """The key as somebody reads it off the paper."""
        return "-".join(re.findall(r"</small>(\w{5})</span>", (self.folder / sheet).read_text()))

    def opens(self, key: str, *, second: bool = False) -> bool:
        """Whether the key on paper opens the repository, or its second copy."""
        printed = Secret(backup_centre.read_recovery_key(key).reveal())

        async def ask() -> bool:
            async with self.keyring.opened_by(HOST, printed) as first:
                location = str(self.disk / HOST) if second else first.location
                asked = upkeep_commands.all_snapshots(_at(first, location))
                return classify(await self.keyring.restic.run(asked)).kind is OutcomeKind.OK

        return asyncio.run(ask())


def _at(repository: upkeep_commands.Repository, location: str) -> upkeep_commands.Repository:
    return upkeep_commands.Repository(location, repository.password_file, repository.host)


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Centre]:
    made, place = Centre(tmp_path), make_backup_place(tmp_path / "host", files=1)
    asyncio.run(made.keyring.make_repository(HOST, "council"))
    bare = ("restic", "--no-cache", "--password-file", made.keyring.password_file(HOST), "--repo")
    output_of(*bare, tmp_path / "repositories" / HOST, "backup", "--host", HOST, place.source)
    yield made
    made.ledger.close()


def test_sheet_that_is_made_while_the_second_disk_is_away_is_good_and_its_trial_opens_the_disk(
    centre: Centre, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert centre.escrow(sheet="перший.html") == 0
    assert centre.escrow(sheet="другий.html") == 0
    told = capsys.readouterr()
    assert "другої копії ще не відкриває" in told.out + told.err
    assert not centre.opens(centre.key_on("перший.html"))
    key = centre.key_on("другий.html")
    assert centre.opens(key)
    centre.disk.mkdir()
    place = SecondPlace(folder=centre.disk)
    place.prepare()
    assert asyncio.run(second_copy.copy_host(centre.keyring, HOST, place)).kind is OutcomeKind.OK
    assert not centre.opens(key, second=True)
    for _ in range(2):  # the second trial finds it done
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{key}\n"))
        assert centre.escrow() == 0
    assert centre.opens(key, second=True)
    assert len(list((centre.disk / HOST / "keys").iterdir())) == 2
    told = capsys.readouterr()
    assert "відкриває й другу копію" in told.out + told.err


@pytest.mark.parametrize("is_known", [False, True], ids=["before the new key", "after the new key"])
def test_sheet_stays_exactly_when_its_key_has_come_to_be(
    centre: Centre, monkeypatch: pytest.MonkeyPatch, *, is_known: bool
) -> None:
    """Somebody presses Ctrl-C while the keys change."""
    assert centre.escrow(sheet="перший.html") == 0
    replace_key = Keyring.replace_key

    async def broken_off(keyring: Keyring, host: str, holder: Holder, password: Secret) -> bool:
        if is_known:
            await replace_key(keyring, host, holder, password)
        raise KeyboardInterrupt

    monkeypatch.setattr(Keyring, "replace_key", broken_off)
    with pytest.raises(KeyboardInterrupt):
        centre.escrow(sheet="другий.html")
    assert (centre.folder / "другий.html").exists() is is_known
    assert centre.opens(centre.key_on("другий.html" if is_known else "перший.html"))
