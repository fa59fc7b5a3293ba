"""Owns a PostgreSQL that lives for one drill: a dump is restored into it, its rows are counted, it is gone.

The programs are the machine's own, `/usr/lib/postgresql/<release>/bin` or the path; it listens on a socket in a
private folder alone. The dump is restored by an account without rights outside its database. PostgreSQL refuses root:
then it runs as `postgres`, the account that Debian makes for it.
"""

import asyncio
import contextlib
import os
import pwd
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from backup.acts.record import Loaded

PROGRAMS = ("initdb", "postgres", "pg_restore", "psql")
DEBIANS = Path("/usr/lib/postgresql")
ACCOUNT = "postgres"
OWNER, DATABASE = "drill", "drill"
WITHIN_S = 600.0
ASK_EVERY_S = 0.1
END_WITHIN_S = 15.0
NOTE_MAX_CHARS = 300
_TORN = ("could not read from input file", "unexpected end of file", "input file", "could not uncompress")
_COUNT = (
    "SELECT count(*), coalesce(sum((xpath('/row/c/text()', query_to_xml(format('SELECT count(*) AS c FROM %I.%I',"
    " schemaname, tablename), false, true, '')))[1]::text::bigint), 0) FROM pg_tables"
    " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
)


@dataclass(frozen=True, slots=True)
class _Cluster:
    programs: Path
    socket: Path
    user: int | None

    async def run(self, program: str, *arguments: str, stdin: IO[bytes] | None = None) -> tuple[int, str, str]:
        """A program of PostgreSQL to its end: exit code, what it printed, what it complained of."""
        process = await asyncio.create_subprocess_exec(
            self.programs / program,
            *arguments,
            stdin=stdin or asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=_environment(),
            cwd="/",
            user=self.user,
            group=_group_of(self.user),
            extra_groups=None if self.user is None else [],
        )
        try:
            out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return process.returncode or 0, out.decode(errors="replace"), err.decode(errors="replace")

    async def ask(self, query: str, *, owner: str = ACCOUNT, database: str = "postgres") -> tuple[int, str, str]:
        """One query; columns are divided by `|`."""
        words = ("-h", str(self.socket), "-U", owner, "-d", database, "-X", "-A", "-t", "-c", query)
        return await self.run("psql", *words)


def programs() -> Path | None:
    """The folder with this machine's PostgreSQL, the newest release; None without one."""
    found = [folder for folder in DEBIANS.glob("*/bin") if all((folder / name).exists() for name in PROGRAMS)]
    if found:
        return max(found, key=lambda folder: float(folder.parent.name) if folder.parent.name.isdigit() else 0)
    on_path = shutil.which("initdb")
    folder = Path(on_path).resolve().parent if on_path else None
    return folder if folder and all((folder / name).exists() for name in PROGRAMS) else None


async def load(dump: Path, path: str, scratch: Path) -> Loaded:
    """Restore `dump` (pg_dump's custom format) into a cluster of its own under `scratch`; `path` is its name."""
    folder, user = programs(), _account()
    if folder is None or (os.geteuid() == 0 and user is None):
        return Loaded(path, "postgresql", None, note="no PostgreSQL on this machine")
    try:
        async with asyncio.timeout(WITHIN_S), _running(folder, scratch, user) as cluster:
            return await _load(cluster, dump, path)
    except (TimeoutError, OSError) as error:
        return Loaded(path, "postgresql", None, note=(str(error) or "too slow")[:NOTE_MAX_CHARS])


async def _load(cluster: _Cluster, dump: Path, path: str) -> Loaded:
    for query in (f"CREATE ROLE {OWNER} LOGIN", f"CREATE DATABASE {DATABASE} OWNER {OWNER}"):
        code, _, complaint = await cluster.ask(query)
        if code:
            raise OSError(complaint.strip())
    address = ("-h", str(cluster.socket), "-U", OWNER, "-d", DATABASE, "--no-owner", "--no-privileges")
    with dump.open("rb") as stdin:
        code, _, complaint = await cluster.run("pg_restore", *address, stdin=stdin)
    if code:
        # What needs rights that a drill does not give says nothing of the dump; a torn one does.
        is_torn = any(words in complaint for words in _TORN)
        return Loaded(path, "postgresql", False if is_torn else None, note=complaint.strip()[:NOTE_MAX_CHARS])
    code, counted, complaint = await cluster.ask(_COUNT, owner=OWNER, database=DATABASE)
    if code:
        return Loaded(path, "postgresql", None, note=complaint.strip()[:NOTE_MAX_CHARS])
    tables, rows = counted.strip().split("|")
    return Loaded(path, "postgresql", True, int(tables), int(rows))


@contextlib.asynccontextmanager
async def _running(folder: Path, scratch: Path, user: int | None) -> AsyncIterator[_Cluster]:
    """A cluster at work; its data under `scratch`, its socket where the path is short enough."""
    # 107 bytes are all that a socket's path may have.
    private = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="beket-drill-"))
    data = scratch / "cluster" if user is None else private / "cluster"
    try:
        if user is not None:
            await asyncio.to_thread(os.chown, private, user, -1)
        cluster = _Cluster(folder, private, user)
        made = ("-D", str(data), "-U", ACCOUNT, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        code, _, complaint = await cluster.run("initdb", *made)
        if code:
            raise OSError(complaint.strip())
        server = await _start(cluster, data)
        try:
            while (await cluster.ask("SELECT 1"))[0]:
                if server.returncode is not None:
                    raise OSError("PostgreSQL did not start")
                await asyncio.sleep(ASK_EVERY_S)
            yield cluster
        finally:
            await _end(server)
    finally:
        await asyncio.to_thread(shutil.rmtree, private, ignore_errors=True)


async def _start(cluster: _Cluster, data: Path) -> asyncio.subprocess.Process:
    settings = ("listen_addresses=", "fsync=off", "shared_buffers=16MB", "max_connections=10", "autovacuum=off")
    words = [word for setting in settings for word in ("-c", setting)]
    return await asyncio.create_subprocess_exec(
        cluster.programs / "postgres",
        "-D",
        str(data),
        "-k",
        str(cluster.socket),
        *words,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env=_environment(),
        cwd="/",
        user=cluster.user,
        group=_group_of(cluster.user),
        extra_groups=None if cluster.user is None else [],
    )


async def _end(server: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        server.send_signal(2)  # «fast»: no waiting for sessions
        try:
            await asyncio.wait_for(server.wait(), END_WITHIN_S)
        except TimeoutError:
            server.kill()
            await server.wait()


def _account() -> int | None:
    """The account to run as; None for our own, or where there is none."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(ACCOUNT).pw_uid
    except KeyError:
        return None


def _group_of(user: int | None) -> int | None:
    return None if user is None else pwd.getpwuid(user).pw_gid


def _environment() -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "HOME": "/"}
