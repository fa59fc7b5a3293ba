"""`vms_check`: wall time of `beket vms check` over a site's recordings, against `sha256sum` over the same files.

Both read from the disk: pages are dropped before each side. Beside it: the quick check, and the index made anew from
seals and from files. Afterwards single bytes are flipped in random places: each time that file and none other is named.
"""

import os
import platform
import random
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from beket.access.signing import SigningKey
from beket.kernel.clock import SimulatedClock
from beket.kernel.database import Database
from beket.kernel.ids import CameraId, CommunityId, SiteId
from beket.kernel.metrics import Instruments
from beket.kernel.ports import GapReason
from beket.kernel.units import MIB, TICKS_PER_S
from beket.testing.fragments import DAY_90K, made_up_fragments, made_up_stream
from tests.benchmarks.result import Measured, Result, compare
from vms.recordings.chain_check import trust_any
from vms.recordings.check import check
from vms.recordings.container import Origin
from vms.recordings.disk import PosixDisk
from vms.recordings.findings import Fault, Finding, Progress
from vms.recordings.ledger import FOLDER
from vms.recordings.rebuild import Rebuilt, rebuild
from vms.recordings.sealing import Sealer
from vms.recordings.store import Store
from vms.recordings.tables import MIGRATIONS
from vms.recordings.writer import Recorder

# 2 cameras × 12 segments of 20 s at 25 fps and 4 Mbit/s.
CAMERAS = (CameraId("gate"), CameraId("yard"))
SEGMENTS = 12
SECONDS = 20
FRAME_BYTES = 40_000
FLIPS = 30
# The bar: at least 0.8 of the control's speed.
SLOWEST_RATIO = 1 / 0.8
ORIGIN = Origin(CommunityId("dobrianka"), SiteId("school"), "b1", "bench", lambda: True)


def run(*, pairs: int) -> Result:
    """Measure both sides `pairs` times."""
    with tempfile.TemporaryDirectory(prefix="beket-bench-") as name:
        place = Path(name)
        store = _record(place)
        files = sorted((place / "video").rglob("*.mp4"))
        size_bytes = sum(file.stat().st_size for file in files)
        ratio, ours, control, spread, checks = compare(
            lambda: _measure_ours(store, files), lambda: _measure_control(files), pairs=pairs
        )
        quick_s = _taken_s(files, lambda: _findings(store, rehash=False))
        sealed_s, sealed = _rebuild(place / "sealed.db", files)
        (place / "video" / FOLDER).rename(place / "ledger")
        read_s, read = _rebuild(place / "read.db", files)
        (place / "ledger").rename(place / "video" / FOLDER)
        checks |= {
            "at least 0.8 of sha256sum's speed": ratio <= SLOWEST_RATIO,
            f"each of {FLIPS} flips names its file alone": _all_flips_are_named(store, files),
            "seals give the whole index": (sealed.signed, sealed.read) == (len(files), 0),
            "files give the whole index": (read.signed, read.read) == (0, len(files)),
        }
        store.database.close()
    return Result(
        name="vms_check",
        ratio=ratio,
        ours=ours,
        control=control,
        unit="s",
        n=pairs,
        spread=spread,
        checks=checks,
        control_cmd="find {video} -name '*.mp4' | xargs sha256sum",
        versions={"python": platform.python_version(), "files": str(len(files)), "MiB": str(size_bytes // MIB)},
        beside={
            "check MB/s": round(size_bytes / ours / 1e6),
            "sha256sum MB/s": round(size_bytes / control / 1e6),
            "quick check ms a file": round(1000 * quick_s / len(files), 2),
            "rebuild from seals ms a file": round(1000 * sealed_s / len(files), 2),
            "rebuild from files MB/s": round(size_bytes / read_s / 1e6),
        },
    )


def _record(place: Path) -> Store:
    (place / "video").mkdir()
    store = Store(Database(place / "video.db", migrations=MIGRATIONS), PosixDisk(place / "video"), origin=ORIGIN)
    for number, camera in enumerate(CAMERAS):
        recorder = Recorder(store, clock=SimulatedClock(), instruments=Instruments(site="school"))
        recorder.start_run(camera, made_up_stream(), start_90k=DAY_90K)
        for at in range(SEGMENTS):
            start_90k = DAY_90K + at * SECONDS * TICKS_PER_S
            rng = random.Random(number * SEGMENTS + at)
            recorder.write(
                camera,
                made_up_fragments(rng, start_90k=start_90k, seconds=SECONDS, fps=25, frame_bytes=FRAME_BYTES),
            )
            if not recorder.flush(60):
                raise TimeoutError("the disk does not keep up")
        recorder.end_run(camera, reason=GapReason.LINK)
        recorder.close()
    key = SigningKey.load_or_create(place / "key")
    Sealer(store, key, clock=SimulatedClock()).seal_all()
    return store


def _measure_ours(store: Store, files: list[Path]) -> Measured:
    """One whole check: files, index, chain, seals."""
    steps: list[Finding | Progress] = []
    taken_s = _taken_s(files, lambda: steps.extend(check(store)))
    found = [step for step in steps if isinstance(step, Finding)]
    return Measured(taken_s, {"ours read every file": len(steps) == len(files), "nothing is damaged": not found})


def _measure_control(files: list[Path]) -> Measured:
    """The same files through sha256sum."""
    output = ""

    def hash_all() -> None:
        nonlocal output
        output = subprocess.run(["sha256sum", "--", *files], text=True, capture_output=True, check=True).stdout

    taken_s = _taken_s(files, hash_all)
    return Measured(taken_s, {"control read every file": output.count("\n") == len(files)})


def _rebuild(path: Path, files: list[Path]) -> tuple[float, Rebuilt]:
    made = Rebuilt()
    database = Database(path, migrations=MIGRATIONS)

    def all_of_it() -> None:
        nonlocal made
        for step in rebuild(
            database, [PosixDisk(path.parent / "video")], origin=ORIGIN, is_edge=True, trusts=trust_any
        ):
            made = step if isinstance(step, Rebuilt) else made

    taken_s = _taken_s(files, all_of_it)
    database.close()
    return taken_s, made


def _all_flips_are_named(store: Store, files: list[Path]) -> bool:
    rng = random.Random(6)
    return all(_flip_is_named(store, rng.choice(files), rng) for _ in range(FLIPS))


def _flip_is_named(store: Store, path: Path, rng: random.Random) -> bool:
    """Flip one byte anywhere; that file is the one that is named; put it back."""
    at = rng.randrange(path.stat().st_size)
    with path.open("r+b") as file:
        file.seek(at)
        before = file.read(1)
        file.seek(at)
        file.write(bytes([before[0] ^ rng.randrange(1, 256)]))
    try:
        name = str(path.relative_to(path.parents[3]))
        return _findings(store, rehash=True, only=CameraId(path.parents[2].name)) == [Finding(name, Fault.HASH)]
    finally:
        with path.open("r+b") as file:
            file.seek(at)
            file.write(before)


def _findings(store: Store, *, rehash: bool, only: CameraId | None = None) -> list[Finding]:
    return [step for step in check(store, rehash=rehash, only=only) if isinstance(step, Finding)]


def _taken_s(files: list[Path], work: Callable[[], object]) -> float:
    for file in files:
        descriptor = os.open(file, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)
    began_s = time.monotonic()
    work()
    return time.monotonic() - began_s
