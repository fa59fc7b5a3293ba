"""Owns the sentences about what changed in a computer."""

from collections.abc import Callable, Mapping

from beket.kernel.text import Text, counted, plain, say
from beket.kernel.units import spell_bytes
from collector.assets.changes import Kind

Values = Mapping[str, str]


def words_of(kind: str, values: Values) -> Text:
    """The change in one sentence; a kind of a newer release is shown as it is spelled."""
    make = _WORDS.get(kind)
    return make(_Forgiving(values)) if make else plain(kind)


class _Forgiving(dict[str, str]):
    """Values of a row that an older release wrote may lack one."""

    def __missing__(self, _name: str) -> str:
        return "?"


def _n(values: Values) -> int:
    return int(values["n"]) if values["n"].isdigit() else 0


def _named(program: str, version: str) -> str:
    return program if version in program else f"{program} {version}"


def _size(text: str) -> str:
    return spell_bytes(int(text)) if text.isdigit() else text


def _memory_more(v: Values) -> Text:
    return say("Пам’яті стало більше: було {a}, стало {b}.", "More memory: {a} before, {b} now.",
               a=_size(v["before"]), b=_size(v["after"]))  # fmt: skip


def _memory_less(v: Values) -> Text:
    return say("Пам’яті стало менше: було {a}, стало {b}.", "Less memory: {a} before, {b} now.",
               a=_size(v["before"]), b=_size(v["after"]))  # fmt: skip


def _disk_worse(v: Values) -> Text:
    n = _n(v)
    sectors = counted(n, "зіпсований сектор", "зіпсовані сектори", "зіпсованих секторів")
    return say("На диску {disk} вже {sectors}.", "The disk {disk} has {n} bad sectors now.",
               disk=v["disk"], sectors=sectors, n=n)  # fmt: skip


def _programs_more(v: Values) -> Text:
    n = _n(v)
    programs = counted(n, "програма", "програми", "програм")
    return say("Ще {programs} змінилися.", "{n} more programs changed.", programs=programs, n=n)


_WORDS: Mapping[str, Callable[[Values], Text]] = {
    Kind.JOINED: lambda v: say("З’явився комп’ютер {name}.", "The computer {name} has appeared.", name=v["name"]),
    Kind.RENAMED: lambda v: say(
        "Ім’я змінено: було {a}, стало {b}.", "Renamed: {a} before, {b} now.", a=v["before"], b=v["after"]
    ),
    Kind.SYSTEM: lambda v: say(
        "Система змінилася: була {a}, стала {b}.",
        "The system changed: {a} before, {b} now.",
        a=v["before"],
        b=v["after"],
    ),
    Kind.BOX: lambda v: say(
        "Корпус чи плату замінено: було {a}, стало {b}.",
        "Box or board changed: {a} before, {b} now.",
        a=v["before"],
        b=v["after"],
    ),
    Kind.PROCESSOR: lambda v: say(
        "Процесор замінено: був {a}, став {b}.", "Processor changed: {a} before, {b} now.", a=v["before"], b=v["after"]
    ),
    Kind.MEMORY_MORE: _memory_more,
    Kind.MEMORY_LESS: _memory_less,
    Kind.DISK_ADDED: lambda v: say("Додано диск {disk}.", "Disk {disk} added.", disk=v["disk"]),
    Kind.DISK_REMOVED: lambda v: say("Диск {disk} вийнято.", "Disk {disk} taken out.", disk=v["disk"]),
    Kind.DISK_REPLACED: lambda v: say(
        "Диск замінено: був {a}, став {b}.", "Disk replaced: {a} before, {b} now.", a=v["before"], b=v["after"]
    ),
    Kind.DISK_FAILING: lambda v: say(
        "Диск {disk} каже, що скоро відмовить. Зробіть копію й замініть його.",
        "Disk {disk} says that it will fail soon. Make a backup and replace it.",
        disk=v["disk"],
    ),
    Kind.DISK_WORSE: _disk_worse,
    Kind.PROGRAM_ADDED: lambda v: say(
        "Додано програму {program}.", "Program added: {program}.", program=_named(v["program"], v["after"])
    ),
    Kind.PROGRAM_REMOVED: lambda v: say(
        "Вилучено програму {program}.", "Program removed: {program}.", program=_named(v["program"], v["before"])
    ),
    Kind.PROGRAM_UPDATED: lambda v: say(
        "Оновлено {program}: було {a}, стало {b}.",
        "{program} updated: {a} before, {b} now.",
        program=v["program"],
        a=v["before"],
        b=v["after"],
    ),
    Kind.PROGRAMS_MORE: _programs_more,
    Kind.LICENCE_ADDED: lambda v: say(
        "З’явилася ліцензія: {product} (…{last}).",
        "A licence appeared: {product} (…{last}).",
        product=v["product"],
        last=v["last_five"],
    ),
    Kind.LICENCE_REMOVED: lambda v: say(
        "Ліцензії не стало: {product} (…{last}).",
        "A licence is gone: {product} (…{last}).",
        product=v["product"],
        last=v["last_five"],
    ),
    Kind.LICENCE_LOST: lambda v: say(
        "Ліцензія більше не діє: {product} (…{last}).",
        "A licence is in force no more: {product} (…{last}).",
        product=v["product"],
        last=v["last_five"],
    ),
    Kind.LICENCE_FOUND: lambda v: say(
        "Ліцензія почала діяти: {product} (…{last}).",
        "A licence came into force: {product} (…{last}).",
        product=v["product"],
        last=v["last_five"],
    ),
}
