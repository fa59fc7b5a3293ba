"""What the centre sees of repositories by itself: freshness, standings, the rounds of the hash walk, its memory."""

import dataclasses
import datetime
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from backup.messages import PlanReport
from backup.repository.config import WalkConfig
from backup.repository.freshness import FUTURE_S, Content, Shelf, look_into, oldest_lock_s
from backup.repository.ledger import DAY_NS, Key, Ledger, Told, Walk
from backup.repository.overview import Proof, contents_of, forecast, is_envelope_due, proof_of, views_of
from backup.repository.rounds import is_open, next_host, walk_on
from backup.repository.standing import DOUBT_NS, HOUR_NS, SILENT_NS, Claim, Standing, claim_of, judge
from backup.repository.tables import METADATA
from backup.repository.walk import Damage, Fault
from backup.restic.outcome import Outcome, OutcomeKind
from backup.sentence import KYIV
from beket.kernel.clock import NS_PER_S, utc
from beket.kernel.text import say
from beket.kernel.units import GIB

NOW_NS = 1_800_000_000 * NS_PER_S


def put_snapshot(repository: Path, content: bytes, at_ns: int) -> Path:
    path = repository / "snapshots" / hashlib.sha256(content).hexdigest()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, ns=(at_ns, at_ns))
    return path


# Freshness -----------------------------------------------------------------------------------------------------------


def test_newest_whole_snapshot_counts_by_the_centres_time(tmp_path: Path) -> None:
    assert look_into(tmp_path, wall_ns=NOW_NS) == Content(0, None, (), is_there=False)
    for number, age_h in enumerate((100, 50, 10)):
        put_snapshot(tmp_path, bytes([number]), NOW_NS - age_h * HOUR_NS)
    torn = put_snapshot(tmp_path, b"torn", NOW_NS - HOUR_NS)
    torn.write_bytes(b"to")
    os.utime(torn, ns=(NOW_NS - HOUR_NS, NOW_NS - HOUR_NS))
    content = look_into(tmp_path, wall_ns=NOW_NS)
    assert (content.snapshots, content.newest_ns, content.damaged) == (4, NOW_NS - 10 * HOUR_NS, (torn.name,))


def test_snapshot_from_the_future_proves_nothing(tmp_path: Path) -> None:
    put_snapshot(tmp_path, b"old", NOW_NS - 90 * HOUR_NS)
    put_snapshot(tmp_path, b"future", NOW_NS + (FUTURE_S + 1) * NS_PER_S)
    content = look_into(tmp_path, wall_ns=NOW_NS)
    assert (content.newest_ns, content.ahead, content.snapshots) == (NOW_NS - 90 * HOUR_NS, 1, 2)


