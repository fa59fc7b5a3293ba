import msgspec
from hypothesis import HealthCheck, given, settings

from beket.kernel.ids import SiteId
from beket.kernel.inventory import Inventory, Site
from beket.testing.inventories import COMMUNITY, EMPTY, community_of_real_size, inventories
from collector.inventory.changes import THING_KINDS, Change, FieldChange, ThingKind, diff, in_order, summarise, things

WHOLE = community_of_real_size()


def apply(changes: tuple[Change, ...], old: Inventory) -> Inventory:
    """What the changes say, carried out; the test's own, so that `diff` is held to its word."""
    lists: dict[str, object] = {}
    for kind in THING_KINDS:
        by_id = {thing.id: thing for thing in things(old, kind)}
        for change in changes:
            if change.kind is kind and change.after is None:
                del by_id[change.id]
            elif change.kind is kind:
                by_id[change.id] = change.after
        lists[str(kind)] = tuple(by_id.values())
    renamed = [change.after for change in changes if change.kind is ThingKind.COMMUNITY]
    return in_order(msgspec.structs.replace(old, community=renamed[0] if renamed else old.community, **lists))


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(inventories(), inventories())
def test_diff_says_everything_that_leads_from_one_version_to_another(old: Inventory, new: Inventory) -> None:
    assert apply(diff(old, new), old) == new


@given(inventories())
@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
def test_diff_is_empty_between_equals_whatever_their_numbers(inventory: Inventory) -> None:
    assert diff(inventory, msgspec.structs.replace(inventory, version=9)) == ()


def test_diff_names_the_fields_of_a_changed_thing() -> None:
    first, *rest = WHOLE.cameras
    new = msgspec.structs.replace(WHOLE, cameras=(msgspec.structs.replace(first, name="Ворота"), *rest))
    (change,) = diff(WHOLE, new)
    assert change.fields() == (FieldChange("name", "Вхід 0", "Ворота"),)
    assert all(c.fields() == () for c in diff(EMPTY, WHOLE))


def test_summary_counts_each_kind_in_plain_ukrainian() -> None:
    first, second, *rest = WHOLE.cameras
    cameras = (msgspec.structs.replace(first, name="Ворота"), *rest)
    old = msgspec.structs.replace(WHOLE, cameras=(first, *rest[2:]))
    new = msgspec.structs.replace(WHOLE, cameras=cameras)
    assert second not in cameras
    assert summarise(diff(old, new)).uk == "Зміни: додати 2 камери, змінити 1, вилучити 0."
    assert summarise(diff(old, new)).en == "Changes: add 2 cameras, change 1, remove 0."


def test_summary_of_several_kinds_begins_with_cameras() -> None:
    new = msgspec.structs.replace(
        WHOLE,
        sites=(*WHOLE.sites, Site(id=SiteId("z"), name="Склад", village="Яр")),
        cameras=WHOLE.cameras[1:],
        community=msgspec.structs.replace(COMMUNITY, name="Інша назва"),
    )
    assert summarise(diff(WHOLE, new)).uk == (
        "Зміни: додати 0 камер, змінити 0, вилучити 1; додати 1 об'єкт, змінити 0, вилучити 0; змінити назву громади."
    )
    assert summarise(()).uk == "Змін немає."
