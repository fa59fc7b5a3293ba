"""Owns what an answer means: values of a module's objects become points, rows become ports with names. Pure.

The port's name is its identity in labels, because ifIndex may change with a restart and a name does not.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from agents.network.module_files import Fact, Measure, Module
from agents.network.snmp.codec import Value
from agents.network.snmp.oid import format_oid, sub_ids
from beket.kernel.errors import ProtocolError
from beket.kernel.metrics import Labels, Point

LABEL_MAX_CHARS = 64
FACT_MAX_CHARS = 255
INDEX_MAX_CHARS = 20

Column = Mapping[bytes, Value]


@dataclass(frozen=True, slots=True)
class PortIdentity:
    """A port of a device. `name` is its label, unique within the device; `alias` is what the operator wrote on it."""

    index: str
    name: str
    alias: str


def scalar_points(module: Module, values: Column, device: Labels, wall_ns: int) -> list[Point]:
    """Points of the scalars that came; `device` are the labels site and device."""
    return [
        Point(measure.metric, device, wall_ns, measure.sample(value))
        for name, measure in module.scalars.items()
        if isinstance(value := values.get(name), int)
    ]


def facts_of(module: Module, values: Column) -> dict[str, str]:
    """Texts that the device says of itself, by fact; absent ones are left out."""
    return {
        fact.fact: _fact_text(fact, value)
        for name, fact in module.facts.items()
        if isinstance(value := values.get(name), bytes)
    }


def ports_of(module: Module, columns: Mapping[bytes, Column]) -> dict[bytes, PortIdentity]:
    """Ports by index (raw), each with a name that no other port of the device has."""
    by_role = {item.role: columns.get(name, {}) for name, item in module.identity.items()}
    names, spare, aliases = (by_role.get(role, {}) for role in ("port", "port-fallback", "alias"))
    indexes = {index: None for column in columns.values() for index in column}
    wanted = {index: text_of(names.get(index)) or text_of(spare.get(index)) for index in indexes}
    uses = Counter(wanted.values())
    taken = {name for name, n in uses.items() if name and n == 1}
    ports: dict[bytes, PortIdentity] = {}
    for index, name in wanted.items():
        try:
            number = ".".join(str(n) for n in sub_ids(index))
        except ProtocolError:
            continue
        if len(number) > INDEX_MAX_CHARS:
            continue  # no port has such an index
        unique = name
        if not name or uses[name] > 1:
            unique = f"{name[: LABEL_MAX_CHARS - 2 * INDEX_MAX_CHARS - 2]}#{number}"
            while unique in taken:
                unique += f"#{number}"
            taken.add(unique)
        ports[index] = PortIdentity(number, unique, text_of(aliases.get(index)))
    return ports


def row_points(
    measures: Mapping[bytes, Measure],
    columns: Mapping[bytes, Column],
    ports: Mapping[bytes, PortIdentity],
    device: Labels,
    wall_ns: int,
) -> Iterator[Point]:
    """One point for each number in the measures' columns."""
    labels = {index: (*device, ("port", port.name)) for index, port in ports.items()}
    for name, measure in measures.items():
        for index, value in columns.get(name, {}).items():
            if isinstance(value, int) and index in labels:
                yield Point(measure.metric, labels[index], wall_ns, measure.sample(value))


def text_of(value: Value, max_chars: int = LABEL_MAX_CHARS) -> str:
    r"""Text of a device in one line: UTF-8, or cp1251 as older local gear writes; "" for anything but octets.

    Example:
        >>> text_of("Порт 1".encode("cp1251")), text_of(b"eth0\x00"), text_of(7)
        ('Порт 1', 'eth0', '')
    """
    if not isinstance(value, bytes):
        return ""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = value.decode("cp1251", errors="replace")
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()[:max_chars].strip()


def _fact_text(fact: Fact, value: bytes) -> str:
    if fact.fact != "model-oid":
        return text_of(value, FACT_MAX_CHARS)
    try:
        return format_oid(value)
    except ProtocolError:
        return ""