@settings(deadline=None, max_examples=40)
@given(steps=st.lists(st.sampled_from(["add", "remove", "key", "look"]), max_size=12))
def test_remembered_look_says_what_a_fresh_look_says(steps: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        repository, shelf, made = Path(name), Shelf(), []
        (repository / "keys").mkdir()
        for number, step in enumerate(steps):
            if step == "add":
                made.append(put_snapshot(repository, bytes([number]), NOW_NS - number * HOUR_NS))
            elif step == "remove" and made:
                made.pop().unlink()
            elif step == "key":
                (repository / "keys" / f"{number:064x}").write_bytes(b"")
            for folder in repository.iterdir():  # the steps are quicker than the ticks of a folder's own time
                os.utime(folder, (number, number + (step != "look")))
            assert shelf.look([repository], wall_ns=NOW_NS)[repository] == look_into(repository, wall_ns=NOW_NS)


# Standings -----------------------------------------------------------------------------------------------------------


def content_of(age_h: float | None) -> Content:
    return Content(0 if age_h is None else 1, None if age_h is None else NOW_NS - round(age_h * HOUR_NS), ())


def claim(heard_h: float | None, copied_h: float | None, every_hours: float = 24) -> Claim:
    def moment(age_h: float | None) -> int | None:
        return None if age_h is None else NOW_NS - round(age_h * HOUR_NS)

    return Claim(moment(heard_h), moment(copied_h), every_hours)


@pytest.mark.parametrize(
    ("age_h", "heard_h", "copied_h", "standing"),
    [
        (5, 0.1, 5, Standing.FRESH),
        (47, 30, 47, Standing.FRESH),  # silent, but the copy is young enough
        (5, 0.1, None, Standing.EMPTY),  # parts of a first copy are none
        (49, 0.1, 49, Standing.LATE),
        (49, 0.1, None, Standing.LATE),
        (49, 30, 49, Standing.SILENT),
        (49, None, None, Standing.SILENT),
        (49, 0.1, 2, Standing.LYING),
        (49, 30, 31, Standing.LYING),
        (5, 0.1, 3, Standing.LYING),  # even a young copy is no other copy
        (None, 0.1, 2, Standing.LYING),
        (None, 0.1, None, Standing.EMPTY),
        (None, None, None, Standing.EMPTY),
        (None, 30, None, Standing.SILENT),
    ],
)
def test_late_silent_and_lying_are_told_apart(
    age_h: float | None, heard_h: float | None, copied_h: float | None, standing: Standing
) -> None:
    assert judge(content_of(age_h), claim(heard_h, copied_h), wall_ns=NOW_NS) is standing


@given(age_h=st.floats(0, 2000), heard_h=st.floats(0, 2000), copied_h=st.floats(0, 2000), every_hours=st.floats(1, 200))
def test_old_copy_is_never_called_fresh(age_h: float, heard_h: float, copied_h: float, every_hours: float) -> None:
    found = judge(content_of(age_h), claim(heard_h, copied_h, every_hours), wall_ns=NOW_NS)
    if age_h > 2 * every_hours + 0.001:
        assert found in (Standing.LATE, Standing.SILENT, Standing.LYING)
    if found is Standing.LYING:
        assert (age_h - copied_h) * HOUR_NS >= DOUBT_NS - NS_PER_S
    if found is Standing.LATE:
        assert heard_h * HOUR_NS <= SILENT_NS + NS_PER_S


def test_host_is_as_hurried_as_its_most_hurried_plan() -> None:
    reports = [PlanReport(id="a", name="А", every_hours=24, copied_ns=7), PlanReport(id="b", name="Б", every_hours=4)]
    assert claim_of([Told("h", 9, one) for one in reports]) == Claim(9, 7, 4)
    assert claim_of([]) == Claim()


# Rounds --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("from_hour", "until_hour", "open_hours"),
    [(1, 6, {1, 2, 3, 4, 5}), (22, 3, {22, 23, 0, 1, 2}), (4, 4, set(range(24))), (20, 24, {20, 21, 22, 23})],
)
def test_disks_are_read_in_the_hours_that_are_allowed(from_hour: int, until_hour: int, open_hours: set[int]) -> None:
    config = WalkConfig(from_hour=from_hour, until_hour=until_hour)
    midnight_kyiv_ns = 1_700_172_000 * NS_PER_S  # 2023-11-17T00:00+02:00
    assert {h for h in range(24) if is_open(config, wall_ns=midnight_kyiv_ns + h * HOUR_NS)} == open_hours


def walk_of(host: str, cursor: str = "", ended_h: float | None = None) -> Walk:
    ended_ns = None if ended_h is None else NOW_NS - round(ended_h * HOUR_NS)
    return Walk(host, 0, cursor, 0, 0, ended_ns, 0, 0, "")


def test_begun_walk_goes_on_first_then_the_longest_unread() -> None:
    def chosen(*walks: Walk, hosts: str = "abc") -> str | None:
        return next_host(hosts, {walk.host: walk for walk in walks}, every_hours=20, wall_ns=NOW_NS)

    assert chosen(walk_of("a", ended_h=30), walk_of("b", "data/7", 25), walk_of("c", ended_h=40)) == "b"
    assert chosen(walk_of("a", ended_h=30), walk_of("b", ended_h=25)) == "c"
    assert chosen(walk_of("a", ended_h=30), walk_of("b", ended_h=40), walk_of("c", ended_h=1)) == "b"
    assert chosen(*(walk_of(host, ended_h=1) for host in "abc")) is None
    assert chosen(walk_of("a", ended_h=-5), walk_of("b", ended_h=1), walk_of("c", ended_h=1)) == "a"
    assert chosen(hosts="") is None


