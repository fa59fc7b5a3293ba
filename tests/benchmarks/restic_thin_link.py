"""`restic_thin_link`: a first copy over a line of 1 MiB/s that resets every connection after 8 s; the bar is 45 s.

Restic's own defaults are tried over the same line beside it, and given up after twice the bar.
"""

import asyncio
import platform
import random
import tempfile
import time
from pathlib import Path

from backup.restic import commands
from backup.restic.commands import Repository
from backup.restic.link import Link, profile_of
from backup.restic.run import find_restic
from beket.kernel.clock import SystemClock
from beket.kernel.secrets import Secret, write_secret_file
from beket.kernel.units import MIB
from beket.testing.process import ProgramFailed, output_of
from beket.testing.restic import BackupPlace, plain_repository_server
from beket.testing.tcp_proxy import TcpProxy, tcp_proxy
from tests.benchmarks.result import Result

FILES, FILE_BYTES = 6, 4_000_000
LINE_BYTES_PER_S, RESET_AFTER_S = 1 * MIB, 8
BAR_S = 45.0


def run(*, pairs: int) -> Result:
    """Ours `pairs` times, the defaults once."""
    ours = [measure(as_we_do=True) for _ in range(pairs)]
    defaults_s, finished = measure(as_we_do=False)
    times_s = sorted(seconds for seconds, _ in ours)
    median_s = times_s[len(times_s) // 2]
    return Result(
        name="restic_thin_link",
        ratio=round(median_s / BAR_S, 4),
        ours=round(median_s, 2),
        control=BAR_S,
        unit="s",
        n=pairs,
        spread=(round(times_s[0] / BAR_S, 4), round(times_s[-1] / BAR_S, 4)),
        checks={
            "every copy completed": all(done for _, done in ours),
            f"within {BAR_S:.0f} s": median_s <= BAR_S,
        },
        control_cmd="45 s, the bar; beside it `restic backup` with its defaults, given up after 90 s",
        versions={"python": platform.python_version(), "restic": output_of("restic", "version").split()[1]},
        beside={"defaults_s": round(defaults_s, 1), "defaults_finished": float(finished)},
    )


def measure(*, as_we_do: bool) -> tuple[float, bool]:
    """How long a copy took, and whether it completed."""
    with tempfile.TemporaryDirectory(prefix="beket-bench-") as name:
        place = BackupPlace(Path(name))
        place.source.mkdir()
        rng = random.Random(1)
        for number in range(FILES):
            (place.source / f"{number}.bin").write_bytes(rng.randbytes(FILE_BYTES))
        write_secret_file(place.password_file, Secret("bench"))
        place.repository.mkdir()
        place.bare("init")
        with plain_repository_server(place.repository) as port, tcp_proxy(port) as proxy:
            proxy.line.bytes_per_s, proxy.line.reset_after_s = LINE_BYTES_PER_S, RESET_AFTER_S
            began_s = time.monotonic()
            done = asyncio.run(_ours(place, proxy)) if as_we_do else _bare(place, proxy)
            return time.monotonic() - began_s, done


async def _ours(place: BackupPlace, proxy: TcpProxy) -> bool:
    restic = await find_restic("restic", clock=SystemClock())
    # Nothing is known of this line yet.
    link = Link(profile_of([]))
    repository = Repository(f"rest:http://127.0.0.1:{proxy.port}/", place.password_file, host="council", link=link)
    ended = await restic.run(commands.backup(repository, [place.source]))
    return ended.exit_code == 0 and ended.summary is not None and ended.summary.files == FILES


def _bare(place: BackupPlace, proxy: TcpProxy) -> bool:
    address = f"rest:http://127.0.0.1:{proxy.port}/"
    opened = ("restic", "--no-cache", "--repo", address, "--password-file", place.password_file)
    try:
        return "saved" in output_of(*opened, "backup", place.source, within_s=2 * BAR_S)
    except ProgramFailed:
        return False
