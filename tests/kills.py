"""Owns the proof that a killed recorder loses nothing of what it had promised, for both sizes of it."""

import itertools
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from beket.app.wiring.recordings import open_recordings
from beket.kernel.ports import GapReason
from beket.testing.fragments import DAY_90K
from tests.killed_recorder import CAMERAS, COMMUNITY, SITE, STEP_90K, config_in
from tests.playing import play
from vms.recordings import index
from vms.recordings.check import check
from vms.recordings.findings import Progress
from vms.recordings.segments import key_of

ROUND_90K = 3600 * 90_000


def kill_again_and_again(folder: Path, kills: int, *, seed: int) -> None:
    """Record, kill at a random moment, start anew, look; `kills` times in the same folder."""
    rng = random.Random(seed)
    for number in range(kills):
        start_90k = DAY_90K + number * ROUND_90K
        promised_90k = _record_and_kill(folder, start_90k, after_s=rng.uniform(0.3, 1.2))
        _look(folder, start_90k, promised_90k)


def _record_and_kill(folder: Path, start_90k: int, *, after_s: float) -> int:
    argv = [sys.executable, "-m", "tests.killed_recorder", str(folder), str(start_90k)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as recorder:
        assert recorder.stdout is not None
        promised_90k = int(recorder.stdout.readline())  # it has begun
        time.sleep(after_s)
        recorder.send_signal(signal.SIGKILL)
        said = recorder.stdout.read().split("\n")[:-1]  # a number that was cut was not said
    return int(said[-1]) if said else promised_90k


def _look(folder: Path, start_90k: int, promised_90k: int) -> None:
    opened = open_recordings(config_in(folder), database=folder / "video.db", community=COMMUNITY, site=SITE)
    with opened as store:
        assert [found for found in check(store) if not isinstance(found, Progress)] == []
        for camera in CAMERAS:
            with store.database.read() as connection:
                segments = list(index.segments_between(connection, camera, start_90k, start_90k + ROUND_90K))
                gap = index.open_gap(connection, camera)
            assert segments[0].start_90k == start_90k
            assert all(a.end_90k == b.start_90k for a, b in itertools.pairwise(segments))
            assert segments[-1].end_90k >= promised_90k
            assert gap is not None
            assert (gap.start_90k, gap.reason) == (segments[-1].end_90k, GapReason.RESTART)
            played = play(*(config_in(folder).folder / key_of(segment).file_name for segment in segments))
            assert played == sum(segment.duration_90k for segment in segments) // STEP_90K
