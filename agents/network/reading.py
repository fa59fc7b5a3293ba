"""Owns what an answer means: values of a module's objects become points, rows become ports or parts with names. Pure.

The port's name is its identity in labels, because ifIndex may change with a restart and a name does not.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from agents.network.measuring import combined, sample
from agents.network.module_files import Module, Source, Table
from agents.network.module_format import Fact
from agents.network.snmp.codec import Value
from agents.network.snmp.oid import format_oid, sub_ids
from beket.kernel.errors import ProtocolError
from beket.kernel.metrics import Labels, Point

LABEL_MAX_CHARS = 64
FACT_MAX_CHARS = 255
# Dotted indexes: no port has a longer one; a part's may be a hardware address or a text and must fit a label.
PORT_INDEX_MAX_CHARS = 20
PART_INDEX_MAX_CHARS = LABEL_MAX_CHARS - 1
# Of a name that is told from others by its index.
_NAME_MAX_CHARS = 22
# Parts of one table that become labels; gear of a village has tens, a mad or malicious agent must not make thousands.
PARTS_MAX = 512

Column = Mapping[bytes, Value]


@dataclass(frozen=True, slots=True)
class PortIdentity:
    """A port, or a part, of a device. `name` is its label, unique within its table; `alias` is the operator's word."""

    index: str
    name: str
    alias: str


def scalar_points(module: Module, values: Column, device: Labels, wall_ns: int) -> list[Point]:
    """Points of the scalars that came; `device` are the labels site and device."""
    points = []
    for source in module.scalars:
        value = sample(source, values.get(source.name), values.get)
        if value is not None:
            measure = source.measure
            labels = (*device, ("part", measure.part)) if measure.part else device
            points.append(Point(measure.metric, labels, wall_ns, value))
    return points


def facts_of(module: Module, values: Column) -> dict[str, str]:
    """Texts that the device says of itself, by fact; absent ones are left out."""
    return {
        fact.fact: _fact_text(fact, value)
        for name, fact in module.facts.items()
        if isinstance(value := values.get(name), bytes)
    }


def ports_of(table: Table, columns: Mapping[bytes, Column]) -> dict[bytes, PortIdentity]:
    """Rows by index (raw), each with a name that no other row of the table has; see `left_out` for the rest."""
    names, spare, aliases = (
        columns.get(name, {}) if name else {} for name in (table.names, table.spare_names, table.aliases)
    )
    indexes = {index: None for name in _telling(table, columns) for index in columns[name]}
    wanted = {index: _wanted(table, names.get(index), spare.get(index)) for index in indexes}
    uses = Counter(wanted.values())
    taken = {name for name, n in uses.items() if name and n == 1}
    ports: dict[bytes, PortIdentity] = {}
    index_max_chars = PORT_INDEX_MAX_CHARS if table.label == "port" else PART_INDEX_MAX_CHARS
    for index, name in wanted.items():
        try:
            number = ".".join(str(n) for n in sub_ids(index))
        except ProtocolError:
            continue
        if len(number) > index_max_chars:
            continue
        unique = name
        if not name or uses[name] > 1:
            unique = _unique(name, number, "" if name != table.prefix else table.prefix, taken)
            taken.add(unique)
        ports[index] = PortIdentity(number, unique, text_of(aliases.get(index)))
    return ports


def left_out(table: Table, columns: Mapping[bytes, Column], ports: Mapping[bytes, PortIdentity]) -> int:
    """How many rows are not among the table's `ports`, because their indexes are damaged or too long for a label."""
    return len(set[bytes]().union(*(columns[name] for name in _telling(table, columns))) - ports.keys())


def _unique(name: str, number: str, prefix: str, taken: Collection[str]) -> str:
    """A label out of the name, which others share or which is empty, and the index."""
    tail = f"#{number}"
    label = name[: min(_NAME_MAX_CHARS, LABEL_MAX_CHARS - len(tail))] + tail
    if prefix and len(spaced := f"{prefix} {number}") <= LABEL_MAX_CHARS:
        label = spaced
    attempt = 1
    while label in taken:
        attempt += 1
        longer = label + tail
        label = longer if len(longer) <= LABEL_MAX_CHARS else f"{attempt}{tail}"[:LABEL_MAX_CHARS]
    return label


def _telling(table: Table, columns: Mapping[bytes, Column]) -> Iterable[bytes]:
    """Columns whose rows are rows of the table; a part's name may come from a wider table, as a port's from its own."""
    if table.label == "port":
        return columns
    return [source.name for source in (*table.columns, *table.fallbacks) if source.name in columns]


def _wanted(table: Table, name: Value, spare: Value) -> str:
    own = text_of(name) or text_of(spare)
    if table.name_pattern and (found := table.name_pattern.search(own)):
        own = found.group(1)
    return f"{table.prefix} {own}".strip()[:LABEL_MAX_CHARS].strip() if table.prefix else own


def row_points(
    sources: Iterable[Source],
    columns: Mapping[bytes, Column],
    rows: Mapping[bytes, Labels],
    device: Labels,
    wall_ns: int,
) -> Iterator[Point]:
    """One point for each cell that means something, `rows` being the labels of each; one for all where combined."""
    for source in sources:
        measure = source.measure
        column = columns.get(source.name, {})
        if source.is_plain:
            metric, equals, scale = measure.metric, measure.equals, measure.scale
            for index, value in column.items():
                if isinstance(value, int) and index in rows:
                    exact = float(value == equals) if equals is not None else value * scale
                    yield Point(metric, rows[index], wall_ns, exact)
            continue
        samples = (
            (index, number)
            for index, value in column.items()
            if (number := sample(source, value, _Row(columns, index).cell)) is not None
        )
        if not measure.combine:
            yield from (Point(measure.metric, rows[index], wall_ns, n) for index, n in samples if index in rows)
        elif (whole := combined(measure.combine, (n for _, n in samples))) is not None and column:
            yield Point(measure.metric, device, wall_ns, whole)


class _Row:
    """The cells of one row."""

    __slots__ = ("_columns", "_index")

    def __init__(self, columns: Mapping[bytes, Column], index: bytes) -> None:
        self._columns = columns
        self._index = index

    def cell(self, name: bytes) -> Value:
        """What stands in the column `name`; None when there is nothing."""
        return self._columns.get(name, {}).get(self._index)


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
