"""The store over a real facts.db."""

import concurrent.futures
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from beket.kernel.clock import SimulatedClock
from beket.kernel.database import Database
from beket.kernel.errors import DataLoss, InvalidArgument, InvalidConfig, NotFound
from beket.kernel.ids import CommunityId, SiteId, UserId
from beket.kernel.inventory import Community, Inventory, Site
from beket.kernel.ports import InventoryView
from beket.testing.inventories import COMMUNITY, EMPTY, community_of_real_size
from collector.inventory.changes import ThingKind
from collector.inventory.draft import InventoryMistakes
from collector.inventory.store import InventoryStore, MassRemoval, StalePlan
from collector.inventory.tables import FACTS_MIGRATIONS, inventory_identity, inventory_version
from collector.inventory.transfer import FileFormat, export, import_file

WHOLE = community_of_real_size()
HEAD = UserId("head")


@pytest.fixture
def facts(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "facts.db", migrations=FACTS_MIGRATIONS)
    yield database
    database.close()


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock()


@pytest.fixture
def store(facts: Database, clock: SimulatedClock) -> InventoryStore:
    return InventoryStore(facts, community=COMMUNITY, clock=clock)


def accept(store: InventoryStore, new: Inventory, reason: str = "перевірка", *, confirm: bool = False) -> Inventory:
    return store.accept(store.propose(new), actor=HEAD, reason=reason, confirm_mass_removal=confirm)


def with_cameras(count: int) -> Inventory:
    return msgspec.structs.replace(WHOLE, cameras=WHOLE.cameras[:count])


def test_tables_are_what_the_migration_makes(facts: Database) -> None:
    with facts.read() as connection:
        for table in (inventory_version, inventory_identity):
            columns = sa.inspect(connection).get_columns(table.name)
            assert [(c["name"], c["nullable"], bool(c["primary_key"])) for c in columns] == [
                (c.name, c.nullable, c.primary_key) for c in table.columns
            ]


def test_the_first_change_makes_version_one_and_survives_a_restart(store: InventoryStore, facts: Database) -> None:
    view: InventoryView = store
    assert view.current() == EMPTY
    plan = store.propose(WHOLE)
    assert (plan.base_version, plan.mass_removal, plan.new) == (0, None, WHOLE)
    assert view.current() == EMPTY
    assert store.accept(plan, actor=HEAD, reason="перше наповнення") == WHOLE
    assert view.current() == WHOLE
    reopened = InventoryStore(facts, community=COMMUNITY, clock=SimulatedClock())
    assert reopened.current() == WHOLE


def test_history_says_who_when_why_and_what(store: InventoryStore, clock: SimulatedClock) -> None:
    accept(store, WHOLE, "перше  наповнення\n")
    clock.pass_time(3600)
    accept(store, with_cameras(39), "камеру демонтовано")
    newest, oldest = store.history(10)
    assert (newest.version, newest.actor, newest.reason, newest.restores) == (2, "head", "камеру демонтовано", None)
    assert oldest.reason == "перше наповнення"
    assert newest.wall_ns - oldest.wall_ns == 3600 * 10**9
    assert [(c.kind, c.id, c.after) for c in store.changes_of(2)] == [(ThingKind.CAMERA, "camera-39", None)]
    assert len(store.changes_of(1)) == 31 + 62 + 40
    assert [info.version for info in store.history(10, before_version=2)] == [1]
    assert [info.version for info in store.history(1)] == [2]


def test_rollback_is_a_new_version_equal_to_an_old_one(store: InventoryStore) -> None:
    accept(store, WHOLE)
    accept(store, with_cameras(39))
    plan = store.propose_rollback(1)
    assert plan.summary.uk == "Зміни: додати 1 камеру, змінити 0, вилучити 0."
    restored = store.accept(plan, actor=HEAD, reason="помилилися")
    assert restored == msgspec.structs.replace(WHOLE, version=3)
    assert store.history(1)[0].restores == 1
    assert store.version(2) == msgspec.structs.replace(with_cameras(39), version=2)
    with pytest.raises(NotFound):
        store.propose_rollback(9)
    with pytest.raises(NotFound):
        store.version(-1)


def test_a_plan_is_refused_once_another_change_came_first(store: InventoryStore) -> None:
    accept(store, WHOLE)
    slow = store.propose(with_cameras(38))
    accept(store, with_cameras(39))
    with pytest.raises(StalePlan) as caught:
        store.accept(slow, actor=HEAD, reason="повільно")
    assert "версія вже 2, а не 1" in caught.value.sentence().uk
    assert store.current().version == 2


def test_of_changes_accepted_at_the_same_moment_one_wins(store: InventoryStore, facts: Database) -> None:
    accept(store, WHOLE)
    plans = [store.propose(with_cameras(count)) for count in range(30, 38)]

    def try_to_accept(plan_number: int) -> bool:
        try:
            store.accept(plans[plan_number], actor=HEAD, reason="водночас")
        except StalePlan:
            return False
        return True

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(try_to_accept, range(len(plans)))) == 1
    assert store.current().version == 2
    assert store.current() == InventoryStore(facts, community=COMMUNITY, clock=SimulatedClock()).current()


