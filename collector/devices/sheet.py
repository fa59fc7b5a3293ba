"""Owns what people read of a device's facts: titles, who says so, when it was seen last, what changed. Pure.

Two sources that say the same make one line; two that differ make two, since nobody here knows which is right.
Facts of parts (`neighbour/ether1`) are for other pages.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from beket.kernel.text import Text, plain, say
from collector.devices.known import FactChange, KnownFact

# In the order of the page; what is not listed stands behind, under its own key.
TITLES: Mapping[str, Text] = {
    "model": say("Модель", "Model"),
    "firmware": say("Прошивка", "Firmware"),
    "serial": say("Серійний номер", "Serial number"),
    "name": say("Називає себе", "Calls itself"),
    "location": say("Місце, записане в пристрої", "Place written in the device"),
    "contact": say("Контакт, записаний у пристрої", "Contact written in the device"),
    "board": say("Назва моделі", "Name of the model"),
    "processor": say("Процесор", "Processor"),
    "cores": say("Ядер процесора", "Processor cores"),
    "memory": say("Пам’ять", "Memory"),
    "kernel": say("Ядро системи", "Kernel"),
    "description": say("Опис, який дає пристрій", "Description that it gives"),
    "model-oid": say("Код моделі (sysObjectID)", "Code of the model (sysObjectID)"),
}
SOURCES: Mapping[str, Text] = {"snmp": plain("SNMP"), "ssh": plain("SSH")}
# A description may hold a clock, and says nothing that model and firmware do not.
_QUIET = frozenset({"description", "model-oid"})
_CHANGED: Mapping[str, Text] = {
    "model": say("Змінилася модель: схоже, пристрій замінили", "The model changed: the device was probably replaced"),
    "firmware": say("Прошивку змінено", "The firmware changed"),
    "serial": say(
        "Змінився серійний номер: схоже, пристрій замінили",
        "The serial number changed: the device was probably replaced",
    ),
    "name": say("Назву змінено", "The name changed"),
    "location": say("Запис про місце змінено", "The place written in it changed"),
    "contact": say("Запис про контакт змінено", "The contact written in it changed"),
    "memory": say("Змінився обсяг пам’яті", "The amount of memory changed"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A fact as a page shows it; `sources`: who says so and when that was seen last, newest first."""

    key: str
    title: Text
    value: str
    since_wall_ns: int
    sources: tuple[tuple[Text, int], ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """A change as a page shows it: «Прошивку змінено», when, what was and what is."""

    words: Text
    source: Text
    before: str
    after: str
    wall_ns: int


def lines(facts: Iterable[KnownFact]) -> list[Line]:
    """The facts of one device in the order of the page."""
    same: dict[tuple[str, str], list[KnownFact]] = {}
    for fact in facts:
        if "/" not in fact.key and fact.kind != "fields":
            same.setdefault((fact.key, fact.value), []).append(fact)
    order = {key: place for place, key in enumerate(TITLES)}
    found = [
        Line(
            key,
            TITLES.get(key, plain(key)),
            value,
            min(one.since_wall_ns for one in told),
            tuple(
                (source_words(one.source), one.seen_wall_ns) for one in sorted(told, key=lambda one: -one.seen_wall_ns)
            ),
        )
        for (key, value), told in same.items()
    ]
    return sorted(found, key=lambda line: (order.get(line.key, len(order)), line.key, -line.sources[0][1]))


def turns(changes: Sequence[FactChange]) -> list[Turn]:
    """What became something else, in the given order; what only appeared or is gone, and what is noise, is left out."""
    return [
        Turn(changed_words(one.key), source_words(one.source), one.before, one.after, one.wall_ns)
        for one in changes
        if one.before and one.after and "/" not in one.key and one.key not in _QUIET
    ]


def source_words(source: str) -> Text:
    """How people call a source."""
    return SOURCES.get(source, plain(source.upper()))


def changed_words(key: str) -> Text:
    """What happened, without what was and is."""
    return _CHANGED.get(key) or say("Змінено: {title}", "Changed: {title}", title=TITLES.get(key, plain(key)))


def best(facts: Iterable[KnownFact], key: str) -> str:
    """The value of `key` that was seen last; "" when nobody told."""
    told = [fact for fact in facts if fact.key == key]
    return max(told, key=lambda fact: (fact.seen_wall_ns, fact.source)).value if told else ""
