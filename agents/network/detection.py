"""Owns which modules a device has: by its sysObjectID, then by what it answers to probes.

sysDescr is never asked: a real switch may call itself "router", or by its village. A device that also has an object
that nobody can have says yes to everything, and its probes prove nothing. Note: agents/design/0035-knowing-devices.md.
"""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from agents.network.module_files import Module
from agents.network.snmp.codec import Value
from agents.network.snmp.oid import parse_oid
from agents.network.snmp.port import SnmpPort, Target
from beket.kernel.errors import BeketError

MODEL_OID = parse_oid("1.3.6.1.2.1.1.2.0")
# Under the number that stands for examples (RFC 5612): no device has it.
NOBODYS = parse_oid("1.3.6.1.4.1.32473.4242.0")
# Names in one question; more may not fit what cheap gear can read.
PROBES_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Kinship:
    """What a device was found to be.

    Attributes:
        modules: names of its modules, in the order of all modules.
        is_sure: every probe was answered, so that this may be believed for long.
        error: why not every probe was.
    """

    modules: tuple[str, ...]
    is_sure: bool
    error: BeketError | None = field(default=None, compare=False)


async def detect(snmp: SnmpPort, target: Target, modules: Sequence[Module], model: Value) -> Kinship:
    """Find out which of `modules` a device has, `model` being its sysObjectID; failures make that unsure, no more."""
    known = {module.name for module in modules if _is_model(module, model)}
    asked = [module for module in modules if module.name not in known]
    found, error = await _probe(snmp, target, {name for module in asked for name in module.probes})
    if NOBODYS in found:
        return Kinship(_in_order(modules, known), error is None, error)
    known |= {module.name for module in asked if not found.isdisjoint(module.probes)}
    for module in asked:
        if module.name in known or not module.probe_columns:
            continue
        walk = await snmp.walk(target, module.probe_columns)
        if any(walk.columns):
            known.add(module.name)
        else:
            error = error or walk.error
    return Kinship(_in_order(modules, known), error is None, error)


def fingerprint(modules: Iterable[Module]) -> int:
    """A number that changes with what devices are known by: verdicts of other rules are no longer believed."""
    return zlib.crc32(repr([(module.name, module.detect) for module in modules]).encode())


async def _probe(snmp: SnmpPort, target: Target, wanted: set[bytes]) -> tuple[set[bytes], BeketError | None]:
    """Which of the names the device has, and why it was not heard on all of them."""
    found: set[bytes] = set()
    error: BeketError | None = None
    names = [NOBODYS, *sorted(wanted)] if wanted else []
    for first in range(0, len(names), PROBES_AT_ONCE):
        try:
            values = await snmp.get(target, names[first : first + PROBES_AT_ONCE])
        except BeketError as broken_off:
            return found, broken_off
        found |= {name for name, value in values.items() if value is not None}
        error = error or values.error
    return found, error


def _is_model(module: Module, model: Value) -> bool:
    # A whole OID never ends inside a number, so a prefix of bytes is a prefix of numbers.
    return isinstance(model, bytes) and any(model.startswith(prefix) for prefix in module.model_oids)


def _in_order(modules: Sequence[Module], known: set[str]) -> tuple[str, ...]:
    left_out = {name for module in modules if module.name in known for name in module.detect.instead_of}
    return tuple(module.name for module in modules if module.name in known and module.name not in left_out)
