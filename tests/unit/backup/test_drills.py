"""What a drill chooses, when it is due, what it makes of what came back, and the act that it leaves."""

import asyncio
import contextlib
import hashlib
import json
import random
import sqlite3
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backup import canary
from backup.acts.page import act_of, as_data, conclusion, render, spell_span
from backup.acts.record import Act, KeyUsed, Loaded, Piece, Record, Verdict, Why
from backup.drills import databases, sandbox
from backup.drills.choice import Chosen, budget_bytes, choose
from backup.drills.drill import judge
from backup.drills.schedule import DAY_S, RETRY_S, in_turn, is_due, turn_of
from backup.history import Drill, Run
from backup.manifest import Entry
from backup.restic.outcome import OutcomeKind
from beket.kernel.clock import NS_PER_S
from beket.kernel.errors import InvalidArgument
from beket.kernel.text import say

SAME = Piece("/дані/а", Why.CANARY, 100, "aa", "aa")
OTHER = Piece("/дані/<б>", Why.SAMPLE, 50, "aa", "bb")
GONE = Piece("/дані/в", Why.SAMPLE, 50, "aa", "")
ENTRIES = st.lists(
    st.builds(Entry, st.text("абв", min_size=1, max_size=6).map("/{}".format), st.integers(0, 1000), st.just("")),
    unique_by=lambda entry: entry.path,
    max_size=20,
)


def _record(verdict: Verdict = Verdict.PROVEN, pieces: tuple[Piece, ...] = (SAME,), **more: object) -> Record:
    values: dict[str, object] = {
        "id": "0190",
        "number": 7,
        "host": "council-1a2b",
        "site": "council",
        "plan": "documents",
        "plan_name": "Документи <бухгалтерії>",
        "snapshot": "ab" * 32,
        "snapshot_ns": 1_794_000_000 * NS_PER_S,
        "began_ns": 1_795_000_000 * NS_PER_S,
        "ended_ns": 1_795_000_010 * NS_PER_S,
        "verdict": verdict,
        "pieces": pieces,
        "opening_s": 0.5,
        "restoring_s": 1.5,
        "whole_bytes": 3_600_000,
        "whole_files": 12,
        "every_days": 30.0,
    }
    return msgspec.convert(msgspec.to_builtins(values | more), Record)


@given(entries=ENTRIES, most=st.integers(0, 3000), seed=st.integers(0, 99))
def test_choice_keeps_its_budget_but_for_the_canary_and_one_file(entries: list[Entry], most: int, seed: int) -> None:
    mine = Entry("/beket-canary-p", 64, "c")
    chosen = choose(entries, mine, within_bytes=most, rng=random.Random(seed))
    assert chosen[0] == Chosen(mine, Why.CANARY)
    assert len({one.entry.path for one in chosen}) == len(chosen)
    assert sum(one.entry.size_bytes for one in chosen[2:]) <= max(0, most - 64)
    if entries:
        assert chosen[1].why is Why.LARGEST
        fitting = [e.size_bytes for e in entries if e.size_bytes <= most - 64]
        expected = max(fitting) if fitting else min(e.size_bytes for e in entries)
        assert chosen[1].entry.size_bytes == expected


def test_one_database_is_always_among_the_chosen_and_each_gets_its_turn() -> None:
    entries = [Entry(f"/{n}.txt", 10, "") for n in range(30)]
    entries += [Entry("/big", 90, ""), Entry("/a.sqlite", 10, ""), Entry("/b.DB", 10, "")]
    found = set()
    for seed in range(20):
        chosen = choose(entries, None, within_bytes=110, rng=random.Random(seed))
        assert [one.why for one in chosen] == [Why.LARGEST, Why.DATABASE, Why.SAMPLE]
        found |= {one.entry.path for one in chosen}
    assert {"/a.sqlite", "/b.DB", "/big"} < found
    assert len(found) > 8  # the sample goes round


