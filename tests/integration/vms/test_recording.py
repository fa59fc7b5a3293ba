"""The store on real files: films that play after export, and a recorder killed at any moment."""

import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from beket.kernel.clock import SystemClock
from beket.kernel.ids import CameraId
from beket.kernel.metrics import Instruments
from beket.kernel.ports import Fragment, GapReason
from beket.kernel.units import TICKS_PER_S
from beket.media.fmp4 import reader
from beket.testing.access_units import take_apart
from beket.testing.footage import Footage
from beket.testing.fragments import DAY_90K, film_fragments, film_stream
from beket.testing.process import output_of
from vms.recordings import index
from vms.recordings.check import check
from vms.recordings.disk import PosixDisk
from vms.recordings.findings import Progress
from vms.recordings.playback import Playback
from vms.recordings.recovery import recover
from vms.recordings.segments import key_of
from vms.recordings.store import Store
from vms.recordings.writer import Recorder

GATE = CameraId("gate")

# Records noise for ever and says after each sync how far it has promised; ended by kill -9.
_WRITER = """
import random, sys
from pathlib import Path
from beket.kernel.clock import SystemClock
from beket.kernel.database import Database
from beket.kernel.metrics import Instruments
from beket.testing.fragments import DAY_90K, made_up_fragments, made_up_stream
from beket.kernel.units import TICKS_PER_S
from vms.recordings.container import Origin
from vms.recordings.disk import PosixDisk
from vms.recordings.recovery import recover
from vms.recordings.store import Store
from vms.recordings.tables import MIGRATIONS
from vms.recordings.writer import Recorder

folder, start_90k = Path(sys.argv[1]), int(sys.argv[2])
origin = Origin("dobrianka", "school", "b1", "0.1.0", lambda: True)
store = Store(Database(folder / "video.db", migrations=MIGRATIONS), PosixDisk(folder / "video"), origin=origin)
recover(store)
recorder = Recorder(store, clock=SystemClock(), instruments=Instruments(site="school"))
fragments = made_up_fragments(random.Random(2), start_90k=start_90k, seconds=4000)
recorder.start_run("gate", made_up_stream(), start_90k=start_90k)
for at in range(0, len(fragments), 7):
    recorder.write("gate", fragments[at : at + 7])
    if at % 21 == 0 and recorder.flush(10):
        last = fragments[at : at + 7][-1]
        print(last.start_90k + last.duration_90k, flush=True)
"""


def segments_of(store: Store, camera: CameraId = GATE) -> list[index.StoredSegment]:
    with store.database.read() as connection:
        return index.page(connection, camera, after=None, limit=10_000)


def findings(store: Store) -> list[object]:
    return [found for found in check(store) if not isinstance(found, Progress)]


@pytest.mark.needs("ffmpeg", "ffprobe")
def test_each_segment_and_an_exported_minute_play_everywhere(
    make_store: Callable[..., Store], footage: Footage, tmp_path: Path
) -> None:
    film = take_apart(footage.file, tmp_path)
    stream, store = film_stream(film), make_store()
    recorder = Recorder(store, clock=SystemClock(), instruments=Instruments(site="school"))
    recorder.start_run(GATE, stream, start_90k=DAY_90K)
    minute = list(repeated(film_fragments(film, start_90k=0), seconds=70))
    for at in range(0, len(minute), 12):
        recorder.write(GATE, minute[at : at + 12])
    recorder.end_run(GATE, reason=GapReason.LINK)
    assert recorder.close()
    assert findings(store) == []
    assert len(segments_of(store)) >= 2
    for segment in segments_of(store):
        path = tmp_path / "video" / key_of(segment).file_name
        with path.open("rb") as file:
            assert decoded_frames(path) == len(reader.read_segment(file).fragments)
    until_90k = DAY_90K + 60 * TICKS_PER_S
    export = Playback(store).export(GATE, from_90k=DAY_90K, until_90k=until_90k)
    assert len(export.parts) == 1
    copy = tmp_path / "minute.mp4"
    copy.write_bytes(b"".join(export.parts[0].chunks()))
    assert decoded_frames(copy) == sum(fragment.start_90k < until_90k for fragment in minute)
    wanted = ("-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0")
    duration = output_of("ffprobe", *wanted, copy, may_complain=False)
    assert float(duration) == pytest.approx(60, abs=0.2)


def repeated(fragments: list[Fragment], *, seconds: int) -> Iterator[Fragment]:
    """The film again and again, in one decode time, for `seconds`."""
    at_90k = 0
    while True:
        for fragment in fragments:
            if at_90k >= seconds * TICKS_PER_S:
                return
            data = bytearray(fragment.data)
            data[60:68] = at_90k.to_bytes(8, "big")
            yield Fragment(bytes(data), DAY_90K + at_90k, fragment.duration_90k, fragment.is_key)
            at_90k += fragment.duration_90k


def decoded_frames(path: Path) -> int:
    """Frames that a strict decode gives; a single complaint fails."""
    done = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", path, "-f", "framecrc", "-"], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return sum(not line.startswith("#") for line in done.stdout.splitlines())


def test_a_killed_recorder_loses_nothing_that_was_synced(make_store: Callable[..., Store], tmp_path: Path) -> None:
    folder = tmp_path / "site"
    (folder / "video").mkdir(parents=True)
    rng = random.Random(3)
    promised: list[tuple[int, int]] = []
    for kill in range(4):
        start_90k = DAY_90K + kill * 7200 * TICKS_PER_S
        with subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(folder), str(start_90k)], stdout=subprocess.PIPE, cwd=Path.cwd()
        ) as writer:
            assert writer.stdout is not None
            lines = [writer.stdout.readline() for _ in range(rng.randrange(3, 60))]
            writer.kill()
            lines += writer.stdout.readlines()
        whole = [line for line in lines if line.endswith(b"\n")]
        promised.append((start_90k, int(whole[-1])))
    store = make_store(PosixDisk(folder / "video"), name="site/video")
    recover(store)
    assert findings(store) == []
    timeline = Playback(store).timeline(GATE, from_90k=DAY_90K, until_90k=promised[-1][1])
    for start_90k, end_90k in promised:
        assert any(span.start_90k == start_90k and span.end_90k >= end_90k for span in timeline.recorded)
    assert {hole.reason for hole in timeline.missing} == {GapReason.RESTART}
    segments = segments_of(store)
    assert [s.previous_sha256 for s in segments] == [b"", *(s.sha256 for s in segments[:-1])]
