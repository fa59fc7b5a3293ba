"""`restic_overhead`: what a plan's run costs beside the same restic commands in a shell script.

20,000 small files and 2 GB, copied into an empty repository each time. Figure: CPU of our process and of its children;
wall time is told beside it. Ours also looks at paths, hashes what a drill will be compared with, and remembers. Both
sides have the same words, environment and kind of session, and begin with the same empty repository and a quiet disk:
each `init` chooses for itself how slow its key is.
"""

import asyncio
import os
import platform
import random
import resource
import shlex
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backup.history import History
from backup.plans import Plan
from backup.restic import commands
from backup.restic.commands import Repository
from backup.restic.outcome import OutcomeKind
from backup.restic.run import environment, find_restic
from backup.runner import Runner, Tools
from beket.kernel.clock import SystemClock
from beket.kernel.ids import SiteId
from beket.kernel.secrets import Secret, write_secret_file
from beket.kernel.units import KIB
from beket.testing.process import output_of
from beket.testing.restic import BackupPlace
from tests.benchmarks.result import Measured, Result, compare

SMALL_FILES, SMALL_BYTES = 20_000, 4 * KIB
LARGE_FILES, LARGE_BYTES = 20, 100_000_000
CPU_BAR, WALL_BAR = 1.05, 1.10
EMPTY = "empty"
PLAN = "documents"
# `@ID` stands for what the first command says.
SCRIPT = """set -e
restic {backup} > {said}
id=$(sed -n 's/.*"message_type":"summary".*"snapshot_id":"\\([0-9a-f]*\\)".*/\\1/p' {said})
restic {snapshots}
"""


class Spent:
    """CPU and wall time of a block: this process and the children that ended in it; `own_cpu_s` without these."""

    cpu_s = 0.0
    own_cpu_s = 0.0
    wall_s = 0.0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count the block."""
        began_s, own_s, children_s = time.monotonic(), _cpu_s(resource.RUSAGE_SELF), _cpu_s(resource.RUSAGE_CHILDREN)
        yield
        self.wall_s = time.monotonic() - began_s
        self.own_cpu_s = _cpu_s(resource.RUSAGE_SELF) - own_s
        self.cpu_s = self.own_cpu_s + _cpu_s(resource.RUSAGE_CHILDREN) - children_s


def run(*, pairs: int) -> Result:
    """Measure both sides `pairs` times."""
    with tempfile.TemporaryDirectory(prefix="beket-bench-") as name:
        place = BackupPlace(Path(name))
        make_source(place.source)
        write_secret_file(place.password_file, Secret("bench"))
        place.bare("init")
        place.repository.rename(place.folder / EMPTY)
        own_s: list[float] = []
        walls: dict[str, list[float]] = {"ours": [], "control": []}

        def side(name: str) -> Measured:
            spent = Spent()
            with fresh_repository(place):
                right = measure_ours(place, spent) if name == "ours" else measure_control(place, spent)
            walls[name].append(spent.wall_s)
            if name == "ours":
                own_s.append(spent.own_cpu_s)
            return Measured(spent.cpu_s, {f"{name} copied all": right})

        ratio, ours, control, spread, checks = compare(lambda: side("ours"), lambda: side("control"), pairs=pairs)
    wall_ratio = statistics.median(mine / theirs for mine, theirs in zip(walls["ours"], walls["control"], strict=True))
    checks |= {
        f"CPU at most {CPU_BAR:.2f} of the script's": ratio <= CPU_BAR,
        f"wall time at most {WALL_BAR:.2f} of the script's": wall_ratio <= WALL_BAR,
    }
    return Result(
        name="restic_overhead",
        ratio=ratio,
        ours=ours,
        control=control,
        unit="CPU s",
        n=pairs,
        spread=spread,
        checks=checks,
        control_cmd="sh: restic backup --json …; restic snapshots --json <its id>",
        versions={"python": platform.python_version(), "restic": output_of("restic", "version").split()[1]},
        beside={
            "wall_ratio": round(wall_ratio, 4),
            "ours_without_restic_cpu_s": round(statistics.median(own_s), 2),
            "ours_wall_s": round(statistics.median(walls["ours"]), 2),
            "control_wall_s": round(statistics.median(walls["control"]), 2),
        },
    )


def make_source(folder: Path) -> None:
    """Many small files and a few large ones, of chance: nothing to compress, nothing twice."""
    rng = random.Random(1)
    for number in range(SMALL_FILES):
        file = folder / f"{number // 200:03}" / f"{number:05}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(rng.randbytes(SMALL_BYTES))
    for number in range(LARGE_FILES):
        (folder / f"{number:02}.bin").write_bytes(rng.randbytes(LARGE_BYTES))


@contextmanager
def fresh_repository(place: BackupPlace) -> Iterator[None]:
    """An empty repository and memory; gone afterwards."""
    shutil.copytree(place.folder / EMPTY, place.repository)
    os.sync()
    try:
        yield
    finally:
        shutil.rmtree(place.repository)
        for file in place.folder.glob("backup.db*"):
            file.unlink()


def measure_ours(place: BackupPlace, spent: Spent) -> bool:
    """One run of a plan; whether it is proven."""
    return asyncio.run(_run(place, spent))


def measure_control(place: BackupPlace, spent: Spent) -> bool:
    """The same commands, of a shell script; whether the snapshot is there."""
    repository = Repository(str(place.repository), place.password_file, host="council")
    backup = commands.backup(repository, (place.source,), tags=(f"plan:{PLAN}",))
    snapshots = commands.snapshots(repository, ids=("@ID",))
    script = SCRIPT.format(
        backup=shlex.join(backup.arguments),
        snapshots=shlex.join(snapshots.arguments).replace("@ID", '"$id"'),
        said=shlex.quote(str(place.folder / "said")),
    )
    words, given = ["sh", "-c", script], environment()
    with spent.counted():
        done = subprocess.run(words, capture_output=True, text=True, check=False, env=given, start_new_session=True)
    return done.returncode == 0 and f"plan:{PLAN}" in done.stdout


async def _run(place: BackupPlace, spent: Spent) -> bool:
    clock = SystemClock()
    restic = await find_restic("restic", clock=clock)
    history = History(place.folder / "backup.db")
    repository = Repository(str(place.repository), place.password_file, host="council")
    tools = Tools(restic, repository, history, clock, random.Random(1), "boot", asyncio.Lock())
    plan = Plan(PLAN, "Документи", SiteId("council"), (place.source,))
    with spent.counted():
        outcome = await Runner(tools).run(plan)
    history.close()
    files = outcome.summary.files if outcome.summary else 0
    return outcome.kind is OutcomeKind.OK and files == SMALL_FILES + LARGE_FILES


def _cpu_s(whose: int) -> float:
    used = resource.getrusage(whose)
    return used.ru_utime + used.ru_stime