# The ledger ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path / "repositories.db")
    yield ledger
    ledger.close()


def test_migrations_make_the_declared_tables(ledger: Ledger) -> None:
    inspector = sa.inspect(ledger._database.engine)
    for table in METADATA.sorted_tables:
        assert {column["name"] for column in inspector.get_columns(table.name)} == set(table.columns.keys())
        assert {index["name"] for index in inspector.get_indexes(table.name)} == {index.name for index in table.indexes}


def test_walk_goes_on_after_a_restart_and_forgets_damage_that_is_mended(ledger: Ledger, tmp_path: Path) -> None:
    repository = tmp_path / "host"
    (repository / "config").parent.mkdir()
    (repository / "config").write_bytes(b"config")
    files = [put_snapshot(repository, bytes([number]), NOW_NS - DAY_NS) for number in range(5)]
    files[3].write_bytes(b"rot")
    os.utime(files[3], (1, 1))

    def walk_once() -> int:
        slices = 0
        while slices == 0 or ledger.walks()["host"].cursor:
            walk_on(tmp_path, "host", ledger, ledger.walks().get("host"), wall_ns=NOW_NS + slices, at_most_bytes=1)
            slices += 1
        return slices

    assert walk_once() == 7  # one file a slice, and one to see that there are no more
    walk = ledger.walks()["host"]
    assert (walk.whole_files, walk.whole_bytes, walk.ended_ns) == (6, 13, NOW_NS + 6)
    (found,) = ledger.damages()
    assert found.damage == Damage(f"snapshots/{files[3].name}", Fault.CONTENT)
    walk_once()
    assert ledger.damages() == [found]  # found once, with its first moment
    files[3].write_bytes(bytes([3]))
    (repository / "config").write_bytes(b"another")
    walk_once()
    assert [one.damage for one in ledger.damages()] == [Damage("config", Fault.CHANGED)]


def test_ledger_gives_back_what_it_was_told(ledger: Ledger) -> None:
    ledger.add_host("school-1", "school", wall_ns=5)
    ledger.add_host("school-1", "other", wall_ns=6)
    ledger.set_credential("school-1", "{SHA}x")
    ledger.suspend("school-1", "quota")
    (host,) = ledger.hosts()
    assert (host.host, host.site, host.added_ns, host.credential, host.suspended) == (
        "school-1",
        "school",
        5,
        "{SHA}x",
        "quota",
    )
    reports = [PlanReport(id="a", name="А", every_hours=24), PlanReport(id="b", name="Б", every_hours=4)]
    ledger.hear("school-1", reports, wall_ns=7)
    ledger.hear("school-1", reports[1:], wall_ns=8)
    assert ledger.told() == [Told("school-1", 8, reports[1])]
    ledger.keep_key("school-1", "k1", "host", wall_ns=1)
    ledger.key_was_tried("school-1", "host", wall_ns=2)
    ledger.keep_key("school-1", "k2", "recovery", wall_ns=3)
    assert [(key.key, key.holder, key.tried_ns) for key in ledger.known_keys()] == [
        ("k1", "host", 2),
        ("k2", "recovery", None),
    ]
    ledger.forget_key("school-1", "k1")
    assert [key.key for key in ledger.known_keys()] == ["k2"]


