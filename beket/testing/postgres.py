"""Owns a PostgreSQL of one test, by the machine's own programs; it refuses root, so then it is `postgres`'s."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from beket.testing.process import output_of

BIN = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
START_WITHIN_S = 60


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running server: the folder of its socket, and how to speak to it."""

    socket: Path

    def query(self, words: str, *, database: str = "postgres") -> str:
        """One statement, as psql prints it."""
        return output_of(
            BIN[-1] / "psql", "-X", "-A", "-t", "-h", self.socket, "-U", "postgres", "-d", database, "-c", words
        )

    def dump(self, database: str, to: Path) -> None:
        """A dump in pg_dump's custom format."""
        with to.open("wb") as file:
            argv: list[str | Path] = [BIN[-1] / "pg_dump", "-h", self.socket, "-U", "postgres", "-Fc", database]
            subprocess.run(argv, stdout=file, check=True, timeout=60)


@contextlib.contextmanager
def running_postgres() -> Iterator[Cluster]:
    """A fresh cluster on a socket alone."""
    # A short path: a socket's may have 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="beket-pg-"))
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
    data = folder / "data"

    def run(*argv: str | Path) -> None:
        subprocess.run(
            argv, check=True, user=user, cwd="/", stdout=subprocess.DEVNULL, timeout=START_WITHIN_S, env={"LC_ALL": "C"}
        )

    try:
        run(BIN[-1] / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
        options = f"-c listen_addresses= -c fsync=off -k {folder}"
        waiting = ("-D", data, "-w", "-t", str(START_WITHIN_S), "-l", folder / "log")
        run(BIN[-1] / "pg_ctl", *waiting, "-o", options, "start")
        try:
            yield Cluster(folder)
        finally:
            run(BIN[-1] / "pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