def test_weak_line_gets_a_smaller_drill() -> None:
    def budget(last: Record | None) -> int:
        return budget_bytes(10**9, last, most_s=60)

    whole = msgspec.structs.replace(SAME, size_bytes=1_000_000)
    assert budget(None) == 10**9
    assert budget(_record(pieces=(whole,))) == 30 * 1_000_000
    assert budget(_record(pieces=(msgspec.structs.replace(whole, size_bytes=10**9),))) == 10**9


def test_drill_that_ran_out_of_time_makes_the_next_one_half_as_large() -> None:
    half = msgspec.structs.replace(OTHER, size_bytes=100_000_000)  # at its full size, and not whole
    late = {"opening_s": 1.0, "restoring_s": 59.0}
    record = _record(Verdict.COULD_NOT_RUN, (half,), **late)
    assert (record.restored_bytes, record.speed) == (0, None)
    assert budget_bytes(10**9, record, most_s=60) == 50_000_000
    some = _record(Verdict.COULD_NOT_RUN, (half, msgspec.structs.replace(SAME, size_bytes=580_000)), **late)
    assert budget_bytes(10**9, some, most_s=60) == 300_000
    # A line that was down at once says nothing of its speed.
    assert budget_bytes(10**9, _record(Verdict.COULD_NOT_RUN, (half,), restoring_s=2.0), most_s=60) == 10**9


def test_drill_is_due_after_the_first_copy_then_in_turn_and_soon_after_trouble() -> None:
    run = Run("r", "p", 0, 0, OutcomeKind.OK, say("", ""), "s1", 1, 1, 1, 1, ())
    proven = Drill("p", "s1", 0, Verdict.PROVEN, 1, 1)
    wrong = Drill("p", "s1", 0, Verdict.WRONG, 1, 1)

    def due(proven: Drill | None, last: Drill | None, wall_s: float, host: str = "h") -> bool:
        return is_due(run, proven, last, every_days=30, wall_ns=round(wall_s * NS_PER_S), host=host)

    assert due(None, None, 0)
    assert not due(proven, proven, 15 * DAY_S - 1)
    assert due(proven, proven, 30 * DAY_S)
    assert not due(proven, wrong, RETRY_S - 1)
    assert due(proven, wrong, RETRY_S)
    assert due(proven, Drill("p", "s0", 0, Verdict.WRONG, 1, 1), 1)
    assert not is_due(None, None, None, every_days=30, wall_ns=0)
    days = [next(d for d in range(31) if due(proven, proven, d * DAY_S, f"host-{n}")) for n in range(150)]
    assert min(days) >= 15
    assert max(days) <= 30
    assert max(days.count(day) for day in set(days)) < 30  # 150 hosts do not come on one night


@given(st.text())
def test_turn_lies_within_the_period(whose: str) -> None:
    assert 0 <= turn_of(whose) < 1


def test_plans_take_turns_the_oldest_proof_first() -> None:
    assert in_turn([("new", 9), ("old", 3), ("never", None)]) == ["never", "old", "new"]


@pytest.mark.parametrize(
    ("kind", "pieces", "verdict"),
    [
        (OutcomeKind.OK, [SAME], Verdict.PROVEN),
        (OutcomeKind.OK, [SAME, OTHER], Verdict.WRONG),
        (OutcomeKind.OK, [GONE], Verdict.WRONG),
        (OutcomeKind.OK, [], Verdict.COULD_NOT_RUN),
        (OutcomeKind.DAMAGED, [SAME], Verdict.WRONG),
        (OutcomeKind.AUTH, [], Verdict.WRONG),
        (OutcomeKind.LOCKED, [GONE], Verdict.COULD_NOT_RUN),
        (OutcomeKind.CANCELLED, [GONE], Verdict.COULD_NOT_RUN),
    ],
)
def test_drill_that_could_not_run_says_nothing_about_the_copy(
    kind: OutcomeKind, pieces: list[Piece], verdict: Verdict
) -> None:
    assert judge(kind, pieces) is verdict