def test_host_is_seen_though_its_disk_is_away_or_its_copies_lie_elsewhere(ledger: Ledger, tmp_path: Path) -> None:
    plan = PlanReport(id="a", name="Документи", every_hours=24, copied_ns=NOW_NS, whole_ns=NOW_NS, outcome="ok")
    for host, site in (("gone-1", "gone"), ("far-1", "far"), ("near-1", "near")):
        ledger.add_host(host, site, wall_ns=0)
        ledger.hear(host, [plan], wall_ns=NOW_NS)
    ledger.keep_size("gone-1", 10, 1, wall_ns=NOW_NS)
    put_snapshot(tmp_path / "near", b"1", NOW_NS)  # on this very machine: the folder is called after the site
    (tmp_path / "near" / "config").touch()
    contents = contents_of(tmp_path, ledger, Shelf(), wall_ns=NOW_NS)
    views = views_of(ledger, contents, wall_ns=NOW_NS)
    assert [(view.host, view.standing) for view in views] == [
        ("gone-1", Standing.GONE),
        ("near", Standing.FRESH),
        ("far-1", Standing.ELSEWHERE),
    ]
    assert [plan.is_well for view in views for plan in view.plans] == [False, True, True]
    assert "Документи: остання копія — " in views[1].plans[0].sentence.uk
    ledger.drop_host("gone-1")
    assert contents_of(tmp_path, ledger, Shelf(), wall_ns=NOW_NS).keys() == {"near"}


def test_liar_is_told_in_every_plans_sentence(ledger: Ledger, tmp_path: Path) -> None:
    ledger.add_host("liar-1", "s", wall_ns=0)
    reports = [PlanReport(id="a", name="Документи", every_hours=24, copied_ns=NOW_NS, whole_ns=NOW_NS, outcome="ok")]
    ledger.hear("liar-1", reports, wall_ns=NOW_NS)
    put_snapshot(tmp_path / "liar-1", b"1", NOW_NS - 30 * HOUR_NS)
    contents = contents_of(tmp_path, ledger, Shelf(), wall_ns=NOW_NS)
    assert contents == {}  # nothing that restic made lies there
    (tmp_path / "liar-1" / "config").touch()
    (view,) = views_of(ledger, contents_of(tmp_path, ledger, Shelf(), wall_ns=NOW_NS), wall_ns=NOW_NS)
    assert view.standing is Standing.LYING
    assert "каже, що копія є" in view.plans[0].sentence.uk


def test_what_the_guard_refused_is_shown_until_it_is_over(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "h").mkdir()
    (tmp_path / "h" / "config").touch()

    def troubles() -> list[str]:
        (view,) = views_of(ledger, contents_of(tmp_path, ledger, Shelf(), wall_ns=NOW_NS), wall_ns=NOW_NS)
        return [trouble.uk for trouble in view.troubles]

    ledger.keep_work("h", "forget", Outcome(OutcomeKind.FAILED, say("Годинник хибний.", "Wrong clock.")), wall_ns=1)
    assert troubles() == ["Годинник хибний."]
    ledger.keep_work("h", "forget", Outcome(OutcomeKind.OK, say("Так.", "So.")), wall_ns=2)
    assert troubles() == []


