"""Owns the walk through everything that a device answers, for a recording: one name after another, types kept.

Slower and simpler than `table_walk`, and as wary: it ends at a name that came before, at a bound, at silence; what had
come until then is kept, with the reason.
"""

from dataclasses import dataclass, field

from agents.network.snmp import course
from agents.network.snmp.codec import TAG_END_OF_MIB_VIEW, ErrorStatus, Malformed, Pdu, Varbind, Version
from agents.network.snmp.port import Target
from agents.network.snmp.table_walk import refused
from beket.kernel.errors import BeketError, ProtocolError, TimedOut
from beket.kernel.text import say

ROWS_MAX = 500_000
REPETITIONS = 20


@dataclass(slots=True)
class Everything:
    """All that came; `error` says why not more, None when the device came to its end."""

    rows: list[Varbind] = field(default_factory=list)
    error: BeketError | None = None


async def read_everything(ask: course.Ask, target: Target, root: bytes, *, rows_max: int = ROWS_MAX) -> Everything:
    """Ask for one name after another under `root`."""
    found, seen = Everything(), set[bytes]()
    pdu = Pdu.GET_NEXT if target.version is Version.V1 else Pdu.GET_BULK
    cursor, repetitions = root, REPETITIONS
    while True:
        try:
            response = await ask(pdu, [cursor], repetitions)
            varbinds = course.bindings(response)
        except (TimedOut, Malformed) as error:
            if pdu is Pdu.GET_NEXT or repetitions == 1:
                found.error = error
                return found
            repetitions = max(1, repetitions // 4)
            continue
        except BeketError as error:
            found.error = error
            return found
        if response.error_status == ErrorStatus.TOO_BIG and repetitions > 1:
            repetitions //= 2
            continue
        if response.error_status:
            # Version 1 ends so.
            is_end = response.error_status == ErrorStatus.NO_SUCH_NAME and pdu is Pdu.GET_NEXT
            found.error = None if is_end else refused(response.error_status)
            return found
        cursor = _take(found, seen, root, varbinds) or b""
        if not cursor:
            return found
        if len(found.rows) >= rows_max:
            found.error = _too_many(rows_max)
            return found


def _take(found: Everything, seen: set[bytes], root: bytes, varbinds: list[Varbind]) -> bytes | None:
    """Keep what came; the name to go on from, or None at an end."""
    for name, tag, value in varbinds:
        if tag == TAG_END_OF_MIB_VIEW or not name.startswith(root):
            return None
        if name in seen:
            found.error = _stuck()
            return None
        seen.add(name)
        if value is not None:
            found.rows.append((name, tag, value))
    if not varbinds:
        found.error = _stuck()
        return None
    return varbinds[-1][0]


def _too_many(rows_max: int) -> ProtocolError:
    return ProtocolError(
        say("У пристрою понад {n} значень; записано стільки.", "Over {n} values; that many were kept.", n=rows_max)
    )


def _stuck() -> ProtocolError:
    return ProtocolError(
        say(
            "Пристрій повторює ті самі значення; читання зупинено.",
            "The device repeats its values; the reading was stopped.",
        )
    )
