"""Gaps between two lives of the recorder, over a real disk and database, and the table of reasons in the note."""

import ast
import random
import re
from pathlib import Path

import pytest

from agents.cameras.maintenance import ExplainedSink
from agents.cameras.stops import begin_run, end_run, why_stopped
from beket.app.wiring.recordings import open_recordings
from beket.kernel.clock import NS_PER_S, SimulatedClock
from beket.kernel.ids import CameraId, CommunityId, SiteId
from beket.kernel.metrics import Instruments
from beket.kernel.ports import GapInfo, GapReason
from beket.kernel.units import TICKS_PER_S
from beket.testing.fragments import DAY_90K, made_up_fragments, made_up_stream
from vms.config import RecordingsConfig
from vms.recordings import index
from vms.recordings.store import Store
from vms.recordings.writer import Recorder

GATE = CameraId("gate")
ROOT = Path(__file__).parents[3]
NOTE = ROOT / "vms" / "design" / "0027-holds-and-sacrifice.md"
LATER_90K = DAY_90K + 600 * TICKS_PER_S


def recorder_of(store: Store) -> Recorder:
    return Recorder(store, clock=SimulatedClock(), instruments=Instruments(site="school", unit="test"))


def record(recorder: Recorder, *, start_90k: int) -> None:
    recorder.start_run(GATE, made_up_stream(), start_90k=start_90k)
    recorder.write(GATE, made_up_fragments(random.Random(1), start_90k=start_90k, seconds=10))
    assert recorder.flush(30)


def run(
    folder: Path, *, boot_id: str, software: str, start_90k: int, ends_well: bool, working: bool = False
) -> list[GapInfo]:
    """One life of the capture process; the gaps that stand at its end."""
    mark = folder / "run.json"
    stopped = why_stopped(mark, boot_id=boot_id, software=software)
    opened = open_recordings(
        RecordingsConfig(folder=folder / "video"),
        database=folder / "video.db",
        community=CommunityId("dobrianka"),
        site=SiteId("school"),
        stopped=stopped,
    )
    with opened as store:
        begin_run(mark, boot_id=boot_id, software=software)
        recorder = recorder_of(store)
        record(recorder, start_90k=start_90k)
        if ends_well:
            sink = ExplainedSink(recorder, clock=SimulatedClock(wall_ns=start_90k // TICKS_PER_S * NS_PER_S))
            sink.set_maintenance(working)
            sink.end_run(GATE, reason=GapReason.RESTART)
            assert recorder.close()
            end_run(mark, boot_id=boot_id, software=software)
        with store.database.read() as connection:
            return index.gaps_between(connection, GATE, 0, 2 * LATER_90K)


@pytest.mark.parametrize(
    ("boot_id", "software", "ends_well", "working", "reason"),
    [
        ("boot 2", "0.1", False, False, GapReason.POWER),
        ("boot 1", "0.1", False, False, GapReason.RESTART),
        ("boot 1", "0.1", True, False, GapReason.RESTART),
        ("boot 2", "0.1", True, False, GapReason.RESTART),
        ("boot 1", "0.2", True, False, GapReason.UPDATE),
        ("boot 1", "0.2", False, False, GapReason.UPDATE),
        ("boot 1", "0.1", True, True, GapReason.MAINTENANCE),
        ("boot 1", "0.2", True, True, GapReason.MAINTENANCE),
    ],
)
def test_a_gap_between_two_lives_of_the_recorder_has_the_reason_of_what_ended_the_first(
    tmp_path: Path, boot_id: str, software: str, ends_well: bool, working: bool, reason: GapReason
) -> None:
    first = {"boot_id": "boot 1", "software": "0.1", "start_90k": DAY_90K}
    run(tmp_path, **first, ends_well=ends_well, working=working)  # type: ignore[arg-type]
    gaps = run(tmp_path, boot_id=boot_id, software=software, start_90k=LATER_90K, ends_well=False)
    assert [(gap.end_90k, gap.reason) for gap in gaps] == [(LATER_90K, reason)]
    assert gaps[0].start_90k == DAY_90K + 10 * TICKS_PER_S


def test_the_note_names_an_event_and_a_test_for_each_reason() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| ([^|]+) \| `([^`]+)`: ([^|]+) \|$", NOTE.read_text(), re.MULTILINE)
    assert {reason for reason, _, _, _ in rows} == {reason.value for reason in GapReason}
    for _, event, file, names in rows:
        assert event.strip()
        tests = {
            node.name for node in ast.walk(ast.parse((ROOT / file).read_text())) if isinstance(node, ast.FunctionDef)
        }
        assert set(re.findall(r"test_\w+", names)) <= tests, file
        assert re.findall(r"test_\w+", names), file
