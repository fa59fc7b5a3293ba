"""Owns what a reader of a file hands over: an inventory not yet checked, and where each of its values was written.

Also the one error that lists everything wrong with it, and the tidying that all texts get, whoever wrote them.
"""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from beket.kernel.config import Mistake
from beket.kernel.errors import InvalidArgument
from beket.kernel.inventory import Camera, Device, Inventory, Provider, Service, Site
from beket.kernel.text import Text, counted, say
from collector.inventory.changes import ThingKind, join

MISTAKES_SAID = 50

T = TypeVar("T", Site, Device, Camera, Service, Provider)

Place = Callable[[ThingKind, int, str], str]


def dotted_place(kind: ThingKind, index: int, field: str) -> str:
    """Where a value stands when no file says better: `cameras[3].url`."""
    return f"{kind}.{field}" if kind is ThingKind.COMMUNITY else f"{kind}[{index}].{field}"


@dataclass(frozen=True, slots=True)
class Draft:
    """An inventory as read.

    Attributes:
        place: where the value of a kind, an index in its list and a field was written, as its author sees it.
        mistakes: what could not be read at all; the inventory holds defaults there.
        notices: what the reader decided by itself and the author should know.
    """

    inventory: Inventory
    place: Place = dotted_place
    mistakes: tuple[Mistake, ...] = ()
    notices: tuple[Text, ...] = ()


class InventoryMistakes(InvalidArgument):
    """An inventory that cannot be accepted; `mistakes` lists all that is wrong, the sentence the first 50 of them."""

    def __init__(self, mistakes: Sequence[Mistake], *, subject: str = "") -> None:
        self.mistakes = tuple(mistakes)
        lines = [mistake.sentence() for mistake in self.mistakes[:MISTAKES_SAID]]
        if left := len(self.mistakes) - len(lines):
            count = counted(left, "помилка", "помилки", "помилок")
            lines.append(say("… і ще {count}.", "… and {n} more mistakes.", count=count, n=left))
        super().__init__(join(lines, "\n"), subject=subject)


def whole_file_mistake(filename: str, what: Text, hint: Text | None = None) -> InventoryMistakes:
    """The error for a file of which nothing can be read."""
    return InventoryMistakes([Mistake(filename, what, hint)])


def tidy(text: str) -> str:
    r"""`text` on one line, without invisible characters and needless spaces, composed (NFC).

    Example:
        >>> tidy("  Школа\u00a0 №\u200b 1\n")
        'Школа № 1'
    """
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " if c.isspace() else "" for c in text)
    return " ".join(unicodedata.normalize("NFC", text).split())


def tidied(inventory: Inventory) -> Inventory:
    """The inventory with every text of its things and its community tidied; their order stays."""
    return msgspec.structs.replace(
        inventory,
        community=msgspec.structs.replace(inventory.community, name=tidy(inventory.community.name)),
        sites=tuple(_tidied_thing(site) for site in inventory.sites),
        devices=tuple(_tidied_thing(device) for device in inventory.devices),
        cameras=tuple(_tidied_thing(camera) for camera in inventory.cameras),
        services=tuple(_tidied_thing(service) for service in inventory.services),
        providers=tuple(_tidied_thing(provider) for provider in inventory.providers),
    )


def _tidied_thing(thing: T) -> T:
    texts = {
        name: tidy(value)
        for name in thing.__struct_fields__
        if type(value := getattr(thing, name)) is str and value != tidy(value)
    }
    return msgspec.structs.replace(thing, **texts) if texts else thing
