"""`hash_walk`: wall time of the keyless walk over a real repository, against `sha256sum` over the same files.

Both read from the disk: pages are dropped before each side. Afterwards one byte at a time is flipped in 200 random
places of a smaller repository: each time the walk must name that file and none other.
"""

import os
import platform
import random
import subprocess
import tempfile
import time
from pathlib import Path

from backup.repository.walk import files_after, walk
from beket.kernel.clock import NS_PER_S
from beket.kernel.units import MIB
from beket.testing.process import output_of
from beket.testing.restic import make_backup_place
from tests.benchmarks.result import Measured, Result, compare

FILES = 3000
SIZE_BYTES = 240 * MIB
FLIPS = 200
# The bar: at least 0.8 of the control's speed.
SLOWEST_RATIO = 1 / 0.8
DAY_S = 86_400


def run(*, pairs: int) -> Result:
    """Measure both sides `pairs` times."""
    with tempfile.TemporaryDirectory(prefix="beket-bench-") as name:
        repository = _make_repository(Path(name) / "large", size_bytes=SIZE_BYTES, files=FILES)
        small = _make_repository(Path(name) / "small", size_bytes=4 * MIB, files=50)
        size_bytes = sum((repository / file).stat().st_size for file in files_after(repository))
        ratio, ours, control, spread, checks = compare(
            lambda: measure_ours(repository), lambda: measure_control(repository), pairs=pairs
        )
        checks |= {
            "at least 0.8 of sha256sum's speed": ratio <= SLOWEST_RATIO,
            f"every flip of {FLIPS} found": _all_flips_are_found(small),
        }
    return Result(
        name="hash_walk",
        ratio=ratio,
        ours=ours,
        control=control,
        unit="s",
        n=pairs,
        spread=spread,
        checks=checks,
        control_cmd="find {repository} -type f | xargs sha256sum",
        versions={
            "python": platform.python_version(),
            "restic": output_of("restic", "version").split()[1],
            "MiB": str(size_bytes // MIB),
        },
    )


def measure_ours(repository: Path) -> Measured:
    """One whole walk, in slices, as the centre does it."""
    _forget_pages(repository)
    began_s = time.monotonic()
    damaged, files = _walk(repository)
    taken_s = time.monotonic() - began_s
    expected = sum(1 for _ in files_after(repository))
    return Measured(taken_s, {"ours read every file": files == expected, "nothing is damaged": not damaged})


def measure_control(repository: Path) -> Measured:
    """The same files through sha256sum."""
    _forget_pages(repository)
    names = "\n".join(files_after(repository)) + "\n"
    began_s = time.monotonic()
    words = ["xargs", "-d", "\\n", "sha256sum", "--"]
    done = subprocess.run(words, input=names, text=True, capture_output=True, cwd=repository, check=True)
    taken_s = time.monotonic() - began_s
    return Measured(taken_s, {"control read every file": done.stdout.count("\n") == names.count("\n")})


def _walk(repository: Path, config_sha256: str = "") -> tuple[set[str], int]:
    damaged: set[str] = set()
    files, last = 0, ""
    while True:
        part = walk(repository, last, wall_ns=_tomorrow_ns(), config_sha256=config_sha256)
        damaged |= {one.file for one in part.damaged}
        files, last = files + part.files, part.last
        if not last:
            return damaged, files


def _all_flips_are_found(repository: Path) -> bool:
    """Flip one byte anywhere, walk, find exactly that file, put it back; 200 times."""
    first = walk(repository, "", wall_ns=_tomorrow_ns(), at_most_bytes=1)
    rng = random.Random(6)
    files = list(files_after(repository))
    sizes = [(repository / file).stat().st_size for file in files]
    return all(_flip_is_found(repository, rng.choices(files, sizes)[0], rng, first.config_sha256) for _ in range(FLIPS))


def _flip_is_found(repository: Path, file: str, rng: random.Random, config_sha256: str) -> bool:
    path = repository / file
    whole = path.read_bytes()
    at = rng.randrange(len(whole))
    path.chmod(0o600)
    path.write_bytes(whole[:at] + bytes([whole[at] ^ rng.randrange(1, 256)]) + whole[at + 1 :])
    try:
        return _walk(repository, config_sha256)[0] == {file}
    finally:
        path.write_bytes(whole)


def _make_repository(folder: Path, *, size_bytes: int, files: int) -> Path:
    place = make_backup_place(folder, size_bytes=size_bytes, files=files)
    place.password_file.parent.mkdir()
    place.password_file.write_text("bench")
    place.bare("init")
    for number in range(10):
        (place.source / "small.txt").write_text(str(number))
        place.bare("backup", place.source)
    return place.repository


def _forget_pages(repository: Path) -> None:
    for file in files_after(repository):
        descriptor = os.open(repository / file, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def _tomorrow_ns() -> int:
    return time.time_ns() + DAY_S * NS_PER_S
