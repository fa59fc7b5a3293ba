"""A large first copy over a real server: parts that finish, a copy that goes on where it broke, two measures of it."""

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import psutil
import pytest

from backup import in_parts, progress
from backup.history import History
from backup.parts import is_part
from backup.plans import Plan
from backup.progress import Advance
from backup.repository.forgetting import Guard, decide
from backup.repository.upkeep import arrivals_in
from backup.repository.walk import size_of
from backup.restic import upkeep_commands
from backup.restic.commands import Repository
from backup.restic.events import Snapshot, parse_snapshots
from backup.restic.link import MEASURED_BYTES_MIN
from backup.restic.outcome import OutcomeKind
from backup.restic.run import find_restic
from backup.runner import Runner, Tools
from beket.kernel.clock import SystemClock
from beket.kernel.ids import SiteId
from beket.kernel.secrets import Secret, write_secret_file
from beket.kernel.units import MIB
from beket.testing.restic import BackupPlace, plain_repository_server
from beket.testing.tcp_proxy import TcpProxy, tcp_proxy

pytestmark = [pytest.mark.needs("restic", "rclone"), pytest.mark.timeout(300)]

T = TypeVar("T")
FILES, FILE_BYTES = 40, 500_000
TOTAL_BYTES = FILES * FILE_BYTES
PART_BYTES = 4 * MIB
FILES_A_PART = PART_BYTES // FILE_BYTES
PLAN_ID = "documents"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BackupPlace:
    place = BackupPlace(tmp_path)
    (place.source / "тека").mkdir(parents=True)
    rng = random.Random(3)
    for number in range(FILES):
        (place.source / "тека" / f"{number:02}.bin").write_bytes(rng.randbytes(FILE_BYTES))
    write_secret_file(place.password_file, Secret("test"))
    place.repository.mkdir()
    place.bare("init")
    # Parts of a second where a village has minutes.
    monkeypatch.setattr(in_parts, "FIRST_PART_BYTES", PART_BYTES)
    monkeypatch.setattr(in_parts, "PART_BYTES_MAX", PART_BYTES)
    monkeypatch.setattr(progress, "ASK_EVERY_S", 0.2)
    return place


@pytest.fixture
def line(place: BackupPlace) -> Iterator[TcpProxy]:
    with plain_repository_server(place.repository) as port, tcp_proxy(port) as proxy:
        yield proxy


def _with_tools(place: BackupPlace, line: TcpProxy, work: Callable[[Tools], Awaitable[T]]) -> T:
    async def whole() -> T:
        clock = SystemClock()
        restic = await find_restic("restic", clock=clock)
        history = History(place.folder / "backup.db")
        repository = Repository(f"rest:http://127.0.0.1:{line.port}/", place.password_file, host="council")

        async def stored() -> int:
            return await asyncio.to_thread(size_of, place.repository)

        lock = asyncio.Lock()
        tools = Tools(restic, repository, history, clock, random.Random(1), "boot", lock, ask_stored=stored)
        try:
            return await work(tools)
        finally:
            history.close()

    return asyncio.run(whole())


def _plan(place: BackupPlace) -> Plan:
    return Plan(PLAN_ID, "Документи", SiteId("council"), (place.source,))


def _snapshots(place: BackupPlace, line: TcpProxy) -> tuple[Snapshot, ...]:
    async def ask(tools: Tools) -> tuple[Snapshot, ...]:
        ended = await tools.restic.run(upkeep_commands.all_snapshots(tools.repository))
        return parse_snapshots(ended.output)

    return _with_tools(place, line, ask)


async def _killed_after_parts(tools: Tools, place: BackupPlace, parts: int) -> int:
    """The power goes when so many more parts are stored: how many paths are remembered as stored then."""
    before = len(tools.history.stored_parts(PLAN_ID))
    running = asyncio.create_task(Runner(tools).run(_plan(place)))
    while len(await asyncio.to_thread(tools.history.stored_parts, PLAN_ID)) < before + parts * FILES_A_PART:
        await asyncio.sleep(0.02)
        assert not running.done()
    _kill_restic()
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    return len(tools.history.stored_parts(PLAN_ID))


