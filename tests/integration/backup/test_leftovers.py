"""What a killed centre left half-way is cleared away: a half-made repository, a key nobody was given, a dead lock."""

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from backup.repository import dead_locks, leftovers, second_copy
from backup.repository.keyring import Holder, Keyring, WorkFailed
from backup.repository.ledger import Ledger
from backup.repository.place import ensure
from backup.repository.second_copy import SecondPlace
from backup.repository.server import bound_to
from backup.restic import commands, upkeep_commands
from backup.restic.outcome import OutcomeKind, classify
from backup.restic.run import find_restic
from beket.kernel.clock import SimulatedClock, SystemClock
from beket.kernel.secrets import Secret, write_secret_file
from beket.testing.process import wait_for
from beket.testing.restic import make_backup_place

pytestmark = [pytest.mark.needs("restic"), pytest.mark.timeout(240)]

HOST = "council-1a2b3c4d"
LONG_AGO_S = 86_400


@contextlib.asynccontextmanager
async def keys_of(folder: Path) -> AsyncIterator[Keyring]:
    clock, secrets = SystemClock(), folder / "keys"
    secrets.mkdir(mode=0o700, exist_ok=True)
    ledger = Ledger(folder / "repositories.db")
    restic = await find_restic("restic", clock=clock)
    try:
        yield Keyring(folder / "repositories", secrets, restic, ledger, clock, asyncio.Lock())
    finally:
        ledger.close()


def test_repository_whose_making_was_broken_off_is_made_anew_and_opens(tmp_path: Path) -> None:
    async def story() -> None:
        async with keys_of(tmp_path) as keyring:
            for _ in range(3):  # over a left key, 0.14 would make one that opens in half of all cases
                await keyring.make_repository(HOST, "council")
                (keyring.repositories / HOST / "config").unlink()
            await keyring.make_repository(HOST, "council")
            assert len(keyring.keys_in(HOST)) == 1
            asked = await keyring.restic.run(upkeep_commands.all_snapshots(keyring.repository(HOST)))
            assert classify(asked).kind is OutcomeKind.OK

    asyncio.run(story())


def test_repository_that_lost_its_config_is_damaged_and_never_made_anew(tmp_path: Path) -> None:
    place, disk = make_backup_place(tmp_path / "host", files=1), tmp_path / "disk"

    async def story() -> None:
        async with keys_of(tmp_path) as keyring:
            await keyring.make_repository(HOST, "council")
            first, second = keyring.repository(HOST), SecondPlace(folder=disk)
            assert (await keyring.restic.run(commands.backup(first, [place.source]))).exit_code == 0
            disk.mkdir()
            second.prepare()
            assert (await second_copy.copy_host(keyring, HOST, second)).kind is OutcomeKind.OK
            for repository in (disk / HOST, keyring.repositories / HOST):
                config, keys = repository / "config", sorted((repository / "keys").iterdir())
                kept = config.read_bytes()
                config.unlink()
                if repository.parent == disk:
                    outcome = await second_copy.copy_host(keyring, HOST, second, is_new_place=True)
                else:
                    with pytest.raises(WorkFailed, match="config is gone") as failed:
                        await keyring.make_repository(HOST, "council")
                    outcome = failed.value.outcome
                    at_host = await ensure(keyring.restic, first, is_first_use=True)
                    assert at_host == outcome
                assert outcome.kind is OutcomeKind.DAMAGED
                assert "зник файл config" in outcome.reason.uk
                assert sorted((repository / "keys").iterdir()) == keys
                config.write_bytes(kept)  # saved from the disk: all is as it was
                asked = upkeep_commands.all_snapshots(replace(first, location=str(repository)))
                assert classify(await keyring.restic.run(asked)).kind is OutcomeKind.OK

    asyncio.run(story())


