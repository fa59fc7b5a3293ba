"""`restic_overhead`: wall time of a plan's run, proof and all, against bare `restic backup`.

A small tree (200 files, 20 MB) that is already in the repository: the worst case, since nearly all of it is restic's
own start. Ours starts restic once more, for the proof.
"""

import asyncio
import platform
import random
import shutil
import tempfile
import time
from pathlib import Path

from backup.history import History
from backup.plans import Plan
from backup.restic.commands import Repository
from backup.restic.outcome import OutcomeKind
from backup.restic.run import find_restic
from backup.runner import Runner, Tools
from beket.kernel.clock import SystemClock
from beket.kernel.ids import SiteId
from beket.testing.process import output_of
from beket.testing.restic import BackupPlace, make_backup_place
from tests.benchmarks.result import Measured, Result, compare

FILES = 200
SIZE_BYTES = 20_000_000


def run(*, pairs: int) -> Result:
    """Measure both sides `pairs` times."""
    with tempfile.TemporaryDirectory(prefix="beket-bench-") as name:
        place = make_backup_place(Path(name), size_bytes=SIZE_BYTES, files=FILES)
        measure_ours(place)
        ratio, ours, control, spread, checks = compare(
            lambda: measure_ours(place), lambda: measure_control(place), pairs=pairs
        )
    return Result(
        name="restic_overhead",
        ratio=ratio,
        ours=ours,
        control=control,
        unit="s",
        n=pairs,
        spread=spread,
        checks=checks,
        control_cmd="restic --no-cache --repo {folder} --password-file {file} backup {source}",
        versions={"python": platform.python_version(), "restic": output_of("restic", "version").split()[1]},
    )


def measure_ours(place: BackupPlace) -> Measured:
    """One run of a plan."""
    return asyncio.run(_run(place))


def measure_control(place: BackupPlace) -> Measured:
    """The same copy, unproven."""
    began_s = time.monotonic()
    said = place.bare("backup", place.source)
    return Measured(time.monotonic() - began_s, {"control copied": "saved" in said})


async def _run(place: BackupPlace) -> Measured:
    clock = SystemClock()
    restic = await find_restic(shutil.which("restic") or "restic", clock=clock)
    history = History(place.folder / "backup.db")
    repository = Repository(str(place.repository), place.password_file, host="council")
    tools = Tools(restic, repository, history, clock, random.Random(1), "boot", asyncio.Lock())
    plan = Plan("documents", "Документи", SiteId("council"), (place.source,))
    began_s = time.monotonic()
    outcome = await Runner(tools).run(plan)
    taken_s = time.monotonic() - began_s
    history.close()
    return Measured(taken_s, {"ours proven": outcome.kind is OutcomeKind.OK})
