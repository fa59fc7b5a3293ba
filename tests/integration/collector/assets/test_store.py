"""Computers in a real facts.db."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from beket.kernel import wire
from beket.kernel.clock import SimulatedClock
from beket.kernel.database import Database
from beket.kernel.errors import NotFound, ProtocolError
from beket.kernel.ids import AgentId, SiteId
from collector.assets.messages import ComputerReport, Program, ReportReceipt
from collector.assets.store import EVENTS_PER_COMPUTER, ComputerStore
from collector.inventory.tables import FACTS_MIGRATIONS

SCHOOL, COUNCIL = SiteId("school"), SiteId("council")
ONE, TWO = AgentId("school-1"), AgentId("council-1")
DAY_S = 86_400


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock()


@pytest.fixture
def store(tmp_path: Path, clock: SimulatedClock) -> Iterator[ComputerStore]:
    database = Database(tmp_path / "facts.db", migrations=FACTS_MIGRATIONS)
    yield ComputerStore(database, clock=clock)
    database.close()


def report(name: str, *programs: str, unread: tuple[str, ...] = ()) -> bytes:
    software = tuple(Program(name=program, version="1") for program in programs)
    return wire.encode(ComputerReport(name=name, software=software, unread=unread))


def receipt(data: bytes) -> int:
    return wire.decode(data, ReportReceipt).changes


def test_the_same_report_again_is_heard_and_changes_nothing(store: ComputerStore, clock: SimulatedClock) -> None:
    assert receipt(store.take(SCHOOL, ONE, report("PC", "Chrome"))) == 1
    clock.pass_time(DAY_S)
    assert receipt(store.take(SCHOOL, ONE, report("PC", "Chrome"))) == 0
    (known,) = store.computers()
    assert known.heard_wall_ns - known.first_wall_ns == DAY_S * 10**9
    assert known.changed_wall_ns == known.first_wall_ns
    assert [event.words.uk for event in store.events(limit=10)] == ["З’явився комп’ютер PC."]


def test_what_changed_is_told_newest_first_and_by_computer(store: ComputerStore) -> None:
    store.take(SCHOOL, ONE, report("PC", "Chrome"))
    store.take(COUNCIL, TWO, report("BUH"))
    assert receipt(store.take(SCHOOL, ONE, report("PC", "Chrome", "Medoc"))) == 1
    assert [event.words.uk for event in store.events(limit=2)] == [
        "Додано програму Medoc 1.", "З’явився комп’ютер BUH."
    ]  # fmt: skip
    assert [event.kind for event in store.events(limit=9, agent=TWO)] == ["joined"]
    assert [(one.site, one.name) for one in store.computers()] == [(COUNCIL, "BUH"), (SCHOOL, "PC")]


def test_a_look_that_went_wrong_removes_nothing_and_the_next_good_one_adds_nothing(store: ComputerStore) -> None:
    store.take(SCHOOL, ONE, report("PC", "Chrome"))
    assert receipt(store.take(SCHOOL, ONE, report("PC", unread=("software",)))) == 0
    assert store.computers()[0].report.software == (Program(name="Chrome", version="1"),)
    assert receipt(store.take(SCHOOL, ONE, report("PC", "Chrome"))) == 0


def test_a_report_that_is_none_leaves_what_was(store: ComputerStore) -> None:
    store.take(SCHOOL, ONE, report("PC"))
    with pytest.raises(ProtocolError):
        store.take(SCHOOL, ONE, b'{"name": 5}')
    assert store.computers()[0].name == "PC"


def test_a_computer_that_is_no_more_is_forgotten_but_not_its_history(store: ComputerStore) -> None:
    store.take(SCHOOL, ONE, report("PC"))
    store.remove(ONE)
    assert store.computers() == []
    assert len(store.events(limit=9)) == 1
    with pytest.raises(NotFound):
        store.remove(ONE)


def test_history_is_bounded_by_number_and_age(store: ComputerStore, clock: SimulatedClock) -> None:
    store.take(COUNCIL, TWO, report("OLD"))
    clock.pass_time(4 * 366 * DAY_S)
    for n in range(EVENTS_PER_COMPUTER // 40 + 5):
        names = tuple(f"p{n}-{m}" for m in range(40))
        store.take(SCHOOL, ONE, report("PC", *names))
    kept = store.events(limit=100_000)
    assert len(kept) <= EVENTS_PER_COMPUTER
    assert {event.agent for event in kept} == {ONE}


def test_a_database_of_the_release_before_is_brought_up_to_date_with_a_copy(tmp_path: Path) -> None:
    path = tmp_path / "facts.db"
    older = tmp_path / "older"
    (older / "versions").mkdir(parents=True)
    for name in ("facts_0001_inventory.py", "facts_0002_alerts.py"):
        (older / "versions" / name).write_text((FACTS_MIGRATIONS / "versions" / name).read_text())
    Database(path, migrations=older).close()
    newer = Database(path, migrations=FACTS_MIGRATIONS)
    ComputerStore(newer, clock=SimulatedClock()).take(SCHOOL, ONE, report("PC"))
    newer.close()
    assert list(tmp_path.glob("facts.db.before-facts_*"))
