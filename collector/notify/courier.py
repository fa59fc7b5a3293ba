"""Owns the way of letters from the outbox to the mail server: one at a time, on a worker thread, with patience.

What is wrong with the server ends the round and is raised: `supervise.keep_running` waits longer each time and says it
once. What is wrong with one letter concerns that letter: it waits by itself, or is buried and stays visible.
"""

import asyncio
import random

from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.errors import BeketError
from beket.kernel.metrics import Instruments
from beket.kernel.supervise import Backoff
from beket.kernel.text import say
from collector import metrics
from collector.notify.letter import compose
from collector.notify.outbox import Letter, Outbox
from collector.notify.smtp import LetterPostponed, LetterRefused, MailGate
from collector.rules.standing import Moment

EVERY_S = 2.0
POSTPONED = Backoff(steps_s=(60, 300, 900, 1800, 3600))
# A letter that met a failing server stands back a little, lest it be the one at which the server fails.
STAND_BACK = Backoff(steps_s=(1, 2, 5, 15, 60))


class Courier:
    """Sends what is due.

    Args:
        lease_s: how long a claim holds; longer than the gate may take.
        give_up_after_s: a letter that the server keeps postponing is buried at this age.
    """

    def __init__(
        self,
        outbox: Outbox,
        gate: MailGate,
        *,
        sender: str,
        boot_id: str,
        lease_s: float,
        give_up_after_s: float,
        postponed: Backoff = POSTPONED,
    ) -> None:
        self._outbox = outbox
        self._gate = gate
        self._sender = sender
        self._boot_id = boot_id
        self._lease_s = lease_s
        self._give_up_after_s = give_up_after_s
        self._postponed = postponed

    def run_once(self, *, clock: Clock, rng: random.Random, instruments: Instruments) -> int:
        """Send until nothing is due; how many letters the server took.

        Raises:
            BeketError: the server takes nothing now; the letter that met it waits again.
        """
        count = 0
        while letter := self._outbox.claim(self._now(clock), lease_s=self._lease_s):
            try:
                self._gate.send(self._message(letter), sender=self._sender, recipient=letter.recipient)
            except BeketError as error:
                instruments.add(metrics.LETTERS_FAILED, reason=error.kind.value)
                self._put_aside(letter, error, self._now(clock), rng)
                if not isinstance(error, LetterRefused | LetterPostponed):
                    raise
            else:
                self._outbox.sent(letter, self._now(clock))
                instruments.add(metrics.LETTERS_SENT)
                count += 1
        return count

    def report(self, *, clock: Clock, instruments: Instruments) -> None:
        """Say in numbers how the outbox stands."""
        figures = self._outbox.figures(self._now(clock))
        instruments.set(metrics.LETTERS_WAITING, figures.waiting)
        instruments.set(metrics.LETTERS_OLDEST, figures.oldest_age_s)
        instruments.set(metrics.LETTERS_DEAD, figures.dead)

    def _put_aside(self, letter: Letter, error: BeketError, now: Moment, rng: random.Random) -> None:
        if isinstance(error, LetterRefused):
            self._outbox.bury(letter, error.sentence(), now)
        elif not isinstance(error, LetterPostponed):
            self._outbox.put_back(letter, error, now, after_s=STAND_BACK.delay_s(letter.tries, rng))
        elif (now.since(letter.made) or 0) > self._give_up_after_s * NS_PER_S:
            why = say("{why} Далі не пробуємо.", "{why} We no longer try.", why=error.sentence())
            self._outbox.bury(letter, why, now)
        else:
            self._outbox.put_back(letter, error, now, after_s=self._postponed.delay_s(letter.tries, rng))

    def _message(self, letter: Letter) -> bytes:
        return compose(
            message_id=letter.message_id,
            sender=self._sender,
            recipient=letter.recipient,
            subject=letter.subject,
            body=letter.body,
            wall_ns=letter.made.wall_ns,
        )

    def _now(self, clock: Clock) -> Moment:
        return Moment(self._boot_id, clock.mono_ns(), clock.wall_ns())


async def deliver(
    courier: Courier, *, clock: Clock, rng: random.Random, instruments: Instruments, every_s: float = EVERY_S
) -> None:
    """Deliver until cancelled or until the server fails; for `supervise.keep_running`."""
    while True:
        await asyncio.to_thread(courier.run_once, clock=clock, rng=rng, instruments=instruments)
        await clock.sleep(every_s)


async def report(courier: Courier, *, clock: Clock, instruments: Instruments, every_s: float = EVERY_S) -> None:
    """Keep the numbers fresh while the server is away, too."""
    while True:
        await asyncio.to_thread(courier.report, clock=clock, instruments=instruments)
        await clock.sleep(every_s)
