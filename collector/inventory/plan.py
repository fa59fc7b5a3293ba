"""Owns the dry run: what would change, said before anything is written. Pure.

Note: collector/design/0005-inventory-tables-migrations.md.
"""

from dataclasses import dataclass

import msgspec

from beket.kernel.inventory import Inventory
from beket.kernel.text import Text, say
from collector.inventory.changes import Change, ThingKind, count_things, diff, in_order, join, summarise, things
from collector.inventory.checks import Identities, find_mistakes, find_oddities
from collector.inventory.draft import Draft, InventoryMistakes, tidied

MASS_REMOVAL_RATIO = 0.5


@dataclass(frozen=True, slots=True)
class ChangePlan:
    """A change that has passed every check and awaits a person's word.

    Attributes:
        base_version: the version it was planned upon; acceptance is refused once another is in force.
        new: the whole inventory as it would become, numbered `base_version + 1`.
        summary: «Зміни: додати 2 камери, змінити 1, вилучити 0.»
        notices: what was decided for the author and what is odd, a sentence each.
        mass_removal: what needs an explicit yes, because over half of the sites or cameras would go; None otherwise.
        restores: the old version this one repeats; None when it is not a rollback.
    """

    base_version: int
    new: Inventory
    changes: tuple[Change, ...]
    summary: Text
    notices: tuple[Text, ...] = ()
    mass_removal: Text | None = None
    restores: int | None = None


def plan_change(draft: Draft, base: Inventory, identities: Identities, *, restores: int | None = None) -> ChangePlan:
    """The plan that takes `base` to the drafted inventory.

    Raises:
        InventoryMistakes: it cannot; everything wrong with reading and meaning is listed.
    """
    new = tidied(draft.inventory)
    mistakes = [*draft.mistakes, *find_mistakes(new, base, identities, place=draft.place)]
    if mistakes:
        raise InventoryMistakes(mistakes)
    new = in_order(msgspec.structs.replace(new, version=base.version + 1))
    changes = diff(base, new)
    return ChangePlan(
        base_version=base.version,
        new=new,
        changes=changes,
        summary=summarise(changes),
        notices=(*draft.notices, *find_oddities(changes, new)),
        mass_removal=mass_removal(changes, base),
        restores=restores,
    )


def mass_removal(changes: tuple[Change, ...], base: Inventory) -> Text | None:
    """The sentence about losing over half of the sites or cameras of `base`; None when it does not come to that."""
    losses = []
    for kind in (ThingKind.SITE, ThingKind.CAMERA):
        removed = sum(change.kind is kind and change.after is None for change in changes)
        present = len(things(base, kind))
        if removed > present * MASS_REMOVAL_RATIO:
            losses.append(
                say("{what} із {present}", "{what} of {present}", what=count_things(removed, kind), present=present)
            )
    if not losses:
        return None
    return say("Буде вилучено {losses}.", "This removes {losses}.", losses=join(losses, ", "))
