"""Owns how a get and a walk go on, whichever back end carries the questions: what to ask again, what to leave out.

A back end gives `Ask`, one question and its answer; everything that a device may do wrong in the meantime is met here
and in `table_walk`, once for all back ends.
"""

from collections.abc import Awaitable, Callable, Sequence

from agents.network.snmp.bulk_memory import BulkMemory
from agents.network.snmp.codec import ErrorStatus, Head, Malformed, Pdu, Response, Varbind, Version
from agents.network.snmp.port import Scalars, Target, Walk
from agents.network.snmp.table_walk import ROWS_MAX, TableWalk, refused
from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.errors import BeketError, TimedOut, Unreachable
from beket.kernel.text import say

Ask = Callable[[Pdu, Sequence[bytes], int], Awaitable[Head | Response]]

# What comes of a device that is asked for more than it bears; of a dead one and a bad line too.
_SILENCES = (TimedOut, Unreachable, Malformed)


class TooSlow(TimedOut):
    """The device answers, but its table did not come within the walk's time."""


async def get(ask: Ask, target: Target, names: Sequence[bytes], *, memory: BulkMemory) -> Scalars:
    """See `SnmpPort.get`; who bears little is asked for little, and what breaks somewhere is asked for in halves."""
    found = Scalars()
    at_once = memory.scalars_at_once(target.host, target.port)
    waiting = [list(names[first : first + at_once]) for first in range(0, len(names), at_once)][::-1]
    while waiting:
        wanted = waiting.pop()
        try:
            response = await ask(Pdu.GET, wanted, 0)
        except BeketError as error:
            if not found:
                raise
            found.error = error
            return found
        status, index = response.error_status, response.error_index
        is_named = 1 <= index <= len(wanted)
        if not status:
            found.update({name: value for name, _, value in bindings(response) if value is not None})
            continue
        if status == ErrorStatus.NO_SUCH_NAME and is_named:
            found.lacking.add(wanted.pop(index - 1))  # v1 says so of one name and answers none; ask for the others
        elif status == ErrorStatus.GEN_ERR and (is_named or len(wanted) == 1):
            found.error = refused(status)
            del wanted[index - 1 if is_named else 0]  # broken in the device; the others may be whole
        elif status in (ErrorStatus.TOO_BIG, ErrorStatus.GEN_ERR) and len(wanted) > 1:
            waiting.append(wanted[len(wanted) // 2 :])
            del wanted[len(wanted) // 2 :]
        else:
            raise refused(status)
        if wanted:
            waiting.append(wanted)
    if found.error and not found:
        raise found.error
    return found


async def walk(
    ask: Ask,
    target: Target,
    columns: Sequence[bytes],
    *,
    memory: BulkMemory,
    clock: Clock,
    rows_max: int = ROWS_MAX,
) -> Walk:
    """See `SnmpPort.walk`; how much the device bears at once is remembered."""
    bulk = target.version is not Version.V1
    budget = memory.budget(target.host, target.port)
    course = TableWalk(columns, budget_varbinds=budget, bulk=bulk, rows_max=rows_max)
    await _follow(course, ask, target, clock)
    _remember(course, target, budget, memory)
    return course.result()


async def _follow(course: TableWalk, ask: Ask, target: Target, clock: Clock) -> None:
    """Ask until the walk is over."""
    pdu = Pdu.GET_NEXT if target.version is Version.V1 else Pdu.GET_BULK
    deadline_ns = clock.mono_ns() + round(target.deadline_s * NS_PER_S)
    try:
        while (question := course.request()) is not None:
            if clock.mono_ns() > deadline_ns:
                raise _too_slow(target)
            try:
                course.receive(await ask(pdu, *question))
            except (TimedOut, Malformed):
                if not course.shrink_after_silence():
                    raise
    except BeketError as error:
        course.stop(error)


def _remember(course: TableWalk, target: Target, budget: int, memory: BulkMemory) -> None:
    """Learn from a walk that began with `budget` how much the device bears."""
    result = course.result()
    if isinstance(result.error, TooSlow):
        return
    if isinstance(result.error, _SILENCES):
        # It died, or the line is bad: asking for less did not help, so size is not what it suffers from.
        memory.stayed_silent(target.host, target.port)
    elif not any(result.columns):
        return  # an empty table fits any measure
    elif course.is_too_much:
        memory.fell_silent(target.host, target.port, course.budget_varbinds)
    elif course.is_refused:
        memory.refused(target.host, target.port, course.budget_varbinds)
    elif course.budget_varbinds == budget:
        memory.answered(target.host, target.port)


def bindings(response: Head | Response) -> list[Varbind]:
    """The bindings of an answer of either back end."""
    return response.varbinds if isinstance(response, Response) else response.varbinds()


def _too_slow(target: Target) -> TooSlow:
    return TooSlow(
        say(
            "Пристрій відповідає, але так повільно, що таблицю не прочитано за {s} с.",
            "The device answers, but so slowly that its table was not read in {s} s.",
            s=round(target.deadline_s),
        ),
        subject=target.host,
        hint=say(
            "Перевірте зв'язок із ним: можливо, канал перевантажено.", "Check the line to it: it may be overloaded."
        ),
    )
