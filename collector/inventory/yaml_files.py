"""Owns the inventory as YAML, the form that Ansible and people with a text editor share.

Every scalar is text (PyYAML's base loader), so `no` is a word and `0123` keeps its zero; aliases, tags and repeated
keys are refused; size and depth are bounded before anything is built. Hostile bytes raise InventoryMistakes only.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec
import yaml

from beket.kernel.config import Mistake
from beket.kernel.ids import CommunityId
from beket.kernel.inventory import Camera, Community, Device, Inventory, Provider, Service, Site
from beket.kernel.text import Text, say
from beket.kernel.units import MIB
from collector.inventory.cells import default_of
from collector.inventory.changes import Thing, ThingKind, things
from collector.inventory.checks import did_you_mean
from collector.inventory.columns import SHEETS, Sheet
from collector.inventory.draft import Draft, InventoryMistakes, dotted_place, tidy, whole_file_mistake
from collector.inventory.reading import read_thing

YAML_MAX_BYTES = 2 * MIB
DEPTH_MAX = 6

_LOADER = yaml.CBaseLoader if yaml.__with_libyaml__ else yaml.BaseLoader
_DUMPER = yaml.CSafeDumper if yaml.__with_libyaml__ else yaml.SafeDumper
_TOP_KEYS = ("version", "community", *(str(sheet.kind) for sheet in SHEETS))


def write_yaml(inventory: Inventory) -> bytes:
    """The whole inventory; a value that is the default is left out."""
    tree: dict[str, object] = {
        "version": inventory.version,
        "community": {"id": inventory.community.id, "name": inventory.community.name},
    }
    for sheet in SHEETS:
        tree[str(sheet.kind)] = [_spell_thing(thing, sheet) for thing in things(inventory, sheet.kind)]
    return yaml.dump(tree, Dumper=_DUMPER, allow_unicode=True, sort_keys=False, width=1000, encoding="utf-8")


def read_yaml(data: bytes, base: Inventory, *, filename: str) -> Draft:
    """The draft that a YAML file makes of `base`; a list that the file does not mention stays as it is.

    Raises:
        InventoryMistakes: it is not YAML or not of this form; mistakes of values are in the draft.
    """
    root = _compose(data, filename)
    reading = _Reading()
    listed = reading.mapping(root, filename, _TOP_KEYS)
    if not listed and not reading.mistakes:
        reading.note_at(filename, root, say("Файл порожній.", "The file is empty."))
    read = {sheet.kind: reading.read_list(listed[str(sheet.kind)], sheet) for sheet in SHEETS if sheet.kind in listed}
    community = _read_community(listed.get("community"), base.community, reading)
    if not listed:
        raise InventoryMistakes(reading.mistakes)
    notices = _say_stale(listed.get("version"), base)
    inventory = msgspec.structs.replace(
        base,
        community=community,
        sites=tuple(t for t in read.get(ThingKind.SITE, base.sites) if isinstance(t, Site)),
        devices=tuple(t for t in read.get(ThingKind.DEVICE, base.devices) if isinstance(t, Device)),
        cameras=tuple(t for t in read.get(ThingKind.CAMERA, base.cameras) if isinstance(t, Camera)),
        services=tuple(t for t in read.get(ThingKind.SERVICE, base.services) if isinstance(t, Service)),
        providers=tuple(t for t in read.get(ThingKind.PROVIDER, base.providers) if isinstance(t, Provider)),
    )
    return Draft(inventory, place=reading.place, mistakes=tuple(reading.mistakes), notices=tuple(notices))


def _spell_thing(thing: Thing, sheet: Sheet) -> dict[str, object]:
    # `id` first: it is what the eye looks for.
    fields = ["id", *(column.field for column in sheet.columns if column.field != "id")]
    values = msgspec.to_builtins(thing)
    defaults = {column.field: default_of(column, sheet.thing_type) for column in sheet.columns}
    return {name: values[name] for name in fields if values[name] != defaults[name]}


def _compose(data: bytes, filename: str) -> yaml.Node:
    """The file's tree of nodes, at most `DEPTH_MAX` deep, without aliases, anchors and tags."""
    try:
        text = data.decode("utf-8-sig")
        depth = 0
        for event in yaml.parse(text, Loader=_LOADER):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            marked = getattr(event, "anchor", None) or getattr(event, "tag", None)
            if depth > DEPTH_MAX or marked or isinstance(event, yaml.AliasEvent):
                raise whole_file_mistake(
                    f"{filename}, рядок {_line(event)}",
                    say(
                        "Посилання (&, *), мітки (!) і глибока вкладеність тут не дозволені.",
                        "References (&, *), tags (!) and deep nesting are not allowed here.",
                    ),
                )
        root = yaml.compose(text, Loader=_LOADER)
    except UnicodeDecodeError as error:
        what = say("Файл не в кодуванні UTF-8.", "The file is not UTF-8.")
        raise whole_file_mistake(filename, what, say("Збережіть його як UTF-8.", "Save it as UTF-8.")) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = filename if mark is None else f"{filename}, рядок {mark.line + 1}"
        what = say("Це не YAML: {why}.", "This is not YAML: {why}.", why=getattr(error, "problem", None) or "?")
        raise whole_file_mistake(place, what) from error
    if root is None:
        raise whole_file_mistake(filename, say("Файл порожній.", "The file is empty."))
    return root


