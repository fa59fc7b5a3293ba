"""Owns what differs between two versions of the inventory, and how that is said in one sentence.

Pure functions over the kernel's value types; knows no storage and no file. The same for every caller: dry run, history,
page, rollback.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from beket.kernel.inventory import Camera, Community, Device, Inventory, Provider, Service, Site
from beket.kernel.text import Text, counted, plain, say

Thing = Site | Device | Camera | Service | Provider


class ThingKind(StrEnum):
    """What sort of thing a change or a table is about; the value is its list's name in files."""

    COMMUNITY = "community"
    SITE = "sites"
    DEVICE = "devices"
    CAMERA = "cameras"
    SERVICE = "services"
    PROVIDER = "providers"


THING_KINDS = (ThingKind.SITE, ThingKind.DEVICE, ThingKind.CAMERA, ThingKind.SERVICE, ThingKind.PROVIDER)


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One value that differs, as the field's name in files, before and after."""

    field: str
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class Change:
    """One thing added (`before` is None), removed (`after` is None) or changed."""

    kind: ThingKind
    id: str
    before: Thing | Community | None
    after: Thing | Community | None

    def fields(self) -> tuple[FieldChange, ...]:
        """The values that differ; empty when the whole thing was added or removed."""
        if self.before is None or self.after is None:
            return ()
        before, after = msgspec.structs.asdict(self.before), msgspec.structs.asdict(self.after)
        return tuple(FieldChange(name, before[name], after[name]) for name in before if before[name] != after[name])


def things(inventory: Inventory, kind: ThingKind) -> Sequence[Thing]:
    """The inventory's list of one kind."""
    listed: dict[ThingKind, Sequence[Thing]] = {
        ThingKind.SITE: inventory.sites,
        ThingKind.DEVICE: inventory.devices,
        ThingKind.CAMERA: inventory.cameras,
        ThingKind.SERVICE: inventory.services,
        ThingKind.PROVIDER: inventory.providers,
    }
    return listed[kind]


def site_of(thing: Thing) -> str:
    """Id of the site a thing stands at; a site and a provider stand at none."""
    return "" if isinstance(thing, Site | Provider) else thing.site


def in_order(inventory: Inventory) -> Inventory:
    """The same inventory with each list sorted by id: the one form that is stored, compared and exported."""
    return msgspec.structs.replace(
        inventory,
        sites=tuple(sorted(inventory.sites, key=lambda s: s.id)),
        devices=tuple(sorted(inventory.devices, key=lambda d: d.id)),
        cameras=tuple(sorted(inventory.cameras, key=lambda c: c.id)),
        services=tuple(sorted(inventory.services, key=lambda s: s.id)),
        providers=tuple(sorted(inventory.providers, key=lambda p: p.id)),
    )


def diff(old: Inventory, new: Inventory) -> tuple[Change, ...]:
    """What turns `old` into `new`, sites first, each list by id; their version numbers do not count.

    Ids are unique within each list of either side.
    """
    return tuple(_differences(old, new))


def _differences(old: Inventory, new: Inventory) -> Iterator[Change]:
    if old.community != new.community:
        yield Change(ThingKind.COMMUNITY, new.community.id, old.community, new.community)
    for kind in THING_KINDS:
        before: dict[str, Thing] = {thing.id: thing for thing in things(old, kind)}
        after: dict[str, Thing] = {thing.id: thing for thing in things(new, kind)}
        for thing_id in sorted(before.keys() | after.keys()):
            if before.get(thing_id) != after.get(thing_id):
                yield Change(kind, thing_id, before.get(thing_id), after.get(thing_id))


# Sentences ------------------------------------------------------------------------------------------------------------

_NOUNS = {
    ThingKind.SITE: (("об'єкт", "об'єкти", "об'єктів"), ("site", "sites")),
    ThingKind.DEVICE: (("пристрій", "пристрої", "пристроїв"), ("device", "devices")),
    ThingKind.CAMERA: (("камеру", "камери", "камер"), ("camera", "cameras")),
    ThingKind.SERVICE: (("службу", "служби", "служб"), ("service", "services")),
    ThingKind.PROVIDER: (("провайдера", "провайдерів", "провайдерів"), ("provider", "providers")),
}


def count_things(n: int, kind: ThingKind) -> Text:
    """`n` things of one kind in words, as the object of a verb: «1 камеру», «5 камер»."""
    uk_forms, (one, many) = _NOUNS[kind]
    return say("{in_uk}", "{in_en}", in_uk=counted(n, *uk_forms), in_en=f"{n} {one if n == 1 else many}")


def summarise(changes: Sequence[Change]) -> Text:
    """The sentence of a dry run.

    Example:
        >>> summarise(()).uk
        'Змін немає.'
    """
    parts = [part for kind in reversed(THING_KINDS) if (part := _summarise_kind(changes, kind))]
    if any(change.kind is ThingKind.COMMUNITY for change in changes):
        parts.append(say("змінити назву громади", "rename the community"))
    if not parts:
        return say("Змін немає.", "No changes.")
    return say("Зміни: {parts}.", "Changes: {parts}.", parts=join(parts, "; "))


def join(parts: Sequence[Text], between: str) -> Text:
    """Several texts as one, in either language."""
    values: dict[str, object] = {f"p{i}": part for i, part in enumerate(parts)}
    template = between.join(f"{{{key}}}" for key in values)
    return Text(template, template, values) if values else plain("")


def _summarise_kind(changes: Sequence[Change], kind: ThingKind) -> Text | None:
    own = [change for change in changes if change.kind is kind]
    if not own:
        return None
    added = sum(change.before is None for change in own)
    removed = sum(change.after is None for change in own)
    return say(
        "додати {added}, змінити {changed}, вилучити {removed}",
        "add {added}, change {changed}, remove {removed}",
        added=count_things(added, kind),
        changed=len(own) - added - removed,
        removed=removed,
    )