def _kill_restic() -> None:
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if process.name() == "restic":
                os.kill(process.pid, signal.SIGKILL)


def test_first_copy_that_is_killed_again_and_again_sends_nothing_twice_that_a_part_holds(
    place: BackupPlace, line: TcpProxy
) -> None:
    first = _with_tools(place, line, lambda tools: _killed_after_parts(tools, place, 2))
    second = _with_tools(place, line, lambda tools: _killed_after_parts(tools, place, 1))
    assert 0 < first < second < FILES
    outcome = _with_tools(place, line, lambda tools: Runner(tools).run(_plan(place)))
    assert outcome.kind is OutcomeKind.OK, outcome
    # Each break costs at most the part under way and the packs beside it; nothing begins anew.
    assert line.traffic.up_bytes < TOTAL_BYTES + 3 * (PART_BYTES + MIB)
    assert not place.locks()
    assert _with_tools(place, line, _remembered) == []


async def _remembered(tools: Tools) -> list[str]:
    return tools.history.stored_parts(PLAN_ID)


def test_parts_are_no_copies_and_are_forgotten_once_there_is_one(place: BackupPlace, line: TcpProxy) -> None:
    _with_tools(place, line, lambda tools: _killed_after_parts(tools, place, 2))
    parts = _snapshots(place, line)
    assert parts
    assert all(is_part(one.tags) for one in parts)
    assert _with_tools(place, line, lambda tools: Runner(tools).run(_plan(place))).kind is OutcomeKind.OK
    found = _snapshots(place, line)
    (whole,) = [one for one in found if not is_part(one.tags)]
    clock = SystemClock()
    decision = decide(found, arrivals_in(place.repository), set(), Guard(7, 14), wall_ns=clock.wall_ns())
    assert set(decision.remove) == {one.id for one in found if one.id != whole.id}
    # Forgetting the parts takes nothing from the copy.
    place.bare("forget", *decision.remove, "--prune")
    assert "no errors were found" in place.bare("check", "--read-data")
    place.bare("restore", whole.id, "--target", place.folder / "назад")
    restored = (place.folder / "назад").joinpath(*(place.source / "тека").parts[1:])
    assert len(list(restored.iterdir())) == FILES


def test_what_is_read_and_what_is_stored_are_two_measures_and_the_line_is_measured_by_them(
    place: BackupPlace, line: TcpProxy
) -> None:
    seen: list[Advance] = []
    line.line.bytes_per_s = 4 * MIB

    async def work(tools: Tools) -> float:
        outcome = await Runner(tools).run(_plan(place), on_advance=seen.append)
        assert outcome.kind is OutcomeKind.OK
        (carried,) = tools.history.carried()
        assert TOTAL_BYTES < carried.size_bytes < 1.1 * TOTAL_BYTES
        return carried.bytes_per_s

    assert TOTAL_BYTES > MEASURED_BYTES_MIN
    assert _with_tools(place, line, work) <= 4 * MIB
    told = [one for one in seen if one.stored_ratio is not None]
    assert max(one.stored_ratio or 0 for one in told) > 0.5
    assert max(one.read_ratio for one in told) > 0.5
    stored = [one.stored_bytes for one in told if one.stored_bytes is not None]
    assert stored == sorted(stored)
    assert "у сховищі" in told[-1].words().uk


def test_line_that_resets_every_connection_is_no_reason_to_fail(place: BackupPlace, line: TcpProxy) -> None:
    line.line.bytes_per_s, line.line.reset_after_s = 4 * MIB, 3
    outcome = _with_tools(place, line, lambda tools: Runner(tools).run(_plan(place)))
    assert outcome.kind is OutcomeKind.OK, outcome
