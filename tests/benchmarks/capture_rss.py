"""`capture_rss`: memory that one more camera costs, with its group of pictures kept and one viewer looking at it.

The recorder of `capture` with 10 and with 60 cameras of 1080p25 at 1 Mbit/s, each watched live; the slope of its
resident memory is held against the bar of 3 MB a camera.
"""

import platform
import tempfile
import time

import psutil

from tests.benchmarks.capture import cameras, start, stop
from tests.benchmarks.result import Measured, Result, compare

FEW, MANY = 10, 60
BAR_MB = 3.0
SETTLES_S = 25
BITRATE_BPS = 1_000_000


def run(*, pairs: int) -> Result:
    """Measure `pairs` times."""
    ratio, ours, control, spread, checks = compare(_slope, lambda: Measured(BAR_MB), pairs=min(pairs, 3))
    return Result(
        name="capture_rss",
        ratio=ratio,
        ours=ours,
        control=control,
        unit="MB a camera",
        n=min(pairs, 3),
        spread=spread,
        checks=checks,
        control_cmd=f"the bar: {BAR_MB} MB",
        versions={"python": platform.python_version()},
    )


def _slope() -> Measured:
    (few_mb, few_sent), (many_mb, many_sent) = _rss_mb(FEW), _rss_mb(MANY)
    slope_mb = (many_mb - few_mb) / (MANY - FEW)
    return Measured(
        slope_mb,
        {"within_bar": slope_mb <= BAR_MB, "all_cameras_played": (few_sent, many_sent) == (FEW, MANY)},
    )


def _rss_mb(count: int) -> tuple[float, int]:
    """Resident memory of the recorder with so many watched cameras, and how many sent frames to the end."""
    with (
        tempfile.TemporaryDirectory(prefix="beket-bench-") as name,
        cameras("--bitrate", str(BITRATE_BPS)) as (
            port,
            source,
        ),
    ):
        subject = start(["tests.benchmarks.capture_subject", str(port), str(count), name, "--watched"])
        try:
            time.sleep(SETTLES_S)
            rss_mb = psutil.Process(subject.pid).memory_info().rss / 1e6
            sent = stop(source)["sent"]
        finally:
            subject.communicate()
    assert isinstance(sent, dict)
    return rss_mb, sum(frames > SETTLES_S for frames in sent.values())
