"""Owns what a technician is told of one device: what it is known as, what it answers, what samples come of it."""

from collections import Counter
from collections.abc import Iterator, Sequence

from agents.network.device_poll import Reading
from agents.network.module_files import Module, Source
from agents.network.reading import Column, left_out, ports_of
from agents.network.snmp.port import Scalars, SnmpPort, Target, Walk
from beket.kernel.text import Text, say

# Samples of one metric that are shown; a switch has a port for each of twelve.
SHOWN_MAX = 4
FACT_WORDS = {
    "description": say("опис", "description"),
    "contact": say("контакт", "contact"),
    "location": say("місце", "place"),
    "model-oid": say("номер моделі (sysObjectID)", "number of the model (sysObjectID)"),
    "name": say("ім'я", "name"),
    "model": say("модель", "model"),
    "firmware": say("прошивка", "firmware"),
    "serial": say("серійний номер", "serial number"),
}


class Watched:
    """A `port.SnmpPort` that notes what columns and how many values came of each name."""

    def __init__(self, behind: SnmpPort) -> None:
        self._behind = behind
        self.values: Counter[bytes] = Counter()
        self.columns: dict[bytes, Column] = {}

    async def get(self, target: Target, names: Sequence[bytes]) -> Scalars:
        """See `SnmpPort.get`."""
        found = await self._behind.get(target, names)
        self.values.update(dict.fromkeys(found, 1))
        return found

    async def walk(self, target: Target, columns: Sequence[bytes]) -> Walk:
        """See `SnmpPort.walk`."""
        walk = await self._behind.walk(target, columns)
        for name, rows in zip(columns, walk.columns, strict=True):
            self.values[name] = max(self.values[name], len(rows))
            self.columns[name] = rows
        return walk


class Trial:
    """One reading, told in lines."""

    def __init__(self, modules: Sequence[Module], reading: Reading, watched: Watched) -> None:
        self._known = [module for module in modules if module.name in reading.modules]
        self._system = modules[0]
        self._reading = reading
        self._values = watched.values
        self._columns = watched.columns

    def lines(self) -> Iterator[Text | str]:
        """What a person reads, the most important first."""
        reading = self._reading
        if reading.error is not None:
            yield reading.error.sentence()
        if not reading.snmp_is_up:
            return
        families = [module for module in self._known if not module.detect.always]
        if families:
            names = ", ".join(f"{module.title} [{module.name}]" for module in families)
            yield say("Впізнано: {names}.", "Known as: {names}.", names=names)
        else:
            yield say(
                "Цього пристрою Бекет не знає: читає лише порти. Як додати: agents/network/modules/README.md.",
                "Beket does not know this device and reads its ports only. How to add it: "
                "agents/network/modules/README.md.",
            )
        for fact, value in reading.facts.items():
            if value:
                yield say("  {what}: {value}", "  {what}: {value}", what=FACT_WORDS[fact], value=value)
        for module in (self._system, *self._known):
            yield ""
            yield f"{module.title} [{module.name}]"
            yield from (self._told(source) for source in module.scalars)
            for table in module.tables:
                asked = (*table.asked(), *table.asked_instead(table.fallbacks))
                columns = {name: self._columns.get(name, {}) for name in asked}
                unnamed = left_out(table, columns, ports_of(table, columns))
                yield from (self._told(source, unnamed) for source in (*table.columns, *table.fallbacks))

    def _told(self, source: Source, unnamed: int = 0) -> Text:
        measure = source.measure
        came = self._values[source.name]
        points = [
            point
            for point in self._reading.points
            if point.name == measure.metric and (not measure.part or ("part", measure.part) in point.labels)
        ]
        if not came:
            return say("  немає     {o}", "  absent    {o}", o=measure.object)
        if not points and unnamed >= came and not source.measure.combine:
            return say(
                "  без назви {o}: відповідь є, але номери рядків задовгі для підпису або зіпсовані",
                "  unnamed   {o}: it answers, but the indexes of its rows are too long for a label or damaged",
                o=measure.object,
            )
        if not points:
            return say(
                "  не число  {o}: відповідь є, але за описом вона нічого не означає",
                "  no sample {o}: it answers, but by the module that means nothing",
                o=measure.object,
            )
        shown = ", ".join(_sample(point.labels, point.value) for point in points[:SHOWN_MAX])
        more = f" … ({len(points)})" if len(points) > SHOWN_MAX else ""
        return say(
            "  є         {o} → {m}: {shown}",
            "  present   {o} → {m}: {shown}",
            o=measure.object,
            m=measure.metric,
            shown=shown + more,
        )


def _sample(labels: tuple[tuple[str, str], ...], value: float) -> str:
    row = next((label for name, label in labels if name in ("port", "part")), "")
    return f"{row} = {value:.10g}" if row else f"{value:.10g}"
