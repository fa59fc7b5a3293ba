import asyncio
from pathlib import Path

import pytest

from beket.kernel.units import ns_to_90k
from tests.camera_faults import CLOCK, faults, look, record

pytestmark = pytest.mark.needs("ffmpeg")


def test_cameras_that_misbehave_leave_recordings_that_play_and_gaps_with_the_right_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beket.media.liveness.STALL_S", 1.0)
    since_90k, wanted = ns_to_90k(CLOCK.wall_ns()), faults(stall_s=1)
    statuses = asyncio.run(record(tmp_path, wanted, seconds=11))
    assert len(list(look(tmp_path, wanted, statuses, since_90k=since_90k))) == len(wanted)
