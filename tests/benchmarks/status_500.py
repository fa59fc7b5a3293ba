"""`status_500`: the centre's status of 150 hosts with 1,000 snapshots each, from the content of their repositories.

The bar is 2 s for the first look after a start; `control` is that bar. The files are real snapshots by shape: named by
the SHA-256 of what they hold. Three hosts are late, silent and lying, and must be told apart each time.
"""

import hashlib
import os
import platform
import random
import tempfile
import time
from pathlib import Path

from backup.repository.freshness import Shelf
from backup.repository.standing import Claim, Standing, judge
from beket.kernel.clock import NS_PER_S
from tests.benchmarks.result import Measured, Result, compare

HOSTS, SNAPSHOTS = 150, 1000
SNAPSHOT_BYTES = 300
BAR_S = 2.0
NOW_NS = 1_800_000_000 * NS_PER_S
HOUR_NS = 3600 * NS_PER_S
EVERY_HOURS = 24
LATE, SILENT, LYING = 3, 4, 5


def run(*, pairs: int) -> Result:
    """Look `pairs` times, each as if the centre had just started."""
    with tempfile.TemporaryDirectory(prefix="beket-bench-") as name:
        repositories = [_make_repository(Path(name), host) for host in range(HOSTS)]
        ratio, ours, control, spread, checks = compare(
            lambda: measure_ours(repositories), lambda: Measured(BAR_S), pairs=pairs
        )
        shelf = Shelf()
        shelf.look(repositories, wall_ns=NOW_NS)
        began_s = time.monotonic()
        shelf.look(repositories, wall_ns=NOW_NS)
        again_s = time.monotonic() - began_s
    return Result(
        name="status_500",
        ratio=ratio,
        ours=ours,
        control=control,
        unit="s",
        n=pairs,
        spread=spread,
        checks=checks | {f"within {BAR_S:.0f} s": spread[1] <= 1},
        control_cmd="the bar of the issue",
        versions={"python": platform.python_version(), "looked again in s": f"{again_s:.3f}"},
    )


def measure_ours(repositories: list[Path]) -> Measured:
    """One first look, with the judgement of each host."""
    began_s = time.monotonic()
    contents = Shelf().look(repositories, wall_ns=NOW_NS)
    standings = [judge(contents[one], _claim_of(host), wall_ns=NOW_NS) for host, one in enumerate(repositories)]
    taken_s = time.monotonic() - began_s
    apart = {LATE: Standing.LATE, SILENT: Standing.SILENT, LYING: Standing.LYING}
    expected = [apart.get(host, Standing.FRESH) for host in range(HOSTS)]
    every = all(content.snapshots == SNAPSHOTS for content in contents.values())
    return Measured(taken_s, {"late, silent, lying apart": standings == expected, "every snapshot counted": every})


def _claim_of(host: int) -> Claim:
    heard_ns = NOW_NS - (50 * HOUR_NS if host == SILENT else HOUR_NS // 60)
    old_ns = NOW_NS - 60 * HOUR_NS
    copied_ns = {LATE: old_ns, SILENT: old_ns, LYING: NOW_NS - 2 * HOUR_NS}.get(host, NOW_NS - 5 * HOUR_NS)
    return Claim(heard_ns=heard_ns, copied_ns=copied_ns, every_hours=EVERY_HOURS)


def _make_repository(folder: Path, host: int) -> Path:
    repository = folder / f"host-{host}"
    snapshots = repository / "snapshots"
    snapshots.mkdir(parents=True)
    rng = random.Random(host)
    newest_ns = NOW_NS - (60 if host in (LATE, SILENT, LYING) else 5) * HOUR_NS
    for age in range(SNAPSHOTS):
        content = rng.randbytes(SNAPSHOT_BYTES)
        path = snapshots / hashlib.sha256(content).hexdigest()
        path.write_bytes(content)
        moment_ns = newest_ns - age * EVERY_HOURS * HOUR_NS
        os.utime(path, ns=(moment_ns, moment_ns))
    return repository
