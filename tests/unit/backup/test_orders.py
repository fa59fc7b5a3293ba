"""What people ask hosts to put back, and the acts that hosts send: kept, given, ended, in order."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from backup.acts.record import KeyUsed, Record, Verdict
from backup.history import History
from backup.messages import RestoreOrder, RestoreResult
from backup.repository.acts import KEPT_A_HOST
from backup.repository.ledger import Ledger
from backup.repository.orders import VALID_NS, WORDS_MAX_CHARS, State
from backup.repository.tables import METADATA

WANTED = RestoreOrder(id="", snapshot="ab" * 32, path="/дані/звіт.ods", replace=True, size_bytes=7)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path / "repositories.db")
    yield ledger
    ledger.close()


def test_order_goes_to_its_host_again_and_again_until_it_is_done(ledger: Ledger) -> None:
    orders = ledger.orders
    order = orders.add("council", WANTED, by="head", wall_ns=100)
    assert _state(ledger, order) is State.WAITING
    assert orders.give("school", wall_ns=101) == []
    for _ in range(2):
        assert orders.give("council", wall_ns=102) == [msgspec.structs.replace(WANTED, id=order)]
        assert _state(ledger, order) is State.TAKEN
    orders.end("school", RestoreResult(id=order, outcome="ok", placed="/x"), wall_ns=103)
    assert _state(ledger, order) is State.TAKEN
    orders.end("council", RestoreResult(id=order, outcome="ok", placed="/дані/звіт.ods"), wall_ns=104)
    orders.end("council", RestoreResult(id=order, outcome="failed"), wall_ns=105)
    done = orders.one("council", order, wall_ns=106)
    assert done is not None
    assert (done.state, done.placed, done.by, done.replace) == (State.DONE, "/дані/звіт.ods", "head", True)
    assert orders.give("council", wall_ns=107) == []
    assert [one.id for one in orders.of("council", wall_ns=107)] == [order]
    assert orders.one("school", order, wall_ns=107) is None


def test_order_that_nobody_fetched_for_a_day_is_void(ledger: Ledger) -> None:
    order = ledger.orders.add("council", WANTED, by="head", wall_ns=100)
    late_ns = 101 + VALID_NS
    assert ledger.orders.give("council", wall_ns=late_ns) == []
    found = ledger.orders.one("council", order, wall_ns=late_ns)
    assert found is not None
    assert found.state is State.VOID


def test_result_of_a_strange_host_is_bounded_and_a_failure(ledger: Ledger) -> None:
    order = ledger.orders.add("council", WANTED, by="head", wall_ns=100)
    ledger.orders.end("council", RestoreResult(id=order, outcome="чудово", reason_uk="х" * 9999), wall_ns=101)
    found = ledger.orders.one("council", order, wall_ns=102)
    assert found is not None
    assert found.state is State.FAILED
    assert len(found.reason.uk) == WORDS_MAX_CHARS


def test_act_is_kept_once_and_the_newest_come_first(ledger: Ledger) -> None:
    for number in range(1, 4):
        ledger.acts.keep(_record(number))
    ledger.acts.keep(msgspec.structs.replace(_record(2), plan_name="Інше"))
    assert [one.number for one in ledger.acts.of("council")] == [3, 2, 1]
    kept = ledger.acts.one("council", "r2")
    assert kept == _record(2)
    assert ledger.acts.one("school", "r2") is None
    assert ledger.acts.hosts() == {"council"}


def test_acts_of_the_centre_are_counted_by_themselves(ledger: Ledger) -> None:
    ledger.acts.keep(_record(7))
    own = msgspec.structs.replace(_record(0), id="k1", key=KeyUsed.RECOVERY)
    first = ledger.acts.keep_own(own)
    second = ledger.acts.keep_own(msgspec.structs.replace(own, id="k2"))
    assert (first.number, second.number) == (1, 2)
    assert first.name != msgspec.structs.replace(_record(1)).name


def test_oldest_acts_give_way(ledger: Ledger) -> None:
    for number in range(1, KEPT_A_HOST + 4):
        ledger.acts.keep(_record(number))
    assert len(ledger.acts.of("council", limit=10_000)) == KEPT_A_HOST
    assert ledger.acts.one("council", "r1") is None


def test_host_remembers_what_it_put_back_until_the_centre_knows(tmp_path: Path) -> None:
    history = History(tmp_path / "backup.db")
    assert not history.was_put_back("o1")
    result = RestoreResult(id="o1", outcome="ok", placed="/x")
    history.keep_put_back(result, wall_ns=1)
    assert history.was_put_back("o1")
    assert history.untold_put_back() == [result]
    history.put_back_was_told("o1")
    assert history.untold_put_back() == []
    history.close()


def test_dropped_host_leaves_nothing(ledger: Ledger) -> None:
    ledger.acts.keep(_record(1))
    ledger.orders.add("council", WANTED, by="head", wall_ns=100)
    ledger.drop_host("council")
    assert ledger.acts.of("council") == []
    assert ledger.orders.of("council", wall_ns=101) == []


def test_migrations_make_the_declared_tables(ledger: Ledger) -> None:
    inspector = sa.inspect(ledger._database.engine)
    for table in METADATA.sorted_tables:
        assert {column["name"] for column in inspector.get_columns(table.name)} == set(table.columns.keys())
        assert {index["name"] for index in inspector.get_indexes(table.name)} == {index.name for index in table.indexes}


def _state(ledger: Ledger, order: str) -> State:
    found = ledger.orders.one("council", order, wall_ns=1000)
    assert found is not None
    return found.state


def _record(number: int) -> Record:
    return Record(
        id=f"r{number}",
        number=number,
        host="council",
        site="council",
        plan="documents",
        plan_name="Документи",
        snapshot="ab" * 32,
        snapshot_ns=1,
        began_ns=2,
        ended_ns=10 * number,
        verdict=Verdict.PROVEN,
    )