def test_key_that_nobody_was_given_goes_and_the_known_ones_stay(tmp_path: Path) -> None:
    async def story() -> None:
        async with keys_of(tmp_path) as keyring:
            await keyring.make_repository(HOST, "council")
            await keyring.replace_key(HOST, Holder.HOST, Secret("свій"))
            known = keyring.keys_in(HOST)
            noted = await _broken_off(keyring, "свій")
            given_to_nobody = await _broken_off(keyring, "нічий", adds=True)
            never_came_to_be = await _broken_off(keyring, "не встиг")
            at_work = await _broken_off(keyring, "ще діє", aged=False)
            assert len(keyring.keys_in(HOST)) == 3
            await leftovers.clear_broken_off(keyring)
            assert keyring.keys_in(HOST) == known
            assert not any(folder.exists() for folder in (noted, given_to_nobody, never_came_to_be))
            assert at_work.exists()

    asyncio.run(story())


async def _broken_off(keyring: Keyring, password: str, *, adds: bool = False, aged: bool = True) -> Path:
    """The folder of a making that was killed; `adds`: after restic had added the key."""
    folder = keyring.secrets / f".new-{password}"
    folder.mkdir(mode=0o700)
    (folder / "host").write_text(HOST)
    write_secret_file(folder / "password", Secret(password))
    if adds:
        adding = upkeep_commands.add_key(keyring.repository(HOST), folder / "password")
        assert classify(await keyring.restic.run(adding)).kind is OutcomeKind.OK
    if aged:
        _age(folder)
    return folder


def test_lock_of_a_dead_process_goes_and_one_of_the_living_stays(tmp_path: Path) -> None:
    async def story() -> None:
        async with keys_of(tmp_path) as keyring:
            await keyring.make_repository(HOST, "council")
            repository = keyring.repository(HOST)
            argv = [str(keyring.restic.program), *commands.check(repository, read_data=True).arguments]
            locks = Path(repository.location) / "locks"
            with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
                await asyncio.to_thread(wait_for, lambda: len(_whole(locks)) == 1, within_s=60, what="its lock")
                process.send_signal(signal.SIGSTOP)
                await dead_locks.clear_all_own(keyring)
                assert len(_whole(locks)) == 1
                process.kill()
            await dead_locks.clear_all_own(keyring)
            assert _whole(locks) == []

    asyncio.run(story())


def test_copy_of_a_host_whose_clock_is_a_day_slow_keeps_its_lock_and_what_lies_for_half_an_hour_goes(
    tmp_path: Path,
) -> None:
    async def story() -> None:
        async with keys_of(tmp_path) as keyring:
            await keyring.make_repository(HOST, "council")
            clock = SimulatedClock()
            watch = dead_locks.LockWatch(replace(keyring, clock=clock))
            locks = keyring.repositories / HOST / "locks"
            for number in range(20):  # a living restic makes its lock anew, each time under another name
                (locks / f"{number:064x}").write_bytes(b"of another machine, encrypted")
                _age(locks / f"{number:064x}")
                (locks / f"{number - 1:064x}").unlink(missing_ok=True)
                await watch.look()
                await dead_locks.clear_all_own(keyring)
                assert len(_whole(locks)) == 1
                clock.pass_time(300)
            clock.step_wall(365 * 86_400)  # nor does a leap of our own clock count
            await watch.look()
            assert len(_whole(locks)) == 1
            clock.pass_time(dead_locks.DEAD_AFTER_S)
            await watch.look()
            assert _whole(locks) == []

    asyncio.run(story())


def _age(path: Path) -> None:
    os.utime(path, (time.time() - LONG_AGO_S,) * 2)


def _whole(locks: Path) -> list[Path]:
    return [path for path in locks.iterdir() if len(path.name) == 64]


def test_server_whose_centre_died_before_it_began_does_not_begin() -> None:
    nobody = subprocess.run(bound_to(1, ["sleep", "60"]), check=False, timeout=30)
    assert nobody.returncode == 1
    ours = subprocess.Popen(bound_to(os.getpid(), ["sleep", "60"]))
    try:
        comm = Path(f"/proc/{ours.pid}/comm")
        wait_for(lambda: comm.read_text() == "sleep\n", within_s=30, what="the program")
    finally:
        ours.kill()
        ours.wait()