def test_forecast_counts_from_the_last_month(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "h").mkdir()
    (tmp_path / "h" / "config").touch()
    for day, size in ((0, 1), (10, 11)):
        ledger.keep_size("h", size * GIB, 1, wall_ns=NOW_NS - (10 - day) * DAY_NS)
    views = views_of(ledger, contents_of(tmp_path, ledger, Shelf(), wall_ns=NOW_NS), wall_ns=NOW_NS)
    assert views[0].growth_bytes == GIB
    assert "щодня додається 1,0 ГіБ" in forecast(views, 30 * GIB, utc(NOW_NS)).uk
    until = (utc(NOW_NS) + datetime.timedelta(days=30)).astimezone(KYIV)
    assert f"місця вистачить до {until.day} " in forecast(views, 30 * GIB, utc(NOW_NS)).uk
    assert "на багато років" in forecast(views, 9999 * GIB, utc(NOW_NS)).uk
    assert "звільніть диск зараз" in forecast(views, GIB // 2, utc(NOW_NS)).uk
    assert "не ростуть" not in forecast(views, 30 * GIB, utc(NOW_NS)).uk


@pytest.mark.parametrize(
    ("changes", "proof"),
    [
        ({}, Proof.NO_COPY),
        ({"copied_ns": NOW_NS}, Proof.NEVER),
        ({"copied_ns": NOW_NS, "proven_ns": NOW_NS - 59 * DAY_NS}, Proof.PROVEN),
        ({"copied_ns": NOW_NS, "proven_ns": NOW_NS - 61 * DAY_NS}, Proof.STALE),
        ({"copied_ns": NOW_NS, "proven_ns": NOW_NS, "wrong_ns": NOW_NS}, Proof.WRONG),
    ],
)
def test_copy_is_only_proven_by_a_restore_of_late(changes: dict[str, int], proof: Proof) -> None:
    report = PlanReport(id="p", name="П", every_hours=24, **changes)  # type: ignore[arg-type] # only moments
    assert proof_of(report, wall_ns=NOW_NS) is proof


def test_each_plan_is_late_by_its_own_term_whatever_the_others_are(tmp_path: Path, ledger: Ledger) -> None:
    put_snapshot(tmp_path / "h", b"new", NOW_NS - HOUR_NS)
    (tmp_path / "h" / "config").touch()
    ages_h = {"fresh": (24, 1), "failing": (24, 49), "weekly": (168, 300), "weekly-late": (168, 340)}
    reports = [
        PlanReport(id=name, name=name, every_hours=every, copied_ns=NOW_NS - HOUR_NS, whole_ns=NOW_NS - age * HOUR_NS)
        for name, (every, age) in ages_h.items()
    ]
    ledger.hear("h", [*reports, PlanReport(id="new", name="new", every_hours=24)], wall_ns=NOW_NS)
    (host,) = views_of(ledger, contents_of(tmp_path, ledger, Shelf(), wall_ns=NOW_NS), wall_ns=NOW_NS)
    assert host.standing is Standing.FRESH
    assert {plan.id: plan.lateness.value for plan in host.plans} == {
        "fresh": "fresh",
        "failing": "late",
        "weekly": "fresh",
        "weekly-late": "late",
        "new": "never",
    }


def test_envelope_is_due_a_quarter_after_the_key_was_last_seen_to_work() -> None:
    made = Key("h", "k", "recovery", NOW_NS - 100 * DAY_NS, None)
    assert is_envelope_due(made, utc(NOW_NS))
    assert not is_envelope_due(dataclasses.replace(made, tried_ns=NOW_NS - 91 * DAY_NS), utc(NOW_NS))


def test_sizes_keep_one_row_a_day_and_works_the_newest(ledger: Ledger) -> None:
    for hour, size in ((1, 10), (2, 20), (26, 30)):
        ledger.keep_size("h", size, hour, wall_ns=hour * HOUR_NS)
    assert [(size.day, size.size_bytes, size.snapshots) for size in ledger.sizes()["h"]] == [(0, 20, 2), (1, 30, 26)]
    for at_ns, kind in ((1, OutcomeKind.OK), (2, OutcomeKind.FAILED)):
        ledger.keep_work("h", "forget", Outcome(kind, say("Так.", "So.")), wall_ns=at_ns)
    assert ledger.last_works("forget")["h"].outcome == "failed"
    assert ledger.last_works("forget", outcomes=["ok"])["h"].ended_ns == 1
    assert ledger.last_works("copy") == {}


def test_oldest_lock_tells_of_a_dead_owner_and_torn_ones_are_none(tmp_path: Path) -> None:
    assert oldest_lock_s(tmp_path, wall_ns=NOW_NS) == 0
    (tmp_path / "locks").mkdir()
    for number, age_s in enumerate((40, 90_000, 300)):
        lock = tmp_path / "locks" / f"{number:064x}"
        lock.write_bytes(b"x")
        os.utime(lock, ns=(NOW_NS - age_s * NS_PER_S,) * 2)
    (tmp_path / "locks" / "на-шляху").write_bytes(b"x")
    assert oldest_lock_s(tmp_path, wall_ns=NOW_NS) == 90_000
    assert oldest_lock_s(tmp_path, wall_ns=NOW_NS - 10**18) == 0  # a centre that woke in the past
