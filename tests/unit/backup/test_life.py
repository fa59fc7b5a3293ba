"""What counts as life of a restic, for each kind of work."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup.restic.commands import Operation
from backup.restic.events import Progress, Words
from backup.restic.life import MOVED_BYTES, Life, Stored, Work, work_of
from beket.kernel.clock import NS_PER_S, SimulatedClock

SILENCE_S = 900


def _life(operation: Operation, clock: SimulatedClock, *, stored: Stored | None = None) -> Life:
    return Life(operation, clock, silence_s=SILENCE_S, stored=stored)


def test_copy_moves_by_what_it_tells_and_not_by_the_same_line_again() -> None:
    clock, seen = SimulatedClock(), list[Progress]()
    life = Life(Operation.BACKUP, clock, silence_s=SILENCE_S, on_progress=seen.append)
    for _ in range(3):
        clock.pass_time(100)
        life.see(Progress(0.5, 1, 10))
    assert life.still_s() == 200
    life.see(Words("щось"))
    assert (life.still_s(), len(seen)) == (0, 1)


def test_copy_that_hangs_and_makes_its_lock_anew_is_still() -> None:
    clock = SimulatedClock()
    life = _life(Operation.BACKUP, clock)
    io_bytes, cpu_s = 10**9, 300.0
    life.look(Work(io_bytes, cpu_s))
    for _ in range(SILENCE_S):
        clock.pass_time(1)
        # A status line each second, and a lock with its TLS each five minutes.
        io_bytes, cpu_s = io_bytes + 200 + 5000 // 300, cpu_s + 0.2
        life.hear(200)
        life.look(Work(io_bytes, cpu_s))
    assert life.still_s() >= SILENCE_S


def test_copy_moves_by_what_comes_to_rest_in_the_repository() -> None:
    clock = SimulatedClock()
    stored: list[int | None] = [None, 0, 0, 4 * 1024 * 1024, 4 * 1024 * 1024 + 50]
    life = _life(Operation.BACKUP, clock, stored=lambda: stored.pop(0))
    still = []
    for _ in range(5):
        clock.pass_time(512)
        life.look(None)
        still.append(life.still_s())
    assert still == [512, 1024, 1536, 0, 512]


@pytest.mark.parametrize("operation", [Operation.CHECK, Operation.PRUNE, Operation.COPY, Operation.RESTORE])
def test_silent_work_moves_by_reading_writing_and_computing(operation: Operation) -> None:
    clock = SimulatedClock()
    life = _life(operation, clock)
    works = [Work(0, 0), Work(MOVED_BYTES - 1, 1), Work(MOVED_BYTES, 1), Work(MOVED_BYTES, 50), Work(MOVED_BYTES, 51)]
    still = []
    for work in works:
        clock.pass_time(100)
        life.look(work)
        still.append(life.still_s())
    assert still == [100, 200, 0, 0, 100]


def test_silence_means_nothing_where_nobody_can_look_at_a_silent_work() -> None:
    clock = SimulatedClock()
    long, short = _life(Operation.CHECK, clock), _life(Operation.SNAPSHOTS, clock)
    clock.pass_time(10_000)
    for life in (long, short):
        life.look(None)
    assert (long.still_s(), short.still_s()) == (0, 10_000)


@given(st.lists(st.tuples(st.sampled_from(["work", "hear", "wait", "say"]), st.integers(0, 10**7)), max_size=60))
def test_stillness_never_outruns_the_clock_and_any_word_ends_it(steps: list[tuple[str, int]]) -> None:
    clock = SimulatedClock()
    life, began_ns, done = _life(Operation.PRUNE, clock), clock.mono_ns(), 0
    for step, amount in steps:
        if step == "work":
            done += amount
            life.look(Work(done, done / 10**6))
        elif step == "hear":
            life.hear(amount)
        elif step == "wait":
            clock.pass_time(amount / 1000)
        else:
            life.see(Words("слово"))
            assert life.still_s() == 0
        assert 0 <= life.still_s() <= (clock.mono_ns() - began_ns) / NS_PER_S


def test_work_of_a_session_counts_its_children_too() -> None:
    child = "head -c 3000000 /dev/zero > /dev/null; echo ready; cat"
    process = subprocess.Popen(
        ["sh", "-c", child], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    work = work_of(process.pid)
    assert work is not None
    assert work.io_bytes > 5_000_000
    process.communicate()
    assert work_of(process.pid) is None
