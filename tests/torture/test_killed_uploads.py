"""A first copy of ten minutes, its restic killed every minute or its agent twice: it completes by the third try.

`BEKET_UPLOAD_SCALE` makes time pass so many times quicker (4): a line so much faster, kills so much more often.
"""

import asyncio
import contextlib
import os
import random
import time
from pathlib import Path

import psutil
import pytest

from backup.history import History
from backup.plans import Plan
from backup.repository.walk import size_of
from backup.restic.commands import Repository
from backup.restic.outcome import Outcome, OutcomeKind
from backup.restic.run import find_restic
from backup.runner import Runner, Tools
from beket.kernel.clock import SystemClock
from beket.kernel.ids import SiteId
from beket.kernel.secrets import Secret, write_secret_file
from beket.kernel.units import MIB
from beket.testing.restic import BackupPlace, plain_repository_server
from beket.testing.tcp_proxy import TcpProxy, tcp_proxy

SCALE = float(os.environ.get("BEKET_UPLOAD_SCALE", "4"))
KILL_EVERY_S = 60 / SCALE
FILES, FILE_BYTES = 300, 2 * MIB
LINE_BYTES_PER_S = SCALE * MIB
TRIES = 3


@pytest.mark.torture
@pytest.mark.needs("restic", "rclone")
@pytest.mark.parametrize("agent_dies", [False, True], ids=["restic-killed-each-minute", "agent-dies-twice"])
def test_upload_of_ten_minutes_completes_by_the_third_try(tmp_path: Path, *, agent_dies: bool) -> None:
    place = BackupPlace(tmp_path)
    rng = random.Random(3)
    for number in range(FILES):
        file = place.source / f"{number // 50}" / f"{number:03}.bin"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(rng.randbytes(FILE_BYTES))
    write_secret_file(place.password_file, Secret("torture"))
    place.repository.mkdir()
    place.bare("init")
    with plain_repository_server(place.repository) as port, tcp_proxy(port) as line:
        line.line.bytes_per_s = LINE_BYTES_PER_S
        began_s = time.monotonic()
        tries, kills = asyncio.run(_until_done(place, line, agent_dies=agent_dies))
        took_s = time.monotonic() - began_s
        sent = line.traffic.up_bytes / (FILES * FILE_BYTES)
    print(f"\n{tries} tries, {kills} kills, {took_s:.0f} s at {SCALE:g}x, {sent:.2f} of the data sent")
    assert tries <= TRIES
    assert not place.locks()
    assert "no errors were found" in place.bare("check", "--read-data", within_s=900)


async def _until_done(place: BackupPlace, line: TcpProxy, *, agent_dies: bool) -> tuple[int, int]:
    kills = 0
    for number in range(1, TRIES + 1):
        trying = asyncio.create_task(_try(place, line))
        is_spared = agent_dies and number == TRIES
        while not trying.done():
            await asyncio.wait({trying}, timeout=None if is_spared else KILL_EVERY_S)
            if not trying.done():
                kills += _kill_restic()
                if agent_dies:
                    trying.cancel()
                    break
        with contextlib.suppress(asyncio.CancelledError):
            if (await trying).kind is OutcomeKind.OK:
                return number, kills
    raise AssertionError(f"not done after {TRIES} tries")


async def _try(place: BackupPlace, line: TcpProxy) -> Outcome:
    clock = SystemClock()
    history = History(place.folder / "backup.db")

    async def stored() -> int:
        return await asyncio.to_thread(size_of, place.repository)

    repository = Repository(
        f"rest:http://127.0.0.1:{line.port}/", place.password_file, host="council", cache=place.folder / "cache"
    )
    restic, lock = await find_restic("restic", clock=clock), asyncio.Lock()
    tools = Tools(restic, repository, history, clock, random.Random(1), "boot", lock, ask_stored=stored)
    try:
        return await Runner(tools).run(Plan("documents", "Документи", SiteId("council"), (place.source,)))
    finally:
        history.close()


def _kill_restic() -> int:
    killed = 0
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if process.name() == "restic":
                process.kill()
                killed += 1
    return killed
