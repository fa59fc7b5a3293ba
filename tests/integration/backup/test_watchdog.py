"""A silent restic over a slow line is left to work for as long as it takes; one that stands still is ended."""

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backup.repository.walk import size_of
from backup.restic import commands
from backup.restic.commands import Command, Repository
from backup.restic.life import Stored
from backup.restic.link import POOR, Link
from backup.restic.outcome import OutcomeKind, classify
from backup.restic.run import Ended, Patience, find_restic
from beket.kernel.clock import SystemClock
from beket.kernel.secrets import Secret, write_secret_file
from beket.kernel.units import KIB, MIB
from beket.testing.process import wait_for
from beket.testing.restic import BackupPlace, make_backup_place, plain_repository_server
from beket.testing.tcp_proxy import TcpProxy, tcp_proxy

pytestmark = [pytest.mark.needs("restic", "rclone"), pytest.mark.timeout(300)]

SILENCE_S = 5
LINE_BYTES_PER_S = 300 * KIB
# More than twice the silence that is borne.
SIZE_BYTES = LINE_BYTES_PER_S * SILENCE_S * 5 // 2


@contextlib.contextmanager
def _over_a_slow_line(folder: Path) -> Iterator[tuple[BackupPlace, Repository, TcpProxy]]:
    place = make_backup_place(folder, size_bytes=SIZE_BYTES)
    write_secret_file(place.password_file, Secret("наш"))
    place.bare("init")
    place.bare("backup", place.source)
    with plain_repository_server(place.repository) as port, tcp_proxy(port) as proxy:
        proxy.line.bytes_per_s = LINE_BYTES_PER_S
        address = f"rest:http://127.0.0.1:{proxy.port}/"
        yield place, Repository(address, place.password_file, host="council"), proxy


def _command(what: str, place: BackupPlace, repository: Repository) -> Command:
    if what == "restore":
        return commands.restore(repository, "latest", place.folder / "назад")
    return commands.check(repository, read_data=True)


async def _ended(
    command: Command,
    *,
    stopped_after_bytes: int | None = None,
    proxy: TcpProxy | None = None,
    stored: Stored | None = None,
) -> Ended:
    patience = Patience(silence_s=SILENCE_S, interrupt_s=0.5, terminate_s=0.5)
    restic = await find_restic("restic", clock=SystemClock(), patience=patience)
    running = asyncio.create_task(restic.run(command, stored=stored))
    if stopped_after_bytes is not None:
        assert proxy is not None
        traffic = proxy.traffic
        await asyncio.to_thread(wait_for, lambda: traffic.down_bytes > stopped_after_bytes, within_s=60, what="work")
        for pid in _pids_of(f"127.0.0.1:{proxy.port}/"):
            os.kill(pid, signal.SIGSTOP)
    return await running


@pytest.mark.parametrize("what", ["restore", "check"])
def test_slow_work_that_says_nothing_is_not_ended(tmp_path: Path, what: str) -> None:
    with _over_a_slow_line(tmp_path) as (place, repository, _):
        ended = asyncio.run(_ended(_command(what, place, repository)))
    assert (ended.exit_code, ended.stalled) == (0, False), ended.words
    assert ended.duration_s > 2 * SILENCE_S


def test_copy_whose_packs_are_long_under_way_is_not_ended(tmp_path: Path) -> None:
    with _over_a_slow_line(tmp_path) as (place, repository, proxy):
        # One pack of 4 MiB takes most of the silence, as it does at 8 KiB/s within a quarter of an hour.
        proxy.line.bytes_per_s = 1 * MIB
        (place.source / "нове.bin").write_bytes(random.Random(2).randbytes(SILENCE_S * 5 // 2 * MIB))
        command = commands.backup(replace(repository, link=Link(POOR)), [place.source])
        ended = asyncio.run(_ended(command, stored=lambda: size_of(place.repository)))
    assert (ended.exit_code, ended.stalled) == (0, False), ended.words
    assert ended.duration_s > 2 * SILENCE_S


@pytest.mark.parametrize("what", ["restore", "check"])
def test_work_that_stands_still_is_ended(tmp_path: Path, what: str) -> None:
    with _over_a_slow_line(tmp_path) as (place, repository, proxy):
        command = _command(what, place, repository)
        ended = asyncio.run(_ended(command, stopped_after_bytes=SIZE_BYTES // 10, proxy=proxy))
    assert ended.stalled
    assert classify(ended).kind is OutcomeKind.DEFERRED


def test_line_that_went_silent_ends_a_silent_work_too(tmp_path: Path) -> None:
    with _over_a_slow_line(tmp_path) as (place, repository, proxy):

        async def whole() -> Ended:
            running = asyncio.create_task(_ended(_command("restore", place, repository)))
            await asyncio.to_thread(wait_for, lambda: proxy.traffic.down_bytes > 200_000, within_s=60, what="work")
            proxy.freeze()
            return await running

        ended = asyncio.run(whole())
        proxy.thaw()
    assert ended.stalled
    assert classify(ended).reason.uk.startswith("Лінія до сховища мовчить")


def _pids_of(word: str) -> list[int]:
    """The restic whose arguments hold `word`."""
    found = []
    for cmdline in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = cmdline.read_bytes().split(b"\0")
            if words[0].endswith(b"restic") and any(word.encode() in each for each in words):
                found.append(int(cmdline.parent.name))
    assert found
    return found
