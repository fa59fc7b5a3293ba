"""Owns how a module is read: a TOML file that says which objects make which metrics; data, not code.

Every mistake of a file is reported at once, as for configuration. A metric must be declared, once a file (and once as a
fallback), with the unit its name ends in.
"""

import importlib.resources
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from agents.network.snmp.oid import parse_oid
from beket.kernel import config
from beket.kernel.config import ConfigMistakes, Mistake
from beket.kernel.errors import InvalidArgument
from beket.kernel.metrics import Catalogue
from beket.kernel.text import say

SHIPPED = ("system", "interfaces")

_Object = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9-]+::[A-Za-z][A-Za-z0-9-]*$", description="MIB::object")]
_Unit = Literal["bytes", "seconds", "bps", "ratio", "errors", "discards", "count"]


class Measure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One numeric object: the sample is `value × scale`, or with `equals` 1 where the value is that, else 0."""

    object: _Object
    oid: str
    metric: str
    unit: _Unit
    scale: float = 1.0
    equals: int | None = None

    def sample(self, value: int) -> float:
        """The sample that a raw value gives."""
        return float(value == self.equals) if self.equals is not None else value * self.scale


class Fact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One object of text that is remembered of a device and never becomes a label."""

    object: _Object
    oid: str
    fact: Literal["description", "model-oid", "name"]


class Identity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One column that tells rows apart or names them for people."""

    object: _Object
    oid: str
    role: Literal["port", "port-fallback", "alias"]


class ModuleFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file as it is written."""

    scalars: tuple[Measure, ...] = ()
    facts: tuple[Fact, ...] = ()
    identity: tuple[Identity, ...] = ()
    columns: tuple[Measure, ...] = ()
    fallbacks: tuple[Measure, ...] = ()


@dataclass(frozen=True, slots=True)
class Module:
    """A checked module; keys are raw OIDs, ready to ask."""

    name: str
    scalars: dict[bytes, Measure]
    facts: dict[bytes, Fact]
    identity: dict[bytes, Identity]
    columns: dict[bytes, Measure]
    fallbacks: dict[bytes, Measure]


def load_module(path: Path, catalogue: Catalogue) -> Module:
    """Read one module.

    Raises:
        ConfigMistakes: the file cannot be read or has mistakes; all of them are listed.
    """
    file = config.load(path, ModuleFile)
    mistakes = list(_mistakes(file, catalogue))
    if mistakes:
        raise ConfigMistakes(path, mistakes)
    return Module(
        name=path.stem,
        scalars={parse_oid(item.oid): item for item in file.scalars},
        facts={parse_oid(item.oid): item for item in file.facts},
        identity={parse_oid(item.oid): item for item in file.identity},
        columns={parse_oid(item.oid): item for item in file.columns},
        fallbacks={parse_oid(item.oid): item for item in file.fallbacks},
    )


def load_shipped(catalogue: Catalogue) -> list[Module]:
    """The modules that come with Beket, `system` first."""
    folder = importlib.resources.files("agents.network") / "modules"
    with importlib.resources.as_file(folder) as path:
        return [load_module(path / f"{name}.toml", catalogue) for name in SHIPPED]


def _mistakes(file: ModuleFile, catalogue: Catalogue) -> Iterator[Mistake]:
    groups: dict[str, tuple[Measure | Fact | Identity, ...]] = {
        "scalars": file.scalars,
        "facts": file.facts,
        "identity": file.identity,
        "columns": file.columns,
        "fallbacks": file.fallbacks,
    }
    oids = Counter(item.oid for group in groups.values() for item in group)
    for name, group in groups.items():
        for i, item in enumerate(group):
            place = f"{name}[{i}].oid"
            try:
                parse_oid(item.oid)
            except InvalidArgument as error:
                yield Mistake(place, error.message)
            if oids[item.oid] > 1:
                yield Mistake(place, say("цей OID уже є у файлі.", "this OID is in the file already."))
    for name, measures, labels in (
        ("scalars", file.scalars, ("site", "device")),
        ("columns", file.columns, ("site", "device", "port")),
        ("fallbacks", file.fallbacks, ("site", "device", "port")),
    ):
        yield from _measure_mistakes(name, measures, labels, catalogue)
    wanted = {measure.metric for measure in file.columns}
    for i, measure in enumerate(file.fallbacks):
        if measure.metric not in wanted:
            what = say("запасна колонка без головної.", "a fallback without its main column.")
            yield Mistake(f"fallbacks[{i}].metric", what)


def _measure_mistakes(
    name: str, measures: Iterable[Measure], labels: tuple[str, ...], catalogue: Catalogue
) -> Iterator[Mistake]:
    seen: set[str] = set()
    for i, measure in enumerate(measures):
        place = f"{name}[{i}].metric"
        metric = catalogue.get(measure.metric)
        if metric is None:
            yield Mistake(place, say("такої метрики не оголошено.", "no such metric is declared."))
        elif metric.labels != labels:
            yield Mistake(place, say("у цієї метрики інші мітки.", "this metric has other labels."))
        elif not metric.name.removesuffix("_total").endswith(f"_{measure.unit}"):
            yield Mistake(place, say("назва метрики має іншу одиницю.", "the metric's name has another unit."))
        if measure.metric in seen:
            yield Mistake(place, say("цю метрику вже дає інший об'єкт.", "another object gives this metric already."))
        seen.add(measure.metric)