def test_database_that_does_not_open_makes_a_copy_worthless_and_one_that_nobody_could_open_does_not() -> None:
    assert judge(OutcomeKind.OK, [SAME], [Loaded("/а", "sqlite", False)]) is Verdict.WRONG
    assert judge(OutcomeKind.OK, [SAME], [Loaded("/а", "postgresql", None)]) is Verdict.PROVEN


def test_sandbox_is_private_and_never_a_folder_with_something_in_it(tmp_path: Path) -> None:
    sandbox.prepare(tmp_path / "s", 1)
    assert (tmp_path / "s").stat().st_mode & 0o777 == 0o700
    (tmp_path / "s" / "щось").touch()
    with pytest.raises(InvalidArgument):
        sandbox.prepare(tmp_path / "s", 1)


@settings(deadline=None)
@given(content=st.binary(min_size=1, max_size=200), at=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_any_flipped_bit_of_what_was_restored_is_found(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, at: int, bit: int
) -> None:
    folder = tmp_path_factory.mktemp("s")
    chosen = [Chosen(Entry("/дані/файл", len(content), hashlib.sha256(content).hexdigest()), Why.SAMPLE)]
    (folder / "дані").mkdir()
    restored = folder / "дані" / "файл"
    restored.write_bytes(content)
    assert all(piece.is_same for piece in sandbox.compare(chosen, folder))
    damaged = bytearray(content)
    damaged[at % len(content)] ^= 1 << bit
    restored.write_bytes(damaged)
    assert not sandbox.compare(chosen, folder)[0].is_same


def test_link_in_the_place_of_a_file_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    entry = Entry("/b", 1, hashlib.sha256(b"x").hexdigest())
    assert sandbox.compare([Chosen(entry, Why.SAMPLE)], tmp_path)[0].found == ""


def test_canary_is_known_without_any_memory_and_never_written_over(tmp_path: Path) -> None:
    place = canary.place_of(tmp_path, "documents")
    assert canary.put(place)
    assert place.stat().st_size == canary.SIZE_BYTES
    assert hashlib.sha256(place.read_bytes()).hexdigest() == canary.entry_of(str(place)).sha256
    assert canary.is_canary(str(place))
    assert not canary.was_changed(place)
    place.write_bytes(b"encrypted")
    assert canary.put(place)
    assert canary.was_changed(place)
    assert canary.content_of("beket-canary-a") != canary.content_of("beket-canary-b")
    assert not canary.put(Path("/proc/nowhere/canary/beket-canary-x"))


def _database(path: Path, rows: int = 1000) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute('CREATE TABLE "запис ""1""" (value TEXT)')
        connection.executemany('INSERT INTO "запис ""1""" VALUES (?)', [(f"{n}" * 50,) for n in range(rows)])
        connection.commit()


def test_restored_sqlite_is_opened_and_its_rows_are_counted(tmp_path: Path) -> None:
    _database(tmp_path / "a.db")
    loaded = asyncio.run(databases.load(tmp_path / "a.db", "/a.db", tmp_path, is_late=lambda: False))
    assert loaded == Loaded("/a.db", "sqlite", True, 1, 1000)
    (tmp_path / "b").write_text("не база")
    assert asyncio.run(databases.load(tmp_path / "b", "/b", tmp_path, is_late=lambda: False)) is None
    assert asyncio.run(databases.load(tmp_path / "absent", "/c", tmp_path, is_late=lambda: False)) is None


@settings(deadline=None)
@given(seed=st.integers(0, 10**6))
def test_damaged_sqlite_is_judged_and_never_an_error(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    path = tmp_path_factory.mktemp("d") / "a.db"
    _database(path, rows=200)
    content, rng = bytearray(path.read_bytes()), random.Random(seed)
    for _ in range(rng.randint(1, 400)):
        content[rng.randrange(16, len(content))] = rng.randrange(256)
    path.write_bytes(content[: rng.randint(100, len(content))])
    loaded = databases.load_sqlite(path, "/a.db", is_late=lambda: False)
    assert loaded.is_whole in (True, False, None)


def test_half_a_sqlite_file_does_not_open(tmp_path: Path) -> None:
    _database(tmp_path / "a.db", rows=5000)
    content = (tmp_path / "a.db").read_bytes()
    (tmp_path / "a.db").write_bytes(content[: len(content) // 2])
    loaded = databases.load_sqlite(tmp_path / "a.db", "/a.db", is_late=lambda: False)
    assert loaded.is_whole is False
    assert loaded.note


def test_look_into_a_database_ends_when_its_time_is_over(tmp_path: Path) -> None:
    _database(tmp_path / "a.db", rows=20_000)
    assert databases.load_sqlite(tmp_path / "a.db", "/a.db", is_late=lambda: True).is_whole is None


def test_speed_leaves_opening_out_and_rto_counts_it_in() -> None:
    record = _record(pieces=(msgspec.structs.replace(SAME, size_bytes=1_000_000),))
    assert record.speed == 1_000_000
    assert record.rto_s == pytest.approx(0.5 + 3.6)
    assert _record(pieces=(GONE,)).rto_s is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "невідомо скільки"), (5, "близько 1 хв"), (4000, "близько 1 год 7 хв"), (400_000, "близько 5 діб")],
)
def test_span_is_said_as_people_plan(seconds: float | None, words: str) -> None:
    assert spell_span(seconds).uk == words


def test_act_names_what_was_restored_with_hashes_speed_and_a_conclusion() -> None:
    page = render(act_of(_record(), community="Могилівська громада", place="Сільрада"))
    for words in (
        "АКТ № council-1a2b/7",
        "перевірки відновлення з резервної копії",
        "Могилівська громада",
        "Документи &lt;бухгалтерії&gt;",
        "ВІДНОВЛЕННЯ ПІДТВЕРДЖЕНО",
        "канарка",
        "RTO",
        "за розкладом",
        "робочим ключем",
    ):
        assert words in page
    assert "<script" not in page
    assert "http" not in page  # needs nothing but itself


def test_wrong_files_stand_first_on_the_act_however_many_there_are() -> None:
    many = tuple(msgspec.structs.replace(SAME, path=f"/дані/{n}") for n in range(40))
    record = _record(Verdict.WRONG, (*many, OTHER), reason_uk="Не те {дужки}.", reason_en="Not it.", by="machine:оля")
    page = render(act_of(record, community="", place="Сільрада"))
    assert page.index("/дані/&lt;б&gt;") < page.index("/дані/0<")
    assert "мало бути aa" in page
    assert "І ще файлів: 33" in page
    assert "НЕ ПІДТВЕРДЖЕНО" in page
    assert "Не те {дужки}." in page
    assert "machine:оля" in page
    assert conclusion(record).en == "This copy is not to be relied upon. Not it."


@pytest.mark.parametrize("is_whole", [True, False, None])
def test_act_says_of_each_database_whether_it_opens(is_whole: bool | None) -> None:
    loaded = (Loaded("/дані/a.db", "sqlite", is_whole, 2, 30, "so"),)
    page = render(act_of(_record(databases=loaded), community="", place=""))
    expected = {True: "таблиць: 2, рядків: 30", False: "НЕ ВІДКРИВАЄТЬСЯ", None: "відкрити не було чим"}
    assert expected[is_whole] in page


def test_act_is_the_same_as_data() -> None:
    act = act_of(_record(key=KeyUsed.RECOVERY), community="Могилів", place="Сільрада")
    assert msgspec.json.decode(as_data(act), type=Act) == act
    plain = json.loads(as_data(act))
    assert plain["number"] == "council-1a2b/К7"
    assert plain["record"]["pieces"][0]["expected"] == "aa"
    assert plain["record"]["schema"] == 1
