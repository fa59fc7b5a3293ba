"""Owns how long-lived work is kept running: start again after a failure, wait longer each time, never all at once.

A unit is a coroutine function `run_once` that works until it fails or has nothing left to do. It raises; it does not
retry. `keep_running` retries: it holds the only broad `except` of the project, so a bug in one unit is logged with its
trace and costs that unit a pause, and nothing else a thing.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.errors import BeketError, Cancelled, Internal, Remedy
from beket.kernel.logs import level_number

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before each next try.

    Attributes:
        steps_s: the wait after the first failure, the second, …; the last one repeats.
        jitter_ratio: each wait is stretched by a random share up to this, so that a village whose power came back does
            not call all its cameras in the same second.
        healthy_after_s: a run that lasted this long counts as recovered, and the steps begin anew.
        away_steps_s: in place of `steps_s` after a failure that only waiting mends (`Remedy.WAIT`: nobody there, no
            answer); both are counted apart, each anew when the other kind came between. (): no difference is made.
    """

    steps_s: tuple[float, ...] = (1, 1, 2, 5, 10, 30, 60)
    jitter_ratio: float = 0.25
    healthy_after_s: float = 30
    away_steps_s: tuple[float, ...] = ()

    def delay_s(self, failures: int, rng: random.Random, *, hopeful: bool = True, is_away: bool = False) -> float:
        """The wait before the next try, given how many failures came in a row (1 or more).

        The longest wait at once when the failure is not `hopeful`: somebody has to do something first.
        """
        steps_s = self.away_steps_s if is_away else self.steps_s
        step_s = steps_s[min(failures, len(steps_s)) - 1 if hopeful else -1]
        return step_s * (1 + self.jitter_ratio * rng.random())


@dataclass(frozen=True, slots=True)
class UnitState:
    """What is known of a unit after a change: being tried again (`error` is None), or failed and waiting."""

    name: str
    error: BeketError | None
    failures: int
    retry_in_s: float


async def keep_running(
    name: str,
    run_once: Callable[[], Awaitable[None]],
    *,
    clock: Clock,
    rng: random.Random,
    backoff: Backoff | None = None,
    has_recovered: Callable[[], bool] | None = None,
    on_change: Callable[[UnitState], None] | None = None,
) -> None:
    """Run `run_once` for ever; return only when it returns without an error or raises `Cancelled`.

    A repeated failure is logged once, until it changes; a bug is logged with its trace each time. `on_change` is told
    each failure and each new try after one.

    `has_recovered` is asked after a failure whether the run did its work before, however short it was; if so the steps
    begin anew, as after a run of `Backoff.healthy_after_s`.
    """
    backoff = backoff or Backoff()
    failures = 0
    was_away = False
    shown = ""
    while True:
        began_ns = clock.mono_ns()
        try:
            await run_once()
        except Cancelled:
            return
        except BeketError as caught:
            error = caught
        except Exception as caught:  # the one broad except: a unit's bug must not end its neighbours
            log.exception("%s failed with a bug", name)
            error = Internal(f"{type(caught).__name__}: {caught}", subject=name)
        else:
            return
        if clock.mono_ns() - began_ns >= backoff.healthy_after_s * NS_PER_S:
            failures, shown = 0, ""
        is_away = bool(backoff.away_steps_s) and error.handling.remedy is Remedy.WAIT
        if is_away is not was_away or (has_recovered is not None and has_recovered()):
            failures, was_away = 0, is_away
        failures += 1
        delay_s = backoff.delay_s(failures, rng, hopeful=error.handling.retry, is_away=is_away)
        sentence = error.sentence().en
        if sentence != shown:
            shown = sentence
            log.log(level_number(error.handling.log_level), "%s: %s (next try in %.0f s)", name, sentence, delay_s)
        if on_change:
            on_change(UnitState(name, error, failures, delay_s))
        await clock.sleep(delay_s)
        if on_change:
            on_change(UnitState(name, None, failures, 0))


async def run_together(units: dict[str, Awaitable[None]]) -> None:
    """Run all `units` until one fails; then cancel the others and raise its error alone.

    Meant for the top of a process, where each unit already is a `keep_running`.
    """
    first: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as group:
            for name, unit in units.items():
                group.create_task(_as_coroutine(unit), name=name)
    except BaseExceptionGroup as many:
        first = many.exceptions[0]
    if first is not None:
        raise first  # out here it keeps its own cause, and does not carry the group


async def _as_coroutine(unit: Awaitable[None]) -> None:
    await unit
