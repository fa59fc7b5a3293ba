"""Owns when a computer looks at itself and when it tells: on time, again soon when the centre is away, never twice.

A look costs seconds and is done once a day; a telling that failed is repeated with the report that waits, so that a
morning without internet costs nothing and floods nobody. Blocking work goes to a thread.
"""

import asyncio
import logging
import random
from collections.abc import Callable

from agents.computers.config import ComputerConfig
from agents.computers.report import REPORT_PATH, ComputerReport, ReportReceipt
from agents.computers.waiting import WaitingReport
from beket.kernel import wire
from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.errors import BeketError

log = logging.getLogger(__name__)

Look = Callable[[], ComputerReport]
# Path and body of a message to the centre; its answer.
Post = Callable[[str, bytes], bytes]
HOUR_S = 3600
MINUTE_S = 60


def look_and_tell(look: Look, waiting: WaitingReport, post: Post) -> ReportReceipt:
    """One whole round; what the centre did not get waits.

    Raises:
        BeketError: the look, the disk or the way to the centre failed.
    """
    waiting.put(look())
    receipt = tell(waiting, post)
    return receipt or ReportReceipt()


def tell(waiting: WaitingReport, post: Post) -> ReportReceipt | None:
    """Bring what waits to the centre; None when nothing does.

    Raises:
        BeketError: it did not get there, and still waits.
    """
    body = waiting.take()
    if body is None:
        return None
    receipt = wire.decode(post(REPORT_PATH, body), ReportReceipt)
    waiting.forget()
    return receipt


async def keep_telling(
    look: Look, waiting: WaitingReport, post: Post, config: ComputerConfig, *, clock: Clock, rng: random.Random
) -> None:
    """Look and tell until cancelled; each computer of a community at a time of its own."""
    look_at_ns = clock.mono_ns()
    while True:
        try:
            if clock.mono_ns() >= look_at_ns:
                look_at_ns = clock.mono_ns() + round(config.every_h * HOUR_S * rng.uniform(0.9, 1.1) * NS_PER_S)
                waiting.put(await asyncio.to_thread(look))
            receipt = await asyncio.to_thread(tell, waiting, post)
            if receipt is not None:
                log.info("the centre has the report and sees %d changes", receipt.changes)
        except BeketError as error:
            log.warning("%s", error.sentence().en)
            await clock.sleep(config.retry_min * MINUTE_S * rng.uniform(0.5, 1.5))
            continue
        await clock.sleep(max(0.0, (look_at_ns - clock.mono_ns()) / NS_PER_S))
