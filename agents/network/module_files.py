"""Owns how a module is read: a TOML file that says which objects make which metrics; data, not code.

Every mistake of a file is reported at once, as for configuration. A metric must be declared, once a file (and once as a
fallback), with the unit its name ends in.
"""

import contextlib
import importlib.resources
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from agents.network.module_format import Detect, Fact, Measure, ModuleFile, TableFile
from agents.network.snmp.oid import parse_oid
from beket.kernel import config
from beket.kernel.config import ConfigMistakes, Mistake
from beket.kernel.errors import InvalidArgument
from beket.kernel.metrics import Catalogue
from beket.kernel.text import Text, say

_DEVICE = ("site", "device")
_PART = (*_DEVICE, "part")
_PLAIN = {"object", "oid", "metric", "unit", "scale", "equals"}


@dataclass(frozen=True, slots=True)
class Source:
    """A checked measure; OIDs are raw, ready to ask.

    Attributes:
        is_plain: the sample is `scale × value`, or whether it equals one number: the case of all ports.
        powers: name, `times` and `plus` of each.
    """

    name: bytes
    measure: Measure
    is_plain: bool
    where: tuple[tuple[bytes, frozenset[int | bytes]], ...]
    pattern: re.Pattern[str] | None
    powers: tuple[tuple[bytes, int, int], ...]
    plus: bytes | None
    times: bytes | None
    per: bytes | None

    def others(self) -> list[bytes]:
        """Names of further objects of the same row that the sample needs."""
        maybe = (self.plus, self.times, self.per)
        return [name for name in (*(n for n, _ in self.where), *(n for n, _, _ in self.powers), *maybe) if name]


@dataclass(frozen=True, slots=True)
class Table:
    """A checked table; `names`, `spare_names` and `aliases` are the columns that tell its rows apart."""

    label: str
    prefix: str
    names: bytes | None
    spare_names: bytes | None
    aliases: bytes | None
    name_pattern: re.Pattern[str] | None
    columns: tuple[Source, ...]
    fallbacks: tuple[Source, ...]

    def asked(self) -> list[bytes]:
        """Columns to walk, the fallbacks' apart."""
        identity = [name for name in (self.names, self.spare_names, self.aliases) if name is not None]
        return list(dict.fromkeys((*identity, *_asked(self.columns))))

    def asked_instead(self, sources: Iterable[Source]) -> list[bytes]:
        """Columns to walk for these fallbacks."""
        return list(dict.fromkeys(_asked(sources)))


@dataclass(frozen=True, slots=True)
class Module:
    """A checked module."""

    name: str
    title: str
    source: str
    detect: Detect
    model_oids: tuple[bytes, ...]
    probes: tuple[bytes, ...]
    probe_columns: tuple[bytes, ...]
    scalars: tuple[Source, ...]
    facts: dict[bytes, Fact]
    tables: tuple[Table, ...]

    def sources(self) -> Iterator[Source]:
        """All that gives samples."""
        yield from self.scalars
        for table in self.tables:
            yield from (*table.columns, *table.fallbacks)

    def asked(self) -> list[bytes]:
        """Scalars to ask for."""
        return list(dict.fromkeys((*_asked(self.scalars), *self.facts)))


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
        title=file.title,
        source=file.source,
        detect=file.detect,
        model_oids=tuple(map(parse_oid, file.detect.model_oids)),
        probes=tuple(map(parse_oid, file.detect.probes)),
        probe_columns=tuple(map(parse_oid, file.detect.columns)),
        scalars=tuple(map(_source, file.scalars)),
        facts={parse_oid(item.oid): item for item in file.facts},
        tables=tuple(map(_table, file.tables)),
    )


def load_shipped(catalogue: Catalogue) -> list[Module]:
    """The modules that come with Beket: `system`, `interfaces`, then the families by name."""
    folder = importlib.resources.files("agents.network") / "modules"
    with importlib.resources.as_file(folder) as path:
        modules = {file.stem: load_module(file, catalogue) for file in sorted(path.glob("*.toml"))}
    return [modules.pop("system"), modules.pop("interfaces"), *modules.values()]


def load_own(folder: Path, catalogue: Catalogue) -> tuple[list[Module], list[ConfigMistakes]]:
    """The community's own modules, and what is wrong with files that are left out for that. Blocking."""
    modules, mistakes = [], []
    for file in sorted(folder.glob("*.toml")):
        try:
            modules.append(load_module(file, catalogue))
        except ConfigMistakes as error:
            mistakes.append(error)
    return modules, mistakes


def join(shipped: list[Module], own: Iterable[Module]) -> list[Module]:
    """All modules, where one of the community's own stands in for the shipped one of the same name."""
    by_name = {module.name: module for module in (*shipped, *own)}
    return list(by_name.values())


def _asked(sources: Iterable[Source]) -> Iterator[bytes]:
    for source in sources:
        yield source.name
        yield from source.others()


def _source(measure: Measure) -> Source:
    given = {name for name in measure.__struct_fields__ if getattr(measure, name) != _DEFAULT[name]}
    plus, times, per = (parse_oid(oid) if oid else None for oid in (measure.plus, measure.times, measure.per))
    return Source(
        name=parse_oid(measure.oid),
        measure=measure,
        is_plain=given <= _PLAIN and not isinstance(measure.equals, tuple),
        where=tuple((parse_oid(item.oid), frozenset(map(_as_value, item.equals))) for item in measure.where),
        pattern=re.compile(measure.text) if measure.text else None,
        powers=tuple((parse_oid(power.oid), power.times, power.plus) for power in measure.powers),
        plus=plus,
        times=times,
        per=per,
    )


