"""A hundred cameras of 1 Mbit/s for ten minutes: every frame is there, and most of the processor is left."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.benchmarks.capture import cameras, cpu_s, examine, start, stop

pytestmark = pytest.mark.torture

CAMERAS = 100
BITRATE_BPS = 1_000_000
WARM_UP_S = 15
SECONDS = int(os.environ.get("BEKET_TORTURE_S", "600"))
CPU_MAX_PCT = 60


def test_a_hundred_cameras_lose_no_frame_and_cost_less_than_a_core(tmp_path: Path) -> None:
    with cameras("--bitrate", str(BITRATE_BPS)) as (port, source):
        recorder: subprocess.Popen[str] = start(
            ["tests.benchmarks.capture_subject", str(port), str(CAMERAS), str(tmp_path)]
        )
        try:
            time.sleep(WARM_UP_S)
            before_s, began_s = cpu_s([recorder.pid]), time.monotonic()
            time.sleep(SECONDS)
            used_pct = 100 * (cpu_s([recorder.pid]) - before_s) / (time.monotonic() - began_s)
            sent = stop(source)
            time.sleep(1)  # what is on the wire arrives
        finally:
            recorder.communicate()
    stored, faults, rows_match = examine(tmp_path)
    print(f"{CAMERAS} cameras, {SECONDS} s: {used_pct:.1f} % of a core, {sum(stored.values())} frames")
    assert stored == sent["sent"]
    assert len(stored) == CAMERAS
    assert faults == []
    assert rows_match
    assert used_pct <= CPU_MAX_PCT
