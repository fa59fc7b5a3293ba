"""Owns how written words become things, the same for tables and YAML: choices, numbers, ids made from names.

What cannot be read is noted and replaced by the default, so that one pass finds every mistake. Whether the values are
allowed is checks.py's.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from beket.kernel.ids import SLUG_MAX_CHARS, slug_from
from beket.kernel.text import Text, say
from collector.inventory.cells import default_of
from collector.inventory.changes import Thing, ThingKind
from collector.inventory.columns import Column, Sheet, choices_hint, fold, read_choice, read_whole

Note = Callable[[str, Text, Text | None], None]


def read_thing(sheet: Sheet, written: Mapping[str, str], before: Thing | None, note: Note) -> Thing:
    """The thing that a row or an entry describes.

    Args:
        sheet: what kind of thing it is.
        written: texts by field; "" means the default, an absent field what `before` has.
        before: the thing as it is now, None for a new one.
        note: told the field, what is wrong and a hint, for each text that cannot be read.
    """
    values: dict[str, object] = {}
    for column in sheet.columns:
        default = default_of(column, sheet.thing_type)
        if column.field not in written:
            values[column.field] = default if before is None else getattr(before, column.field)
        elif written[column.field] == "":
            values[column.field] = default
        else:
            values[column.field] = _read_value(column, written[column.field], default, note)
    return msgspec.convert(values, sheet.thing_type)


def _read_value(column: Column, text: str, default: object, note: Note) -> object:
    if column.words:
        if (choice := read_choice(column, text)) is not None:
            return choice
        what = say("«{text}» тут не підходить.", "“{text}” will not do here.", text=text[:60])
        note(column.field, what, choices_hint(column, text))
        return default
    if column.is_number:
        if (number := read_whole(text)) is not None:
            return number
        what = say("«{text}» не є цілим числом.", "“{text}” is not a whole number.", text=text[:60])
        note(column.field, what, say("Впишіть ціле число, наприклад 30.", "Write a whole number, such as 30."))
        return default
    return text


class SiteNames:
    """Finds the site that is meant by an id or by a name."""

    def __init__(self, sites: Iterable[Thing]) -> None:
        self._ids: set[str] = set()
        self._by_name: dict[str, list[str]] = {}
        for site in sites:
            self._ids.add(site.id)
            self._by_name.setdefault(fold(site.name), []).append(site.id)

    def resolve(self, written: str) -> tuple[str, Text | None]:
        """The site's id, and what is wrong when several sites bear the name.

        A site that is not found is given back as written; checks.py says so.
        """
        if not written or written in self._ids:
            return written, None
        named = self._by_name.get(fold(written), [])
        if len(named) > 1:
            return named[0], say(
                "Назву «{name}» мають кілька об'єктів: {ids}. Впишіть ідентифікатор.",
                "Several sites are called “{name}”: {ids}. Write the id.",
                name=written[:60],
                ids=", ".join(named[:5]),
            )
        return (named[0] if named else written), None


class IdMaker:
    """Gives ids to things written without one; the same file gets the same ids each time."""

    def __init__(self, kind: ThingKind, present: Sequence[Thing], used: Iterable[str]) -> None:
        """Know the kind's things as they are now, and the ids that stand in the file."""
        self._kind = kind
        # Where things of one name differ; providers stand nowhere.
        self._place_field = {ThingKind.SITE: "village", ThingKind.PROVIDER: "phone"}.get(kind, "site")
        self._used = set(used)
        self._taken = self._used | {thing.id for thing in present}
        self._by_name: dict[tuple[str, str], list[str]] = {}
        for thing in present:
            self._by_name.setdefault((thing.name, getattr(thing, self._place_field)), []).append(thing.id)

    def make(self, written: Mapping[str, str]) -> tuple[str, bool]:
        """An id, and whether it is that of the present thing with this name and place; "" for a name without letters.

        Args:
            written: the thing's texts by field, its site resolved.
        """
        name, place = written.get("name", ""), written.get(self._place_field, "")
        same = [thing_id for thing_id in self._by_name.get((name, place), []) if thing_id not in self._used]
        if len(same) == 1:
            self._used.add(same[0])
            return same[0], True
        if not slug_from(name):
            return "", False
        # A name alone is not enough: every village has a school, every school an entrance.
        stem = slug_from(f"{name} {place}" if self._kind is ThingKind.SITE else f"{place} {name}")
        if self._kind is ThingKind.PROVIDER:
            stem = slug_from(name)
        made = next(candidate for candidate in _candidates(stem) if candidate not in self._taken)
        self._taken.add(made)
        self._used.add(made)
        return made, False


def _candidates(stem: str) -> Iterator[str]:
    yield stem
    for number in itertools.count(2):
        ending = f"-{number}"
        yield stem[: SLUG_MAX_CHARS - len(ending)].rstrip("-") + ending