@dataclass(slots=True)
class _Reading:
    """Goes through the nodes, noting mistakes and the lines of values."""

    mistakes: list[Mistake] = field(default_factory=list)
    lines: dict[tuple[ThingKind, int, str], int] = field(default_factory=dict)

    def note_at(self, place: str, node: yaml.Node, what: Text, hint: Text | None = None) -> None:
        self.mistakes.append(Mistake(f"{place} (рядок {_line(node)})", what, hint))

    def place(self, kind: ThingKind, index: int, field_name: str) -> str:
        place = dotted_place(kind, index, field_name)
        line = self.lines.get((kind, index, field_name)) or self.lines.get((kind, index, ""))
        return f"{place} (рядок {line})" if line else place

    def mapping(self, node: yaml.Node, place: str, keys: tuple[str, ...]) -> dict[str, yaml.Node]:
        """The values of a mapping whose keys are all known and stand once."""
        if not isinstance(node, yaml.MappingNode):
            what = say("Тут мають бути пари «ключ: значення».", "There must be “key: value” pairs here.")
            self.note_at(place, node, what)
            return {}
        values: dict[str, yaml.Node] = {}
        for key_node, value in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else "?"
            if key not in keys:
                hint = did_you_mean(key, {k: k for k in keys})
                self.note_at(
                    place, key_node, say("Ключа «{key}» немає.", "There is no key “{key}”.", key=key[:60]), hint
                )
            elif key in values:
                self.note_at(place, key_node, say("Ключ «{key}» є двічі.", "The key “{key}” is there twice.", key=key))
            else:
                values[key] = value
        return values

    def text(self, node: yaml.Node, place: str) -> str:
        """A scalar as tidy text; a bare null is empty."""
        if not isinstance(node, yaml.ScalarNode):
            self.note_at(place, node, say("Тут має бути одне значення.", "There must be a single value here."))
            return ""
        is_null = not node.style and node.value in ("null", "~")
        return "" if is_null else tidy(node.value)

    def read_list(self, node: yaml.Node, sheet: Sheet) -> list[Thing]:
        if isinstance(node, yaml.ScalarNode) and not self.text(node, str(sheet.kind)):
            return []
        if not isinstance(node, yaml.SequenceNode):
            self.note_at(str(sheet.kind), node, say("Тут має бути список.", "There must be a list here."))
            return []
        return [self._read_entry(entry, index, sheet) for index, entry in enumerate(node.value)]

    def _read_entry(self, node: yaml.Node, index: int, sheet: Sheet) -> Thing:
        place = f"{sheet.kind}[{index}]"
        nodes = self.mapping(node, place, tuple(column.field for column in sheet.columns))
        self.lines[sheet.kind, index, ""] = _line(node)
        for name, value in nodes.items():
            self.lines[sheet.kind, index, name] = _line(value)
        written = {name: self.text(value, f"{place}.{name}") for name, value in nodes.items()}

        def note(field_name: str, what: Text, hint: Text | None) -> None:
            self.mistakes.append(Mistake(self.place(sheet.kind, index, field_name), what, hint))

        return read_thing(sheet, written, None, note)


def _line(marked: yaml.Node | yaml.Event) -> int:
    return marked.start_mark.line + 1 if marked.start_mark else 0


def _read_community(node: yaml.Node | None, base: Community, reading: _Reading) -> Community:
    if node is None:
        return base
    nodes = reading.mapping(node, "community", ("id", "name"))
    texts = {name: reading.text(value, f"community.{name}") for name, value in nodes.items()}
    return Community(id=CommunityId(texts.get("id", base.id)), name=texts.get("name", base.name))


def _say_stale(node: yaml.Node | None, base: Inventory) -> Iterator[Text]:
    written = node.value if isinstance(node, yaml.ScalarNode) else ""
    if written.isascii() and written.isdigit() and len(written) < 10 and int(written) != base.version:
        yield say(
            "Файл зроблено з версії {theirs}, а зараз {ours}: зміни, прийняті між ними, буде скасовано.",
            "The file was made from version {theirs}, now it is {ours}: changes accepted in between will be undone.",
            theirs=written,
            ours=base.version,
        )