_DEFAULT = {
    name: getattr(Measure(object="", oid="", metric="", unit="count"), name) for name in Measure.__struct_fields__
}


def _as_value(value: int | str) -> int | bytes:
    return value if isinstance(value, int) else parse_oid(value)


def _table(file: TableFile) -> Table:
    by_role = {item.role: parse_oid(item.oid) for item in file.identity}
    return Table(
        label=file.label,
        prefix=file.prefix,
        names=by_role.get("name"),
        spare_names=by_role.get("spare-name"),
        aliases=by_role.get("alias"),
        name_pattern=next((re.compile(item.text) for item in file.identity if item.text), None),
        columns=tuple(map(_source, file.columns)),
        fallbacks=tuple(map(_source, file.fallbacks)),
    )


def _mistakes(file: ModuleFile, catalogue: Catalogue) -> Iterator[Mistake]:
    for name, oids in (
        ("model_oids", file.detect.model_oids),
        ("probes", file.detect.probes),
        ("columns", file.detect.columns),
    ):
        for i, oid in enumerate(oids):
            yield from _oid_mistakes(f"detect.{name}[{i}]", oid)
    if not (file.detect.always or file.detect.model_oids or file.detect.probes or file.detect.columns):
        what = say("не сказано, як упізнати такий пристрій.", "it is not said how such a device is known.")
        yield Mistake("detect", what)
    for i, fact in enumerate(file.facts):
        yield from _oid_mistakes(f"facts[{i}].oid", fact.oid)
    yield from _measure_mistakes("scalars", file.scalars, None, catalogue)
    for i, table in enumerate(file.tables):
        place = f"tables[{i}]"
        for j, identity in enumerate(table.identity):
            yield from _oid_mistakes(f"{place}.identity[{j}].oid", identity.oid)
            yield from _text_mistakes(f"{place}.identity[{j}].text", identity.text)
        for name, measures in (("columns", table.columns), ("fallbacks", table.fallbacks)):
            yield from _measure_mistakes(f"{place}.{name}", measures, table.label, catalogue)
        wanted = {measure.metric for measure in table.columns}
        for j, measure in enumerate(table.fallbacks):
            if measure.metric not in wanted:
                what = say("запасна колонка без головної.", "a fallback without its main column.")
                yield Mistake(f"{place}.fallbacks[{j}].metric", what)


def _measure_mistakes(
    name: str, measures: Iterable[Measure], row_label: str | None, catalogue: Catalogue
) -> Iterator[Mistake]:
    seen: Counter[object] = Counter((m.metric, m.part, m.where) for m in measures)
    for i, measure in enumerate(measures):
        place = f"{name}[{i}]"
        yield from _words_mistakes(place, measure)
        metric = catalogue.get(measure.metric)
        labels = _labels(measure, row_label)
        if metric is None:
            yield Mistake(f"{place}.metric", say("такої метрики не оголошено.", "no such metric is declared."))
        elif metric.labels != labels:
            yield Mistake(f"{place}.metric", say("у цієї метрики інші мітки.", "this metric has other labels."))
        elif not metric.name.removesuffix("_total").endswith(f"_{measure.unit}"):
            what = say("назва метрики має іншу одиницю.", "the metric's name has another unit.")
            yield Mistake(f"{place}.metric", what)
        if seen[measure.metric, measure.part, measure.where] > 1:
            what = say("цю метрику вже дає інший об'єкт.", "another object gives this metric already.")
            yield Mistake(f"{place}.metric", what)


def _labels(measure: Measure, row_label: str | None) -> tuple[str, ...]:
    if row_label is None:
        return _PART if measure.part else _DEVICE
    return _DEVICE if measure.combine else (*_DEVICE, row_label)


def _words_mistakes(place: str, measure: Measure) -> Iterator[Mistake]:
    oids = {"oid": measure.oid, "plus": measure.plus, "times": measure.times, "per": measure.per}
    oids |= {f"powers[{i}].oid": power.oid for i, power in enumerate(measure.powers)}
    oids |= {f"where[{i}].oid": where.oid for i, where in enumerate(measure.where)}
    for i, where in enumerate(measure.where):
        oids |= {f"where[{i}].equals[{j}]": text for j, text in enumerate(where.equals) if isinstance(text, str)}
    for name, oid in oids.items():
        if oid or name == "oid":
            yield from _oid_mistakes(f"{place}.{name}", oid)
    for raw in measure.values:
        if not re.fullmatch("-?[0-9]{1,20}", raw):
            yield Mistake(f"{place}.values.{raw[:20]}", say("ключ має бути числом.", "the key must be a number."))
    yield from _text_mistakes(f"{place}.text", measure.text)


def _text_mistakes(place: str, text: str) -> Iterator[Mistake]:
    groups = -1
    with contextlib.suppress(re.error):
        groups = re.compile(text).groups
    if text and groups != 1:
        yield Mistake(place, say("тут потрібен вираз з однією групою.", "an expression with one group is wanted here."))


def _oid_mistakes(place: str, oid: str) -> Iterator[Mistake]:
    message: Text | None = None
    try:
        parse_oid(oid)
    except InvalidArgument as error:
        message = error.message
    if message is not None:
        yield Mistake(place, message)
