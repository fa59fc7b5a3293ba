"""How a line is used, by what it has carried."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from backup.restic import commands
from backup.restic.commands import Repository
from backup.restic.link import FAIR, GOOD, MEASURED_BYTES_MIN, POOR, SEEN_RUNS, Carried, Link, profile_of, uplink_of
from beket.kernel.units import KIB, MIB

RUNS = st.lists(
    st.builds(Carried, st.integers(0, 10**12), st.floats(1, 10**6), st.booleans()),
    max_size=12,
)


def test_unknown_line_is_taken_for_a_poor_one() -> None:
    assert profile_of([]) is POOR
    assert uplink_of([Carried(MEASURED_BYTES_MIN - 1, 100)]) is None


def test_profile_follows_the_measured_uplink() -> None:
    assert profile_of([Carried(60 * MIB, 60)]) is POOR
    assert profile_of([Carried(300 * MIB, 60)]) is FAIR
    assert profile_of([Carried(2000 * MIB, 60)]) is GOOD


def test_best_of_the_last_runs_counts_and_older_ones_are_forgotten() -> None:
    slow = Carried(60 * MIB, 60)
    assert profile_of([slow, Carried(2000 * MIB, 60)]) is GOOD
    assert profile_of([*[slow] * SEEN_RUNS, Carried(2000 * MIB, 60)]) is POOR


def test_line_that_broke_last_time_is_poor_whatever_it_once_bore() -> None:
    assert profile_of([Carried(1 * MIB, 60, broke=True), Carried(2000 * MIB, 60)]) is POOR


@given(runs=RUNS, share=st.floats(0.1, 1))
def test_slower_line_never_gets_a_more_demanding_profile(runs: list[Carried], share: float) -> None:
    slower = [Carried(run.size_bytes, run.duration_s / share, run.broke) for run in runs]
    told = uplink_of(slower)
    if told is not None and uplink_of(runs) is not None:
        assert profile_of(slower).connections <= profile_of(runs).connections


@given(limit=st.floats(0, 10**9))
def test_limit_reaches_restic_in_its_unit_and_is_never_the_zero_that_means_none(limit: float) -> None:
    words = Link(POOR, limit).words()
    told_kib = int(words[words.index("--limit-upload") + 1])
    assert told_kib >= 1
    assert told_kib * KIB <= max(limit, 8 * KIB)


def test_profile_is_for_rest_repositories_alone() -> None:
    def words(location: str) -> tuple[str, ...]:
        repository = Repository(location, Path("/key"), host="council", link=Link(POOR))
        return commands.backup(repository, [Path("/data")]).arguments

    over_line = " ".join(words("rest:https://centre:8000/council/"))
    assert "--pack-size 4 -o rest.connections=1 --json backup" in over_line
    assert "--pack-size" not in words("/srv/copies")
