"""The repository server and restic are killed in the middle of copies, again and again: what is there stays whole.

`BEKET_KILLS` sets how many (100). `BEKET_REPOSITORY_SERVER=restic-rest-server` kills Debian 13's server instead.
"""

import asyncio
import contextlib
import os
import random
import time
from pathlib import Path

import psutil
import pytest

from backup.repository import server
from backup.repository.keyring import Keyring
from backup.repository.ledger import Ledger
from backup.repository.remote import RemotePlace
from backup.repository.server import Serving, find_program
from backup.repository.service import Service
from backup.repository.walk import SETTLES_S, walk
from backup.restic import commands, upkeep_commands
from backup.restic.commands import Repository
from backup.restic.outcome import OutcomeKind, classify
from backup.restic.run import find_restic
from beket.access import tls
from beket.kernel.clock import NS_PER_S, SystemClock
from beket.kernel.ids import AgentId, SiteId
from beket.kernel.supervise import Backoff, keep_running
from beket.testing.process import free_tcp_port, output_of
from beket.testing.restic import make_backup_place

SERVER = os.environ.get("BEKET_REPOSITORY_SERVER", "rclone")
KILLS = int(os.environ.get("BEKET_KILLS", "100"))
HOST = AgentId("council-1a2b3c4d")
FRESH_BYTES = 20_000_000


@pytest.mark.torture
@pytest.mark.needs("restic", "rclone")
def test_killed_server_and_killed_restic_leave_a_whole_repository(tmp_path: Path) -> None:
    place = make_backup_place(tmp_path / "host")
    rng = random.Random(20261127)

    async def story() -> None:
        clock, port = SystemClock(), free_tcp_port()
        certificate, key, _ = tls.server_files(tmp_path / "keys", ["127.0.0.1"])
        ledger = Ledger(tmp_path / "repositories.db")
        restic = await find_restic("restic", clock=clock)
        (tmp_path / "keys" / "r").mkdir(mode=0o700)
        keyring = Keyring(tmp_path / "repositories", tmp_path / "keys" / "r", restic, ledger, clock, asyncio.Lock())
        service = Service(keyring, tmp_path / "keys" / "r" / "accounts", certificate, port, lambda _: None)
        keyring.repositories.mkdir()
        service.write_accounts()
        serving = Serving(keyring.repositories, "127.0.0.1", port, service.accounts_file, certificate, key)
        program = find_program(SERVER)
        backoff = Backoff(steps_s=(0.2,), jitter_ratio=0)
        at_work = asyncio.create_task(
            keep_running(
                "server", lambda: server.serve(program, serving, clock=clock), clock=clock, rng=rng, backoff=backoff
            )
        )
        way_in = RemotePlace(tmp_path / "way-in", "127.0.0.1")
        way_in.save(await service.admit(HOST, SiteId("council"), needs_key=True))
        repository = way_in.repository()
        assert repository is not None
        unfinished = 0
        whole_s = await _time_of_a_copy(keyring, repository, place.source)
        for number in range(KILLS):
            (place.source / "змінне.bin").write_bytes(rng.randbytes(FRESH_BYTES))
            copying = asyncio.create_task(restic.run(commands.backup(repository, [place.source])))
            await asyncio.sleep(whole_s * rng.uniform(0.2, 1))
            unfinished += not copying.done()
            _kill(SERVER if number % 2 else "restic")
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(asyncio.shield(copying), 20)
            _kill("restic")
            await copying
            assert await _copied(keyring, repository, place.source), f"after kill {number}"
        assert unfinished > KILLS / 4  # the kills did hit copies under way
        await _assert_whole(keyring)
        at_work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await at_work
        ledger.close()

    asyncio.run(story())


async def _time_of_a_copy(keyring: Keyring, repository: Repository, source: Path) -> float:
    (source / "змінне.bin").write_bytes(os.urandom(FRESH_BYTES))
    began_s = time.monotonic()
    assert await _copied(keyring, repository, source)
    return time.monotonic() - began_s


async def _copied(keyring: Keyring, repository: Repository, source: Path) -> bool:
    """The next copy comes through, once the server is back and a dead process's lock is removed."""
    for _ in range(5):
        ended = await keyring.restic.run(commands.backup(repository, [source]))
        if ended.summary:
            return True
        if classify(ended).kind is OutcomeKind.LOCKED:
            await keyring.restic.run(commands.unlock(repository))
        await asyncio.sleep(0.5)
    return False


async def _assert_whole(keyring: Keyring) -> None:
    repository = keyring.repository(HOST)
    bare = ("restic", "--no-cache", "--repo", repository.location, "--password-file", repository.password_file)
    output_of(*bare, "unlock", within_s=120)
    assert "no errors were found" in output_of(*bare, "check", "--read-data", within_s=600)
    # What kills tore on its way in is referred to by nothing: prune takes it, and nothing but whole files is left.
    pruned = classify(await keyring.restic.run(upkeep_commands.prune(repository, repack_bytes=10**12)))
    assert pruned.kind is OutcomeKind.OK, pruned
    damaged, last = [], ""
    while not damaged:
        part = walk(Path(repository.location), last, wall_ns=time.time_ns() + 2 * SETTLES_S * NS_PER_S)
        damaged += part.damaged
        last = part.last
        if not last:
            break
    assert damaged == []


def _kill(name: str) -> None:
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if process.name() == name[:15]:
                process.kill()
