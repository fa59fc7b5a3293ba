"""Children of a Beket process end with it, whichever way it ends."""

import asyncio
import os
import random
import subprocess
import sys
import time

import psutil
import pytest

from beket.app import process
from beket.kernel.clock import SystemClock

# A stand-in for `python -m beket …`: waits like a real part, through the same function.
WAITING_PART = """
import asyncio
from beket.app.process import stop_on_signals
async def main():
    await stop_on_signals().wait()
asyncio.run(main())
"""


@pytest.fixture
def parts_are_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `child(["-c", script])` run a script instead of a subcommand."""
    start = asyncio.create_subprocess_exec

    async def run_script(python: str, _m: str, _beket: str, *arguments: str, **options: object) -> object:
        return await start(python, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", run_script)


@pytest.mark.usefixtures("parts_are_scripts")
def test_child_is_over_when_the_block_ends() -> None:
    async def story() -> int:
        async with process.child(["-c", WAITING_PART]) as running:
            pid = running.pid
            assert psutil.pid_exists(pid)
        assert not psutil.pid_exists(pid)
        return running.returncode or 0

    assert asyncio.run(story()) in (0, -15)


@pytest.mark.usefixtures("parts_are_scripts")
def test_child_that_refuses_its_configuration_is_not_started_again() -> None:
    async def story() -> None:
        stop = asyncio.Event()
        await process.run_child(
            "part", ["-c", "import sys; sys.exit(78)"], clock=SystemClock(), rng=random.Random(1), stop=stop
        )

    with pytest.raises(process.ChildRefused) as refused:
        asyncio.run(story())
    assert refused.value.exit_code == 78


def test_child_stops_by_itself_when_its_parent_was_killed() -> None:
    parent_code = (
        "import asyncio, subprocess, sys, os\n"
        "part = subprocess.Popen([sys.executable, '-c', os.environ['PART']], stdin=subprocess.PIPE,"
        " env={**os.environ, 'BEKET_CHILD': '1'}, start_new_session=True)\n"
        "print(part.pid, flush=True)\n"
        "part.wait()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent_code], stdout=subprocess.PIPE, env={**os.environ, "PART": WAITING_PART}
    ) as parent:
        assert parent.stdout is not None
        part_pid = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 10
    while _alive(part_pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _alive(part_pid)


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
