"""A copy that is being made, from what its host tells to what the centre shows."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup.messages import BackupReport, PlanReport, Running
from backup.repository.ledger import Told
from backup.repository.overview import RUNNING_HEARD_WITHIN_S, running_of
from backup.web import in_our_time
from beket.kernel.clock import NS_PER_S

NOW_NS = 1_800_000_000 * NS_PER_S
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


def plan(running: Running | None) -> PlanReport:
    return PlanReport(id="documents", name="Документи", every_hours=24, running=running)


@pytest.mark.parametrize("ahead_s", [-86_400, 0, 86_400])
def test_a_run_began_when_it_did_whatever_the_hosts_clock_says(ahead_s: int) -> None:
    theirs_ns = NOW_NS + ahead_s * NS_PER_S
    told = plan(Running(began_ns=theirs_ns - 60 * NS_PER_S, read_ratio=0.5, stored_bytes=7, stored_ratio=0.25))
    (ours,) = in_our_time(BackupReport(wall_ns=theirs_ns, plans=(told,)), wall_ns=NOW_NS)
    assert ours.running == Running(began_ns=NOW_NS - 60 * NS_PER_S, read_ratio=0.5, stored_bytes=7, stored_ratio=0.25)


@given(began_ns=st.integers(-(2**62), 2**62), read=FLOATS, stored=st.integers(), ratio=st.none() | FLOATS)
def test_what_no_run_can_be_is_kept_within_bounds(began_ns: int, read: float, stored: int, ratio: float | None) -> None:
    told = plan(Running(began_ns=began_ns, read_ratio=read, stored_bytes=stored, stored_ratio=ratio))
    (ours,) = in_our_time(BackupReport(wall_ns=NOW_NS, plans=(told,)), wall_ns=NOW_NS)
    assert ours.running is not None
    assert ours.running.began_ns <= NOW_NS
    assert 0 <= ours.running.read_ratio <= 1
    assert (ours.running.stored_bytes or 0) >= 0
    assert ours.running.stored_ratio is None or 0 <= ours.running.stored_ratio <= 1


def test_a_host_that_fell_silent_is_making_no_copy_that_we_know_of() -> None:
    running = Running(began_ns=NOW_NS)
    told = Told("council", NOW_NS, plan(running))
    assert running_of(told, wall_ns=NOW_NS + RUNNING_HEARD_WITHIN_S * NS_PER_S) == running
    assert running_of(told, wall_ns=NOW_NS + RUNNING_HEARD_WITHIN_S * NS_PER_S + 1) is None


def test_an_agent_that_is_older_tells_of_no_run() -> None:
    older = msgspec.json.encode({"id": "documents", "name": "Документи", "every_hours": 24})
    assert msgspec.json.decode(older, type=PlanReport).running is None
