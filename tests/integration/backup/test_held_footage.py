"""Held footage as a source of copies: what a hold covers is copied and comes back, what it does not stays out."""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from backup.config import BackupConfig, PlanConfig
from backup.history import History
from backup.restic import commands
from backup.restic.commands import Repository
from backup.restic.outcome import OutcomeKind
from backup.restic.run import find_restic
from backup.runner import Runner, Tools
from beket.app.wiring.backup import plans_of
from beket.app.wiring.held_footage import PATHS_MAX_CHARS, held_files
from beket.kernel.clock import SystemClock
from beket.kernel.ids import CameraId, SiteId
from beket.kernel.secrets import Secret, write_secret_file
from beket.kernel.units import TICKS_PER_S
from vms.recordings.hold_files import FOLDER, KeptHolds, KeptSpan, encoded
from vms.recordings.layout import SegmentKey

pytestmark = [pytest.mark.needs("restic"), pytest.mark.timeout(300)]

SEGMENT_S = 20
# 22:00 UTC, so that the held time can cross an hour.
HOUR_90K = 1_700_000_000 // 3600 * 3600 * TICKS_PER_S


def at(seconds: float) -> int:
    return HOUR_90K + round(seconds * TICKS_PER_S)


def record(disk: Path, camera: str, *, first_s: int, count: int) -> list[Path]:
    """Segments of 20 s, one after the other."""
    made = []
    for number in range(count):
        key = SegmentKey(CameraId(camera), at(first_s + number * SEGMENT_S), number)
        file = disk / key.file_name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(random.Random(f"{camera} {number}").randbytes(3000))
        made.append(file)
    return made


def hold(disk: Path, *spans: KeptSpan, version: int = 1) -> None:
    (disk / FOLDER).mkdir(parents=True, exist_ok=True)
    (disk / FOLDER / f"{version}.json").write_bytes(encoded(KeptHolds(version=version, held=spans)))


def span(camera: str, from_s: float, until_s: float, released_until_s: int | None = None) -> KeptSpan:
    return KeptSpan(camera=camera, hold=1, start_90k=at(from_s), end_90k=at(until_s), until_s=released_until_s)


def test_segments_that_a_hold_touches_are_held_across_hours_and_disks(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    street, more = record(first, "street", first_s=-100, count=10), record(second, "street", first_s=100, count=3)
    record(first, "yard", first_s=-100, count=10)
    for disk in (first, second):
        hold(disk, span("street", -70, 110))
    found = held_files([first, second], now_s=0)
    # -80..-60 reaches into the span; the last that begins before 110 s lies on the other disk.
    assert found.files == (*street[1:], more[0])
    assert found.lacking == ()


def test_what_was_released_is_held_until_its_days_of_grace_end(tmp_path: Path) -> None:
    files = record(tmp_path, "street", first_s=0, count=1)
    hold(tmp_path, span("street", 0, 10, released_until_s=1000))
    assert held_files([tmp_path], now_s=999).files == tuple(files)
    assert held_files([tmp_path], now_s=1000).files == ()


def test_the_newest_version_counts_and_no_holds_are_none(tmp_path: Path) -> None:
    record(tmp_path, "street", first_s=0, count=2)
    assert held_files([tmp_path, tmp_path / "absent"], now_s=0).files == ()
    hold(tmp_path, span("street", 0, 30))
    hold(tmp_path, version=2)
    assert held_files([tmp_path], now_s=0).files == ()


def test_holds_that_cannot_be_read_are_told_and_hostile_ones_reach_nowhere(tmp_path: Path) -> None:
    record(tmp_path, "street", first_s=0, count=1)
    hold(tmp_path, span("../../etc", 0, 10))
    assert held_files([tmp_path], now_s=0).lacking == (tmp_path / FOLDER,)
    (tmp_path / FOLDER / "1.json").write_bytes(b"torn")
    found = held_files([tmp_path], now_s=0)
    assert (found.files, found.lacking) == ((), (tmp_path / FOLDER,))


def test_what_one_command_cannot_name_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert PATHS_MAX_CHARS < 2**20 * 2
    files = record(tmp_path, "street", first_s=0, count=3)
    hold(tmp_path, span("street", 0, 60))
    monkeypatch.setattr("beket.app.wiring.held_footage.PATHS_MAX_CHARS", 2 * len(str(files[0])) + 10)
    found = held_files([tmp_path], now_s=0)
    assert (found.files, found.lacking) == (tuple(files[:2]), (files[2],))


@pytest.fixture
def tools(tmp_path: Path) -> Iterator[Tools]:
    clock, password = SystemClock(), tmp_path / "password"
    write_secret_file(password, Secret("вода-камінь"))
    history = History(tmp_path / "backup.db")
    restic = asyncio.run(find_restic("restic", clock=clock))
    repository = Repository(str(tmp_path / "repository"), password, "council")
    yield Tools(restic, repository, history, clock, random.Random(1), "boot", asyncio.Lock(), tmp_path / "staging")
    history.close()


def test_a_plan_of_held_footage_copies_it_alone_and_it_comes_back(tools: Tools, tmp_path: Path) -> None:
    disk = tmp_path / "video"
    files = record(disk, "street", first_s=0, count=9)
    hold(disk, span("street", 45, 75))
    config = BackupConfig(plans=(PlanConfig(id="held", name="Записи, які не стирати", preset="held", paths=(disk,)),))
    (plan,) = plans_of(config, SiteId("council-mohyliv"), tmp_path / "data")

    async def story() -> None:
        outcome = await Runner(tools).run(plan)
        assert outcome.kind is OutcomeKind.OK, outcome.reason.uk
        assert outcome.snapshot is not None
        back = tmp_path / "back"
        await tools.restic.run(commands.restore(tools.repository, outcome.snapshot.id, back))
        came = {path.relative_to(back): path for path in back.rglob("*.mp4")}
        assert {Path("/") / path for path in came} == set(files[2:4])
        assert all(path.read_bytes() == (Path("/") / name).read_bytes() for name, path in came.items())
        hold(disk, version=2)
        empty = await Runner(tools).run(plan)
        assert empty.kind is OutcomeKind.OK, empty.reason.uk  # the canary alone: nothing is held any more
        (disk / FOLDER / "2.json").write_bytes(b"torn")
        (disk / FOLDER / "1.json").unlink()
        partial = await Runner(tools).run(plan)
        assert partial.kind is OutcomeKind.PARTIAL, partial.reason.uk

    asyncio.run(story())
