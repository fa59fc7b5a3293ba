"""The centre's own work on a real repository: old snapshots go as shown, space is freed, a second copy is proven."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest

from backup.escrow.recovery_key import new_recovery_key
from backup.repository import second_copy, upkeep
from backup.repository.config import KeepConfig
from backup.repository.keyring import Keyring
from backup.repository.ledger import Ledger
from backup.repository.second_copy import SecondPlace
from backup.repository.walk import SETTLES_S, size_of
from backup.restic import commands
from backup.restic.outcome import OutcomeKind
from backup.restic.run import find_restic
from beket.kernel.clock import NS_PER_S, SystemClock
from beket.testing.process import output_of
from beket.testing.restic import FIRST_FILE, make_backup_place

pytestmark = [pytest.mark.needs("restic"), pytest.mark.timeout(120)]

HOST = "council-1a2b3c4d"
KEEP = KeepConfig(floor=3)


async def keyring_in(folder: Path) -> Keyring:
    clock, secrets = SystemClock(), folder / "keys"
    secrets.mkdir(mode=0o700)
    restic = await find_restic("restic", clock=clock)
    return Keyring(folder / "repositories", secrets, restic, Ledger(folder / "r.db"), clock, asyncio.Lock())


def test_what_was_shown_is_forgotten_and_its_space_freed(tmp_path: Path) -> None:
    place = make_backup_place(tmp_path / "host")

    async def story() -> None:
        keyring = await keyring_in(tmp_path)
        await keyring.make_repository(HOST, "council")
        repository = tmp_path / "repositories" / HOST
        bare = ("restic", "--no-cache", "--repo", repository, "--password-file", keyring.password_file(HOST))
        before: set[str] = set()
        for year, month in ((2019, 1), (2019, 2), (2020, 3), (2025, 4), (2026, 1)):
            (place.source / "змінне.bin").write_bytes(os.urandom(300_000))
            stamp = f"{year}-{month:02d}-03 04:05:06"
            output_of(*bare, "backup", "--host", HOST, "--time", stamp, place.source)
            (made,) = {path.name for path in (repository / "snapshots").iterdir()} - before
            moment_s = (year - 1970) * 31_556_952 + month * 2_629_746
            os.utime(repository / "snapshots" / made, (moment_s, moment_s))
            before.add(made)
        assert upkeep.due_hosts(keyring) == [HOST]
        decision, snapshots = await upkeep.what_would_go(keyring, HOST, KEEP)
        assert decision.refusal is None
        forgotten = sorted(one.time[:7] for one in snapshots if one.id in decision.remove)
        assert forgotten == ["2019-01", "2019-02"]
        size_bytes = size_of(repository)
        assert (await upkeep.forget(keyring, HOST, decision.remove)).kind is OutcomeKind.OK
        assert {path.name for path in (repository / "snapshots").iterdir()} == before - set(decision.remove)
        assert size_of(repository) < size_bytes - 500_000
        assert "no errors were found" in output_of(*bare, "check", "--read-data")
        assert keyring.ledger.last_works("prune")[HOST].outcome == "ok"
        assert upkeep.due_hosts(keyring) == []
        keyring.password_file(HOST).write_text("another")
        assert (await upkeep.forget_by_rule(keyring, HOST, KEEP)).kind is OutcomeKind.AUTH
        assert keyring.ledger.last_works("forget")[HOST].outcome == "auth"
        keyring.ledger.close()

    asyncio.run(story())


def test_copies_of_a_plan_that_names_other_files_each_time_go_by_rule_too(tmp_path: Path) -> None:
    """Held footage: each copy holds what was held that day, and none is kept for being the last of its kind."""

    async def story() -> None:
        keyring = await keyring_in(tmp_path)
        await keyring.make_repository(HOST, "council")
        repository = tmp_path / "repositories" / HOST
        bare = ("restic", "--no-cache", "--repo", repository, "--password-file", keyring.password_file(HOST))
        names: dict[str, str] = {}
        for number, month in enumerate(("2019-01", "2019-02", "2019-03", "2025-04", "2025-09", "2026-01", "2026-02")):
            segment = tmp_path / f"{number}.mp4"
            segment.write_bytes(os.urandom(1000))
            output_of(*bare, "backup", "--host", HOST, "--tag", "plan:held", "--time", f"{month}-03 04:05:06", segment)
            (made,) = {path.name for path in (repository / "snapshots").iterdir()} - set(names)
            names[made] = month
            os.utime(repository / "snapshots" / made, (1_775_000_000 + number, 1_775_000_000 + number))
        decision, _ = await upkeep.what_would_go(keyring, HOST, KEEP)
        assert decision.refusal is None
        assert [names[one] for one in decision.remove] == ["2019-01", "2019-02", "2019-03"]
        keyring.ledger.close()

    asyncio.run(story())


def test_second_copy_on_a_disk_is_proven_and_opens_with_the_key_on_paper(tmp_path: Path) -> None:
    place = make_backup_place(tmp_path / "host", files=1)
    disk = tmp_path / "disk"

    async def story() -> None:
        keyring = await keyring_in(tmp_path)
        await keyring.make_repository(HOST, "council")
        bare = ("restic", "--no-cache", "--password-file", keyring.password_file(HOST), "--repo")
        output_of(*bare, tmp_path / "repositories" / HOST, "backup", "--host", HOST, place.source)
        second = SecondPlace(folder=disk)
        absent = await second_copy.copy_host(keyring, HOST, second)
        assert absent.kind is OutcomeKind.MISSING
        disk.mkdir()  # the place where the disk would be: still no disk
        assert (await second_copy.copy_host(keyring, HOST, second)).kind is OutcomeKind.MISSING
        assert list(disk.iterdir()) == []
        second.prepare()
        outcome = await second_copy.copy_host(keyring, HOST, second)
        assert outcome.kind is OutcomeKind.OK, outcome
        printed = new_recovery_key()
        await keyring.add_key_to(second.repository(HOST, keyring), printed)
        (tmp_path / "typed").write_text(printed.reveal())
        target = tmp_path / "back"
        with_paper = ("restic", "--no-cache", "--repo", disk / HOST, "--password-file", tmp_path / "typed")
        output_of(*with_paper, "restore", "latest", "--target", target)
        restored = target / str(place.source).lstrip("/") / FIRST_FILE
        assert restored.read_text() == "накладна\n"
        assert second_copy.due_hosts(keyring, 24) == []
        later_ns = keyring.clock.wall_ns() + 2 * SETTLES_S * NS_PER_S
        assert list(second_copy.damage_on(disk, wall_ns=later_ns)) == []
        pack = next((disk / HOST / "data").glob("*/*"))
        pack.chmod(0o600)
        pack.write_bytes(pack.read_bytes()[:-1])
        assert [host for host, _ in second_copy.damage_on(disk, wall_ns=later_ns)] == [HOST]
        keyring.ledger.close()

    asyncio.run(story())


def test_second_copy_is_not_called_the_same_when_the_first_cannot_be_listed(tmp_path: Path) -> None:
    place, disk = make_backup_place(tmp_path / "host", files=1), tmp_path / "disk"
    disk.mkdir()
    broken = tmp_path / "restic"
    broken.write_text(
        f"#!/bin/sh\nfor word; do\n  [ $word = snapshots ] && [ -e {tmp_path}/breaks ] && exit 1\n"
        'done\nexec restic "$@"\n'
    )
    broken.chmod(0o755)

    async def story() -> None:
        keyring = await keyring_in(tmp_path)
        keyring = replace(keyring, restic=await find_restic(str(broken), clock=keyring.clock))
        await keyring.make_repository(HOST, "council")
        await keyring.restic.run(commands.backup(keyring.repository(HOST), [place.source]))
        second = SecondPlace(folder=disk)
        second.prepare()
        (tmp_path / "breaks").touch()
        assert (await second_copy.copy_host(keyring, HOST, second)).kind is OutcomeKind.FAILED
        (tmp_path / "breaks").unlink()
        assert (await second_copy.copy_host(keyring, HOST, second)).kind is OutcomeKind.OK
        keyring.ledger.close()

    asyncio.run(story())
