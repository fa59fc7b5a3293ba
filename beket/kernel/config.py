"""Owns how a configuration file is read: strict TOML, every mistake at once, one sentence each, with place and hint.

A room declares its own section as a frozen msgspec Struct whose fields carry a `Meta(description=…)`; this module
knows no section. The example file is printed from the same types, so it cannot disagree with the defaults.
"""

import difflib
import enum
import json
import tomllib
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from beket.kernel.errors import BeketError, InvalidConfig
from beket.kernel.text import Text, say

CONFIG_MAX_BYTES = 1024 * 1024

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong in a file: where (dotted path), what, and what would be right."""

    place: str
    what: Text
    hint: Text | None = None

    def sentence(self) -> Text:
        """The mistake as one sentence with its place and its hint."""
        if self.hint is None:
            return Text("{place}: {what}", "{place}: {what}", {"place": self.place, "what": self.what})
        return Text(
            "{place}: {what} {hint}",
            "{place}: {what} {hint}",
            {"place": self.place, "what": self.what, "hint": self.hint},
        )


class ConfigMistakes(InvalidConfig):
    """A configuration file with mistakes; `mistakes` lists all of them, the sentence says them one a line."""

    def __init__(self, path: Path, mistakes: list[Mistake]) -> None:
        self.mistakes = mistakes
        lines: dict[str, object] = {f"m{i}": mistake.sentence() for i, mistake in enumerate(mistakes)}
        template = "\n".join(f"{{{key}}}" for key in lines)
        super().__init__(Text(template, template, lines), subject=str(path))


def load(path: Path, config_type: type[T]) -> T:
    """Read and check a TOML file.

    Raises:
        ConfigMistakes: the file is absent, unreadable, not TOML, or has wrong values; every mistake is listed.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(CONFIG_MAX_BYTES + 1)
    except FileNotFoundError:
        what = say("такого файла налаштувань немає.", "there is no such configuration file.")
        hint = say("Створіть його: beket config example > {path}", "Make one: beket config example > {path}", path=path)
        raise ConfigMistakes(path, [Mistake(path.name, what, hint)]) from None
    except OSError as error:
        what = say("файл не читається: {why}.", "the file cannot be read: {why}.", why=error.strerror)
        raise ConfigMistakes(path, [Mistake(path.name, what)]) from error
    if len(raw) > CONFIG_MAX_BYTES:
        raise ConfigMistakes(path, [Mistake(path.name, say("файл більший за 1 МіБ.", "the file is over 1 MiB."))])
    try:
        tree = tomllib.loads(raw.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        what = say("це не TOML: {why}.", "this is not TOML: {why}.", why=error)
        raise ConfigMistakes(path, [Mistake(path.name, what)]) from error
    mistakes: list[Mistake] = []
    value = _check_value(tree, config_type, "", mistakes)
    if mistakes:
        raise ConfigMistakes(path, mistakes)
    return value  # type: ignore[no-any-return] # checked against config_type just above


def example(config_type: type[msgspec.Struct], required: dict[str, Any] | None = None) -> str:
    """The file that means the same as no file: each key with its explanation and default, as TOML.

    Values in `required`, by dotted path, stand instead of defaults; fields without one need theirs. A key that is
    absent by default, and the one table that stands for a list of tables, are commented out.
    """
    return "\n".join(_example_lines(config_type, "", required or {})).strip() + "\n"


def spell(config: msgspec.Struct) -> str:
    """The file that would be read as `config`: what is in force, each key with its explanation. It holds no secrets."""
    return example(type(config), dict(_leaves(config, "")))


# Checking -------------------------------------------------------------------------------------------------------------


def _check_value(value: Any, expected: Any, place: str, mistakes: list[Mistake]) -> Any:
    inner, _ = _unwrap(expected)
    if _is_table(inner):
        return _check_table(value, inner, place, mistakes)
    if get_origin(inner) is tuple and isinstance(value, list):
        return _check_list(value, expected, place, mistakes)
    return _check_leaf(value, expected, place, mistakes)


def _check_list(value: list[Any], annotated: Any, place: str, mistakes: list[Mistake]) -> Any:
    info = _type_of(annotated)
    low, high = getattr(info, "min_length", None) or 0, getattr(info, "max_length", None)
    if len(value) < low or (high is not None and len(value) > high):
        bounds = _bounds(low, high)
        what = say("тут потрібно значень:{bounds}.", "values needed here:{bounds}.", bounds=bounds)
        mistakes.append(Mistake(place, what))
    (item_type, *_) = get_args(_unwrap(annotated)[0])
    return tuple(_check_value(item, item_type, f"{place}[{i}]", mistakes) for i, item in enumerate(value))


def _check_table(value: Any, expected: type[msgspec.Struct], place: str, mistakes: list[Mistake]) -> Any:
    if not isinstance(value, dict):
        what = say("тут має бути розділ [{place}].", "this must be a table [{place}].", place=place)
        mistakes.append(Mistake(place, what))
        return None
    before = len(mistakes)
    fields = {field.encode_name: field for field in msgspec.structs.fields(expected)}
    hints = get_type_hints(expected, include_extras=True)
    unknown = [key for key in value if key not in fields]
    mistakes.extend(_unknown_key(_join(place, key), key, list(fields)) for key in unknown)
    checked: dict[str, Any] = {}
    for name, field in fields.items():
        if name in value:
            checked[field.name] = _check_value(value[name], hints[field.name], _join(place, name), mistakes)
        elif field.required:
            mistakes.append(Mistake(_join(place, name), say("цього ключа бракує.", "this key is missing.")))
    if len(mistakes) > before:
        return None
    try:
        return expected(**checked)
    except BeketError as error:
        # A rule over several fields of the section, from its own __post_init__.
        mistakes.append(Mistake(place or expected.__name__.lower(), error.message, error.hint))
        return None


def _check_leaf(value: Any, annotated: Any, place: str, mistakes: list[Mistake]) -> Any:
    try:
        return msgspec.convert(value, annotated, strict=True, dec_hook=_from_toml)
    except msgspec.ValidationError:
        what = say(
            "значення {value} не підходить: {allowed}.",
            "the value {value} will not do: {allowed}.",
            value=_show(value),
            allowed=_allowed(annotated),
        )
        mistakes.append(Mistake(place, what, _nearest_choice(value, annotated)))
        return None


def _unknown_key(place: str, key: str, known: list[str]) -> Mistake:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    what = say("такого ключа немає.", "there is no such key.")
    if near:
        return Mistake(place, what, say("Можливо, «{near}»?", "Did you mean “{near}”?", near=near[0]))
    keys = ", ".join(known)
    return Mistake(place, what, say("Можливі: {keys}.", "Possible keys: {keys}.", keys=keys))


def _nearest_choice(value: object, annotated: Any) -> Text | None:
    near = difflib.get_close_matches(str(value), _choices(annotated), n=1, cutoff=0.5)
    return say("Можливо, «{near}»?", "Did you mean “{near}”?", near=near[0]) if near else None


def _choices(annotated: Any) -> list[str]:
    info = _type_of(annotated)
    if isinstance(info, msgspec.inspect.EnumType):
        return [str(member.value) for member in info.cls]
    if isinstance(info, msgspec.inspect.LiteralType):
        return [str(choice) for choice in info.values]
    return []


def _allowed(annotated: Any) -> Text:
    info = _type_of(annotated)
    choices = _choices(annotated)
    if choices:
        return say("одне з {choices}", "one of {choices}", choices=", ".join(choices))
    if isinstance(info, msgspec.inspect.IntType | msgspec.inspect.FloatType):
        bounds = _bounds(info.ge, info.le, above=info.gt, below=info.lt)
        if isinstance(info, msgspec.inspect.IntType):
            return say("потрібне ціле число{bounds}", "a whole number is needed{bounds}", bounds=bounds)
        return say("потрібне число{bounds}", "a number is needed{bounds}", bounds=bounds)
    if isinstance(info, msgspec.inspect.BoolType):
        return say("потрібне true або false", "true or false is needed")
    if isinstance(info, msgspec.inspect.StrType) and info.pattern:
        return say("потрібен текст вигляду {form}", "text of the form {form} is needed", form=info.pattern)
    if isinstance(info, msgspec.inspect.ListType | msgspec.inspect.VarTupleType):
        return say("потрібен список", "a list is needed")
    if isinstance(info, msgspec.inspect.StrType) and (info.min_length or info.max_length):
        bounds = _bounds(info.min_length, info.max_length)
        return say("потрібен текст у лапках, знаків:{bounds}", "text in quotes, characters:{bounds}", bounds=bounds)
    if isinstance(info, msgspec.inspect.DictType):
        return say("потрібен розділ із такими значеннями, як в описі", "a table of values of the stated type is needed")
    return say("потрібен текст у лапках", "text in quotes is needed")


def _bounds(low: float | None, high: float | None, *, above: float | None = None, below: float | None = None) -> Text:
    told = [
        say(" від {n}", " from {n}", n=low) if low is not None else None,
        say(" понад {n}", " above {n}", n=above) if above is not None else None,
        say(" до {n}", " to {n}", n=high) if high is not None else None,
        say(" менше {n}", " below {n}", n=below) if below is not None else None,
    ]
    parts: dict[str, object] = {f"b{i}": bound for i, bound in enumerate(told) if bound is not None}
    template = "".join(f"{{{key}}}" for key in parts)
    return Text(template, template, parts)


def _type_of(annotated: Any) -> msgspec.inspect.Type:
    info = msgspec.inspect.type_info(annotated)
    return info.type if isinstance(info, msgspec.inspect.Metadata) else info


def _from_toml(expected: type, value: Any) -> Any:
    if expected is Path and isinstance(value, str):
        return Path(value)
    raise ValueError(f"{expected.__name__} is not a configuration type")


def _unwrap(expected: Any) -> tuple[Any, str]:
    """Split `Annotated[X | None, Meta(description=…)]` into X and the description; a leaf keeps its `| None`."""
    description = ""
    if get_origin(expected) is Annotated:
        expected, *metas = get_args(expected)
        description = next((m.description for m in metas if isinstance(m, msgspec.Meta) and m.description), "")
    if get_origin(expected) in (Union, types.UnionType):
        tables = [choice for choice in get_args(expected) if _is_table(choice)]
        expected = tables[0] if len(tables) == 1 else expected
    return expected, description


def _is_table(expected: Any) -> bool:
    return isinstance(expected, type) and issubclass(expected, msgspec.Struct)


def _join(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def _show(value: object) -> str:
    shown = f"«{value}»" if isinstance(value, str) else str(value)
    return shown if len(shown) <= 60 else shown[:57] + "…"


# Example --------------------------------------------------------------------------------------------------------------


def _example_lines(config_type: type[msgspec.Struct], place: str, required: dict[str, Any]) -> Iterator[str]:
    hints = get_type_hints(config_type, include_extras=True)
    tables: list[str] = []
    if place:
        yield from _heading(config_type, f"[{place}]")
    for field in msgspec.structs.fields(config_type):
        inner, description = _unwrap(hints[field.name])
        here = _join(place, field.encode_name)
        if _is_table(inner):
            lines = list(_example_lines(inner, here, required))
            absent = field.default is None
            tables.extend(["", *(f"# {line}".rstrip() if absent and line[:1] != "#" else line for line in lines)])
            continue
        item = get_args(inner)[0] if get_origin(inner) is tuple else None
        if item is not None and _is_table(_unwrap(item)[0]):
            filled = [line for one in required.get(here, ()) for line in ("", *_filled_table(one, here))]
            tables.extend(filled or ["", *_sample_table(_unwrap(item)[0], here)])
            continue
        if description:
            yield f"# {description}"
        value = required[here] if here in required else _default_of(field, None)
        yield _example_line(field.encode_name, value)
    yield from tables


def _leaves(config: msgspec.Struct, place: str) -> Iterator[tuple[str, Any]]:
    for field in msgspec.structs.fields(config):
        value, here = getattr(config, field.name), _join(place, field.encode_name)
        if isinstance(value, msgspec.Struct):
            yield from _leaves(value, here)
        else:
            yield here, value


def _sample_table(item_type: type[msgspec.Struct], place: str) -> Iterator[str]:
    # One table of a list, commented out: a list is empty until somebody fills it. Keys without a default end in "…".
    yield from _heading(item_type, f"# [[{place}]]")
    hints = get_type_hints(item_type, include_extras=True)
    for field in msgspec.structs.fields(item_type):
        _, description = _unwrap(hints[field.name])
        note = f"  # {description}" if description else ""
        yield f"# {field.encode_name} = {'…' if field.required else _as_toml(_default_of(field, None))}{note}"


def _filled_table(item: msgspec.Struct, place: str) -> Iterator[str]:
    yield from _heading(type(item), f"[[{place}]]")
    for field in msgspec.structs.fields(item):
        yield _example_line(field.encode_name, getattr(item, field.name))


def _heading(table_type: type[msgspec.Struct], bracketed: str) -> Iterator[str]:
    if table_type.__doc__:
        yield f"# {table_type.__doc__.strip().splitlines()[0]}"
    yield bracketed


def _example_line(key: str, value: Any) -> str:
    return f"# {key} =" if value is None else f"{key} = {_as_toml(value)}"


def _default_of(field: msgspec.structs.FieldInfo, required: Any) -> Any:
    if field.default is not msgspec.NODEFAULT:
        return field.default
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return required


def _as_toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, enum.Enum):
        return _as_toml(value.value)
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_as_toml(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_as_toml(key)} = {_as_toml(item)}" for key, item in value.items()) + "}"
    # JSON's escapes are TOML's, except that TOML also wants DEL escaped.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