def test_nothing_changed_makes_no_version(store: InventoryStore) -> None:
    accept(store, WHOLE)
    shuffled = msgspec.structs.replace(WHOLE, version=77, cameras=WHOLE.cameras[::-1])
    assert accept(store, shuffled) == WHOLE
    assert len(store.history(10)) == 1


@pytest.mark.parametrize(("left", "refused"), [(20, False), (19, True), (0, True)])
def test_over_half_of_the_cameras_go_only_by_an_explicit_yes(store: InventoryStore, left: int, refused: bool) -> None:
    accept(store, WHOLE)
    plan = store.propose(with_cameras(left))
    assert (plan.mass_removal is not None) is refused
    if refused:
        with pytest.raises(MassRemoval, match=f"removes {40 - left} cameras of 40"):
            store.accept(plan, actor=HEAD, reason="забагато")
        assert store.current() == WHOLE
    assert len(store.accept(plan, actor=HEAD, reason="так", confirm_mass_removal=True).cameras) == left


def test_a_forged_plan_is_checked_again_when_accepted(store: InventoryStore) -> None:
    accept(store, WHOLE)
    innocent = store.propose(with_cameras(39))
    empty = msgspec.structs.replace(WHOLE, sites=(), devices=(), cameras=())
    dangling = msgspec.structs.replace(WHOLE, sites=())
    for new, error in ((empty, MassRemoval), (dangling, InventoryMistakes)):
        forged = type(innocent)(innocent.base_version, new, (), innocent.summary)
        with pytest.raises(error):
            store.accept(forged, actor=HEAD, reason="підміна")
    assert store.current() == WHOLE


@pytest.mark.parametrize(("actor", "reason"), [("", "є"), ("head", " \n")])
def test_who_and_why_are_required(store: InventoryStore, actor: str, reason: str) -> None:
    with pytest.raises(InvalidArgument):
        store.accept(store.propose(WHOLE), actor=UserId(actor), reason=reason)


def test_an_id_once_given_stays_with_its_site_for_ever(store: InventoryStore) -> None:
    accept(store, WHOLE)
    gone = WHOLE.cameras[-1]
    accept(store, with_cameras(39))
    elsewhere = msgspec.structs.replace(gone, site=WHOLE.sites[0].id)
    with pytest.raises(InventoryMistakes, match="belonged to a thing at site “site-08”"):
        store.propose(msgspec.structs.replace(WHOLE, cameras=(*WHOLE.cameras[:-1], elsewhere)))
    assert accept(store, WHOLE).version == 3


def test_another_process_sees_the_change_after_a_refresh(store: InventoryStore, tmp_path: Path) -> None:
    other_database = Database(tmp_path / "facts.db", migrations=FACTS_MIGRATIONS)
    other = InventoryStore(other_database, community=COMMUNITY, clock=SimulatedClock())
    accept(store, WHOLE)
    assert other.current() == EMPTY
    assert other.refresh() is True
    assert other.refresh() is False
    assert other.current() == WHOLE
    other_database.close()


def test_a_database_of_another_community_is_refused(store: InventoryStore, facts: Database) -> None:
    accept(store, WHOLE)
    with pytest.raises(InvalidConfig, match="zhuravlyna"):
        InventoryStore(facts, community=Community(id=CommunityId("inshi"), name="Інші"), clock=SimulatedClock())


def test_a_version_that_cannot_be_read_is_said(store: InventoryStore, facts: Database) -> None:
    accept(store, WHOLE)
    facts.write(lambda connection: connection.execute(inventory_version.update().values(document=b"{")))
    with pytest.raises(DataLoss, match="Version 1"):
        store.version(1)


def test_a_file_goes_through_the_dry_run_into_force_and_out_again(store: InventoryStore, tmp_path: Path) -> None:
    source = tmp_path / "опис.yaml"
    source.write_bytes(export(WHOLE, FileFormat.YAML))
    plan = import_file(store, source, source.name)
    assert plan.summary.uk.startswith("Зміни: додати 40 камер, змінити 0, вилучити 0;")
    accepted = store.accept(plan, actor=HEAD, reason="з файла")
    for file_format in FileFormat:
        assert import_file(store, export(accepted, file_format), f"a.{file_format}").changes == ()
    with pytest.raises(NotFound):
        import_file(store, tmp_path / "absent.csv", "absent.csv")


def test_texts_are_tidied_whoever_proposes_them(store: InventoryStore) -> None:
    site = Site(id=SiteId("klub"), name="  Клуб\u00a0 «Мрія»\u200b\n", village="Яр ")
    accepted = accept(store, msgspec.structs.replace(EMPTY, sites=(site,)))
    assert accepted.sites == (Site(id=SiteId("klub"), name="Клуб «Мрія»", village="Яр"),)
