"""What may be forgotten: no wrong clock, at either end, and no thief's date ever takes the newest copies."""

import datetime

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from backup.repository.forgetting import DAY_NS, Guard, decide, group_of
from backup.repository.upkeep import proposed_in, repack_bytes
from backup.restic.events import Snapshot
from beket.kernel.clock import utc
from beket.kernel.units import GIB

NOW_NS = 1_800_000_000 * 10**9
GUARD = Guard(floor=3, young_days=14)


def snapshot(number: int, made_days_ago: float, *, plan: str = "дані", paths: tuple[str, ...] = ("/дані",)) -> Snapshot:
    moment, tags = utc(NOW_NS) - datetime.timedelta(days=made_days_ago), (f"plan:{plan}",)
    return Snapshot(id=f"{number:064x}", time=moment.isoformat(), paths=paths, hostname="h", tags=tags)


def days(*ages: float) -> dict[str, int]:
    return {f"{number:064x}": NOW_NS - round(age * DAY_NS) for number, age in enumerate(ages)}


def ids(*numbers: int) -> set[str]:
    return {f"{number:064x}" for number in numbers}


def test_old_ones_go_and_the_floor_stays() -> None:
    ages = [1, 2, 3, 100, 200, 300, 400]
    snapshots = [snapshot(number, age) for number, age in enumerate(ages)]
    decision = decide(snapshots, days(*ages), ids(4, 5, 6), GUARD, wall_ns=NOW_NS)
    assert (set(decision.remove), decision.kept, decision.refusal) == (ids(4, 5, 6), 4, None)
    assert decision.remove[0] == f"{6:064x}"  # the oldest first
    decision = decide(snapshots, days(*ages), ids(*range(7)), GUARD, wall_ns=NOW_NS, many_are_fine=True)
    assert (set(decision.remove), decision.spared) == (ids(3, 4, 5, 6), 3)


@given(paths=st.lists(st.sets(st.sampled_from("абвг"), min_size=1), min_size=20, max_size=20))
def test_copies_of_one_plan_are_judged_together_whatever_they_hold(paths: list[set[str]]) -> None:
    ages = [*range(1, 400, 20)]
    alike = [snapshot(number, age) for number, age in enumerate(ages)]
    other = [snapshot(number, age, paths=tuple(paths[number])) for number, age in enumerate(ages)]
    asked = (days(*ages), ids(*range(12, 20)), GUARD)
    assert decide(other, *asked, wall_ns=NOW_NS) == decide(alike, *asked, wall_ns=NOW_NS)
    assert set(decide(other, *asked, wall_ns=NOW_NS).remove) == ids(*range(12, 20))


def test_a_plan_is_told_by_its_tag_else_by_all_tags() -> None:
    one = snapshot(1, 1, plan="held")
    more, none = msgspec.structs.replace(one, tags=("ніч", "plan:held")), msgspec.structs.replace(one, tags=("б", "а"))
    assert group_of(one) == group_of(more) == ("plan:held",)
    assert group_of(none) == ("а", "б")


def test_what_a_dead_clock_dated_1970_is_as_young_as_its_arrival() -> None:
    ages = [1, 2, 3, 4, 5, 100]
    snapshots = [snapshot(number, age + (20_000 if number in (3, 4) else 0)) for number, age in enumerate(ages)]
    assert set(decide(snapshots, days(*ages), ids(3, 4, 5), GUARD, wall_ns=NOW_NS).remove) == ids(5)


def test_one_snapshot_dated_ahead_cannot_make_the_others_old() -> None:
    ages = [0.5, *range(1, 300, 10)]
    snapshots = [snapshot(0, -5000), *(snapshot(number, age) for number, age in enumerate(ages) if number)]
    decision = decide(snapshots, days(*ages), ids(*range(1, 31)), GUARD, wall_ns=NOW_NS, many_are_fine=True)
    assert decision.remove == ()
    assert decision.refusal is not None


def test_more_than_half_needs_consent_and_a_centre_in_the_past_forgets_nothing() -> None:
    ages = [*range(1, 400, 20)]
    snapshots = [snapshot(number, age) for number, age in enumerate(ages)]
    asked = (snapshots, days(*ages), ids(*range(5, 20)), GUARD)
    refused = decide(*asked, wall_ns=NOW_NS)
    assert refused.remove == ()
    assert refused.refusal is not None
    assert "15" in refused.refusal.uk
    assert len(decide(*asked, wall_ns=NOW_NS, many_are_fine=True).remove) == 15
    assert decide(*asked, wall_ns=NOW_NS - 30 * DAY_NS, many_are_fine=True).remove == ()


@settings(deadline=None)
@given(
    rows=st.lists(st.tuples(st.floats(0, 2000), st.floats(-3000, 21_000), st.booleans(), st.booleans()), max_size=40),
    wall_days=st.floats(-4000, 4000),
    many=st.booleans(),
)
def test_whatever_the_clocks_say_the_newest_arrivals_stay(
    rows: list[tuple[float, float, bool, bool]], wall_days: float, many: bool
) -> None:
    """`rows`: arrived so many days ago, host's clock off by so many days, another plan, proposed; no paths twice."""
    snapshots = [
        snapshot(number, arrived + off, plan="a" if other else "b", paths=(f"/{number}",))
        for number, (arrived, off, other, _) in enumerate(rows)
    ]
    arrivals = days(*(arrived for arrived, *_ in rows))
    proposed = {one.id for one, (*_, wanted) in zip(snapshots, rows, strict=True) if wanted}
    wall_ns = NOW_NS + round(wall_days * DAY_NS)
    decision = decide(snapshots, arrivals, proposed, GUARD, wall_ns=wall_ns, many_are_fine=many)
    gone = set(decision.remove)
    assert gone <= proposed
    assert decision.kept == len(snapshots) - len(gone)
    for tag in ("plan:a", "plan:b"):
        group = sorted((one for one in snapshots if tag in one.tags), key=lambda one: -arrivals[one.id])
        newest = [one.id for one in group[: GUARD.floor]]
        # Of arrivals in the very same instant any may be the newest.
        assert len(gone & set(newest)) == 0 or len({arrivals[one.id] for one in group}) < len(group)
        assert len([one for one in group if one.id not in gone]) >= min(GUARD.floor, len(group))
        if not many:
            assert len([one for one in group if one.id in gone]) <= len(group) / 2
    assert all(arrivals[one] < wall_ns - 14 * DAY_NS for one in gone)


def test_restics_proposal_is_read() -> None:
    document = b'[{"tags":null,"host":"h","keep":[{"id":"aa"}],"remove":[{"id":"bb","short_id":"b"}]},{"remove":null}]'
    assert proposed_in(document) == {"bb"}
    assert proposed_in(b"null") == proposed_in(b"") == set()


def test_prune_writes_no_more_than_the_disk_can_spare() -> None:
    assert repack_bytes(GIB) == 0
    assert repack_bytes(102 * GIB) == 50 * GIB
