"""The journal through `kill -9` in the middle of writing, and a long one verified in steady memory."""

import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from beket.access.access_time import AccessTime
from beket.access.journal import Event, Journal
from beket.access.store import open_access_db
from beket.kernel.clock import SystemClock

WRITER = """
import sys
from pathlib import Path
from beket.access.access_time import AccessTime
from beket.access.journal import Event, Journal
from beket.access.store import open_access_db
from beket.kernel.clock import SystemClock

database = open_access_db(Path(sys.argv[1]))
journal = Journal(database, AccessTime(database, clock=SystemClock(), boot_id="b"))
while True:
    sys.stdout.write(f"{journal.append(Event(actor='beket', action='test'))}\\n")
    sys.stdout.flush()
"""


@pytest.mark.parametrize("after", [1, 40])
def test_every_acknowledged_entry_is_there_after_a_kill(tmp_path: Path, after: int) -> None:
    path = tmp_path / "access.db"
    root = Path(__file__).parents[3]
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True, cwd=root
    ) as writer:
        assert writer.stdout is not None
        acknowledged = [int(writer.stdout.readline()) for _ in range(after)]
        writer.kill()
        acknowledged += [int(line) for line in writer.stdout.read().split("\n")[:-1]]
    database = open_access_db(path)
    try:
        journal = Journal(database, AccessTime(database, clock=SystemClock(), boot_id="b"))
        assert journal.verify() is None
        assert journal.head().sequence >= max(acknowledged)
        assert journal.append(Event(actor="beket", action="test")) == journal.head().sequence
        assert journal.verify(anchor=journal.head()) is None
    finally:
        database.close()


def test_a_long_journal_is_verified_in_steady_memory(tmp_path: Path) -> None:
    database = open_access_db(tmp_path / "access.db")
    try:
        journal = Journal(database, AccessTime(database, clock=SystemClock(), boot_id="b"))

        def fill(count: int) -> None:
            event = Event(actor="user:olena", action="view-live", subject="gate", details={"why": "x" * 100})
            database.write(lambda connection: [journal.append_in(connection, event) for _ in range(count)])

        def peak_bytes() -> int:
            tracemalloc.start()
            assert journal.verify() is None
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            return peak

        fill(1000)
        short = peak_bytes()
        fill(3000)
        assert peak_bytes() < short * 1.5
    finally:
        database.close()
