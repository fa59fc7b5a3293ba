"""Ten minutes of cameras that misbehave, with the true time-outs."""

import asyncio
from pathlib import Path

import pytest

from beket.kernel.units import ns_to_90k
from beket.media.liveness import STALL_S
from tests.camera_faults import CLOCK, faults, look, record

pytestmark = [pytest.mark.torture, pytest.mark.needs("ffmpeg")]


def test_ten_minutes_of_faults_leave_recordings_that_play_and_gaps_with_the_right_reason(tmp_path: Path) -> None:
    since_90k, wanted = ns_to_90k(CLOCK.wall_ns()), faults(stall_s=STALL_S)
    statuses = asyncio.run(record(tmp_path, wanted, seconds=600))
    for line in look(tmp_path, wanted, statuses, since_90k=since_90k):
        print(line)
