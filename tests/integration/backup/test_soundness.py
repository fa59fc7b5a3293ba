"""The weekly check by restic itself: a pack that is gone is found, and told as damage; nobody's lock is touched."""

import asyncio
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backup.repository import soundness
from backup.repository.config import WalkConfig
from backup.repository.freshness import Shelf
from backup.repository.keyring import Keyring
from backup.repository.ledger import Ledger
from backup.repository.overview import HostView, contents_of, views_of
from backup.repository.rounds import walk_on
from backup.repository.walk import SETTLES_S, Fault
from backup.restic import commands
from backup.restic.outcome import OutcomeKind
from backup.restic.run import find_restic
from beket.kernel.clock import NS_PER_S, SimulatedClock, SystemClock
from beket.testing.process import wait_for
from beket.testing.restic import make_backup_place

pytestmark = [pytest.mark.needs("restic"), pytest.mark.timeout(240)]

HOST = "council-1a2b3c4d"
ALWAYS = WalkConfig(from_hour=0, until_hour=0)


@pytest.fixture
def keyring(tmp_path: Path) -> Iterator[Keyring]:
    """A centre's keys to one repository with a copy in it."""
    secrets, place = tmp_path / "keys", make_backup_place(tmp_path / "host", files=3)
    secrets.mkdir(mode=0o700)
    ledger = Ledger(tmp_path / "repositories.db")
    ledger.add_host(HOST, "council", wall_ns=0)  # long ago

    async def made() -> Keyring:
        restic = await find_restic("restic", clock=SystemClock())
        ring = Keyring(tmp_path / "repositories", secrets, restic, ledger, SystemClock(), asyncio.Lock())
        await ring.make_repository(HOST, "council")
        copying = commands.backup(ring.repository(HOST), [place.source])
        assert (await restic.run(copying)).exit_code == 0
        return ring

    yield asyncio.run(made())
    ledger.close()


def check(keyring: Keyring) -> OutcomeKind:
    return asyncio.run(soundness.check(keyring, HOST)).kind


def view(keyring: Keyring) -> HostView:
    wall_ns = keyring.clock.wall_ns()
    (found,) = views_of(
        keyring.ledger, contents_of(keyring.repositories, keyring.ledger, Shelf(), wall_ns=wall_ns), wall_ns=wall_ns
    )
    return found


def walk_all(keyring: Keyring) -> int:
    """How many files of a whole walk are damaged."""
    wall_ns = keyring.clock.wall_ns() + 2 * SETTLES_S * NS_PER_S
    return len(walk_on(keyring.repositories, HOST, keyring.ledger, None, wall_ns=wall_ns).damaged)


def test_pack_that_is_gone_is_found_and_told_until_it_is_back(keyring: Keyring) -> None:
    assert soundness.due_hosts(keyring) == [HOST]
    asyncio.run(soundness.check_in_turn(keyring, ALWAYS))
    assert soundness.due_hosts(keyring) == []
    assert (view(keyring).damaged, view(keyring).troubles) == (0, ())
    repository = keyring.repositories / HOST
    pack = max((repository / "data").glob("*/*"), key=lambda path: path.stat().st_size)
    kept = pack.read_bytes()
    pack.chmod(0o600)
    pack.unlink()
    assert walk_all(keyring) == 0  # without a key nobody sees that it was there
    assert check(keyring) is OutcomeKind.DAMAGED
    (found,) = keyring.ledger.damages()
    assert (found.damage.file, found.damage.fault) == (str(pack.relative_to(repository)), Fault.UNSOUND)
    assert walk_all(keyring) == 0
    assert view(keyring).damaged == 1  # no walk takes it for mended
    assert "пошкоджене" in view(keyring).troubles[0].uk
    pack.write_bytes(kept)
    assert check(keyring) is OutcomeKind.OK
    assert (view(keyring).damaged, view(keyring).troubles) == (0, ())


def test_a_repository_is_first_checked_a_day_after_it_was_made(keyring: Keyring) -> None:
    keyring.ledger.drop_host(HOST)
    keyring.ledger.add_host(HOST, "council", wall_ns=keyring.clock.wall_ns())
    assert soundness.due_hosts(keyring) == []
    tomorrow = SimulatedClock(wall_ns=keyring.clock.wall_ns() + 20 * 3600 * NS_PER_S)
    assert soundness.due_hosts(replace(keyring, clock=tomorrow)) == [HOST]


def test_repository_without_config_and_one_without_index_are_damaged(keyring: Keyring) -> None:
    repository = keyring.repositories / HOST
    config = repository / "config"
    kept = config.read_bytes()
    config.unlink()
    asyncio.run(soundness.check_in_turn(keyring, ALWAYS))
    assert [one.damage.file for one in keyring.ledger.damages()] == ["config"]
    config.write_bytes(kept)
    assert check(keyring) is OutcomeKind.OK
    assert keyring.ledger.damages() == []
    for index in (repository / "index").iterdir():
        index.rename(keyring.secrets / index.name)
    assert check(keyring) is OutcomeKind.DAMAGED
    assert view(keyring).damaged >= 1


def test_lock_of_somebody_at_work_sends_the_check_away_and_stays(keyring: Keyring) -> None:
    repository, locks = keyring.repository(HOST), keyring.repositories / HOST / "locks"
    words = ("--no-cache", "--repo", repository.location, "--password-file", str(repository.password_file))
    copying = [str(keyring.restic.program), *words, "backup", "--quiet", "--stdin"]  # until its input ends
    with subprocess.Popen(copying, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as at_work:
        try:
            wait_for(lambda: held_in(locks) != [], within_s=60, what="its lock")
            held = held_in(locks)
            asyncio.run(soundness.check_in_turn(keyring, ALWAYS))
            assert held_in(locks) == held
            assert "чекає наступної ночі" in view(keyring).troubles[0].uk
            assert soundness.due_hosts(keyring) == []
        finally:
            at_work.kill()
    tomorrow = SimulatedClock(wall_ns=keyring.clock.wall_ns() + 20 * 3600 * NS_PER_S)
    assert soundness.due_hosts(replace(keyring, clock=tomorrow)) == [HOST]


def held_in(locks: Path) -> list[str]:
    """Whole locks; restic writes one under a longer name first."""
    return sorted(path.name for path in locks.iterdir() if len(path.name) == 64)


def test_a_check_begins_in_its_hours_only_and_ends_with_them(keyring: Keyring) -> None:
    noon_ns = 1_700_215_200 * NS_PER_S  # 2023-11-17T12:00+02:00
    at_noon = replace(keyring, clock=SimulatedClock(wall_ns=noon_ns))
    asyncio.run(soundness.check_in_turn(at_noon, WalkConfig(from_hour=1, until_hour=6)))
    assert keyring.ledger.last_works(soundness.CHECK) == {}

    async def morning() -> OutcomeKind:
        over = asyncio.Event()
        over.set()
        return (await soundness.check(keyring, HOST, stop=over)).kind

    assert asyncio.run(morning()) is OutcomeKind.CANCELLED
    assert "не встигла за ніч" in view(keyring).troubles[0].uk
