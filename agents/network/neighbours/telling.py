"""Owns how a look becomes facts for the centre, which reads them by its own `collector.topology.told`.

Four sources: `ports` (the device itself), `lldp`, `cdp` and `fdb`. Each says in `table/<source>` whether it is whole,
so that a silence means something. A fact is a few short texts; what does not fit loses its least telling ones.
"""

from collections import Counter
from collections.abc import Iterator, Mapping

from agents.facts.messages import PART_MAX_CHARS, FactValue, spelled
from agents.network.neighbours.report import Behind, Name, Neighbour, Neighbourhood, Port

PORTS, LLDP, CDP, FDB = "ports", "lldp", "cdp", "fdb"
WHOLE = "whole"
MACS_TOLD = 12
NAMES_TOLD = 8
THINGS_PER_FACT = 5

Facts = dict[str, FactValue]


def facts_of(look: Neighbourhood) -> Iterator[tuple[str, Facts, bool]]:
    """What each source says, and whether that is all of it. A table that was cut before its first row says nothing."""
    missing = dict(look.missing)
    of_source = {
        PORTS: _of_ports(look),
        LLDP: _of_neighbours(look, LLDP),
        CDP: _of_neighbours(look, CDP),
        FDB: _of_behind(look),
    }
    for source, facts in of_source.items():
        yield source, facts | {f"table/{source}": missing.get(source, WHOLE)}, source not in missing


def _of_ports(look: Neighbourhood) -> Facts:
    itself = {"name": look.name[:80]}
    for number, name in enumerate(look.chassis):
        itself[f"chassis-{number}"] = _spelled_name(name)
    itself["macs"] = " ".join(look.macs[:MACS_TOLD])
    facts: Facts = {"self": _fitting(itself)}
    for port in look.ports:
        facts[_key("port", port.name)] = _fitting(_port(port))
    return facts


def _port(port: Port) -> dict[str, str]:
    fields = {"port": port.name, "mac": port.mac, "bundle": port.aggregate}
    # The shortest first: what does not fit is the longest description.
    names = sorted(port.names[:NAMES_TOLD], key=lambda name: (len(name), name))
    return fields | {f"name-{number}": name for number, name in enumerate(names)}


def _of_neighbours(look: Neighbourhood, protocol: str) -> Facts:
    facts: Facts = {}
    on_port: Counter[str] = Counter()
    mine = [one for one in look.neighbours if one.protocol == protocol]
    for one in sorted(mine, key=lambda one: (one.port, one.chassis.text, one.name, one.remote_port.text)):
        on_port[one.port] += 1
        facts[_key("neighbour", one.port, on_port[one.port])] = _fitting(_neighbour(one))
    return facts


def _neighbour(one: Neighbour) -> dict[str, str]:
    return {
        "port": one.port,
        "chassis": _spelled_name(one.chassis),
        "address": one.address,
        "name": one.name[:80],
        "remote-port": _spelled_name(one.remote_port),
        "remote-words": one.remote_words[:80],
        "description": one.description[:80],
    }


def _of_behind(look: Neighbourhood) -> Facts:
    """Ports behind which there is something of the inventory; where only strangers are there is nothing to tell."""
    facts: Facts = {}
    for one in look.behind:
        things = [f"device {id_}" for id_ in one.devices] + [f"camera {id_}" for id_ in one.cameras]
        for number, first in enumerate(range(0, len(things), THINGS_PER_FACT), start=1):
            some = things[first : first + THINGS_PER_FACT]
            fields = {"port": one.port, "others": _roughly(one)}
            fields |= {f"thing-{place}": thing for place, thing in enumerate(some)}
            facts[_key("behind", one.port, number)] = _fitting(fields)
    return facts


def _roughly(one: Behind) -> str:
    """How many others: only 0, 1 and more, because an exact count would be another fact each hour."""
    return str(min(one.others, 2))


def _spelled_name(name: Name) -> str:
    return f"{name.kind} {name.text[:80]}" if name.kind else ""


def _key(what: str, part: str, number: int = 1) -> str:
    """A key for one of a part; `part` stands among the fields too, so that it may be cut here."""
    more = f" #{number}" if number > 1 else ""
    return f"{what}/{part[: PART_MAX_CHARS - len(more)]}{more}"


def _fitting(fields: Mapping[str, str]) -> dict[str, str]:
    """As many of the fields, in their order, as fit into one fact."""
    kept = {name: text for name, text in fields.items() if text}
    while kept and not spelled(kept)[0]:
        kept.popitem()
    return kept
