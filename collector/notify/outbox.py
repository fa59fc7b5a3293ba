"""Owns the letters that wait: written in the transaction of the alert that asks for them, sent once, never lost.

A letter is claimed by a conditional UPDATE before it is sent and marked after; who dies in between leaves a claim that
runs out, and the letter goes again with the same Message-ID. About one alert and to one person letters go in order, and
of an end nobody hears who could not be told of the beginning. Blocking.
"""

from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from beket.kernel.clock import NS_PER_S
from beket.kernel.database import Database
from beket.kernel.errors import BeketError
from beket.kernel.ids import new_uuid
from beket.kernel.text import Text, say
from collector.notify.letter import body_of, subject_of
from collector.notify.tables import outbox
from collector.rules.condition import Said
from collector.rules.standing import Moment, State
from collector.rules.store import Move


class LetterState(StrEnum):
    """Where a letter is."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    DEAD = "dead"


_OPEN = (LetterState.WAITING.value, LetterState.SENDING.value)
_NOT_TOLD = say(
    "Лист про початок не дійшов, тож і про кінець не надсилаємо.",
    "The letter about the beginning did not arrive, so none about the end is sent.",
)


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter that somebody has claimed; `claim` is the claimant's until the stated lease ends."""

    id: int
    message_id: str
    recipient: str
    subject: str
    body: str
    made: Moment
    tries: int
    claim: str


@dataclass(frozen=True, slots=True)
class Figures:
    """How the outbox stands.

    Attributes:
        oldest_age_s: of the letter that waits longest; 0 when none does.
        trouble: why that one was not sent at its last try; None when it has not failed.
    """

    waiting: int
    oldest_age_s: float
    dead: int
    trouble: Said | None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A letter that nobody will send any more, for the page."""

    recipient: str
    subject: str
    why: Said
    wall_ns: int


class Outbox:
    """The outbox in facts.db."""

    def __init__(self, database: Database, *, recipients: tuple[str, ...], community: str, domain: str) -> None:
        """`recipients` get every alert; `domain` is the right side of each Message-ID."""
        self._database = database
        self._recipients = recipients
        self._community = community
        self._domain = domain

    def post(self, connection: sa.Connection, move: Move) -> None:
        """Write the letters that `move` asks for, in its own transaction; a `collector.rules.store.Post`."""
        is_end = move.after.state is State.RESOLVED
        recipients = self._told(connection, move) if is_end else list(self._recipients)
        for recipient in recipients:
            row = {
                "message_id": f"<{new_uuid()}@{self._domain}>",
                "recipient": recipient,
                "key": move.known.key,
                "episode": move.after.episode,
                "is_end": is_end,
                "subject": subject_of(move),
                "body": body_of(move, community=self._community),
                "state": LetterState.WAITING.value,
                "made_boot_id": move.now.boot_id,
                "made_mono_ns": move.now.mono_ns,
                "made_wall_ns": move.now.wall_ns,
                "due_boot_id": move.now.boot_id,
                "due_mono_ns": move.now.mono_ns,
                "tries": 0,
                "claim": "",
                "trouble_uk": "",
                "trouble_en": "",
            }
            connection.execute(sa.insert(outbox).values(row))

    def claim(self, now: Moment, *, lease_s: float) -> Letter | None:
        """Take the next letter that is due, for `lease_s`; None when nothing is due or another worker was faster."""
        with self._database.read() as connection:
            row = connection.execute(_due(now)).first()
        if row is None:
            return None
        claim, until_ns = new_uuid(), now.mono_ns + round(lease_s * NS_PER_S)
        same = (outbox.c.id == row.id) & (outbox.c.state == row.state) & (outbox.c.claim == row.claim)
        values = {"claim": claim, "state": LetterState.SENDING.value, "tries": row.tries + 1}
        taken = sa.update(outbox).where(same).values(**values, due_boot_id=now.boot_id, due_mono_ns=until_ns)
        if self._database.write(lambda connection: connection.execute(taken).rowcount) != 1:
            return None
        made = Moment(row.made_boot_id, row.made_mono_ns, row.made_wall_ns)
        return Letter(row.id, row.message_id, row.recipient, row.subject, row.body, made, row.tries + 1, claim)

    def sent(self, letter: Letter, now: Moment) -> None:
        """The server has it."""
        self._mark(letter, state=LetterState.SENT.value, done_wall_ns=now.wall_ns, trouble_uk="", trouble_en="")

    def put_back(self, letter: Letter, error: BeketError, now: Moment, *, after_s: float) -> None:
        """It was not taken; it is due again in `after_s`."""
        due_ns = now.mono_ns + round(after_s * NS_PER_S)
        values = {"state": LetterState.WAITING.value, "due_boot_id": now.boot_id, "due_mono_ns": due_ns}
        self._mark(letter, **values, **_trouble(error.sentence()))

    def bury(self, letter: Letter, why: Text, now: Moment) -> None:
        """It will never be taken; it stays visible among the dead. The letter about the end dies with it."""
        self._mark(letter, state=LetterState.DEAD.value, done_wall_ns=now.wall_ns, **_trouble(why))

    def figures(self, now: Moment) -> Figures:
        """How many wait, for how long, and why."""
        columns = outbox.c
        with self._database.read() as connection:
            waiting = connection.execute(sa.select(outbox).where(columns.state.in_(_OPEN)).order_by(columns.id)).all()
            is_dead = columns.state == LetterState.DEAD.value
            dead = connection.scalar(sa.select(sa.func.count()).select_from(outbox).where(is_dead)) or 0
        ages_ns = [now.since(Moment(row.made_boot_id, row.made_mono_ns, row.made_wall_ns)) or 0 for row in waiting]
        failed = next((row for row in waiting if row.trouble_uk), None)
        trouble = Said(failed.trouble_uk, failed.trouble_en) if failed else None
        return Figures(len(waiting), max(ages_ns, default=0) / NS_PER_S, dead, trouble)

    def dead(self, *, limit: int) -> list[DeadLetter]:
        """What could not be delivered, the newest first."""
        columns = outbox.c
        query = (
            sa.select(outbox).where(columns.state == LetterState.DEAD.value).order_by(columns.id.desc()).limit(limit)
        )
        with self._database.read() as connection:
            return [
                DeadLetter(row.recipient, row.subject, Said(row.trouble_uk, row.trouble_en), row.done_wall_ns or 0)
                for row in connection.execute(query)
            ]

    def forget(self, wall_ns: int, *, keep_s: float) -> None:
        """Drop letters that were done with longer ago than `keep_s`."""
        old = outbox.c.done_wall_ns < wall_ns - round(keep_s * NS_PER_S)
        self._database.write(lambda connection: connection.execute(sa.delete(outbox).where(old)).close())

    def _told(self, connection: sa.Connection, move: Move) -> list[str]:
        """Whom this episode's beginning was written to and can still reach."""
        columns = outbox.c
        alive = (columns.key == move.known.key) & (columns.state != LetterState.DEAD.value)
        begun = alive & (columns.episode == move.after.episode) & columns.is_end.is_(sa.false())
        return list(connection.scalars(sa.select(columns.recipient).where(begun).order_by(columns.id)))

    def _mark(self, letter: Letter, **values: object) -> None:
        mine = (outbox.c.id == letter.id) & (outbox.c.claim == letter.claim)

        def work(connection: sa.Connection) -> None:
            connection.execute(sa.update(outbox).where(mine).values(values))
            if values["state"] == LetterState.DEAD.value:
                _bury_ends(connection, letter, values["done_wall_ns"])

        self._database.write(work)


def _due(now: Moment) -> sa.Select[tuple[object, ...]]:
    """The oldest letter that may be tried now and has no elder to the same person about the same alert."""
    elder = outbox.alias()
    before = sa.exists().where(
        elder.c.key == outbox.c.key,
        elder.c.recipient == outbox.c.recipient,
        elder.c.id < outbox.c.id,
        elder.c.state.in_(_OPEN),
    )
    is_due = (outbox.c.due_boot_id != now.boot_id) | (outbox.c.due_mono_ns <= now.mono_ns)
    return sa.select(outbox).where(outbox.c.state.in_(_OPEN), is_due, ~before).order_by(outbox.c.id).limit(1)


def _bury_ends(connection: sa.Connection, letter: Letter, wall_ns: object) -> None:
    one = connection.execute(sa.select(outbox).where(outbox.c.id == letter.id)).one()
    ends = (
        (outbox.c.key == one.key)
        & (outbox.c.recipient == one.recipient)
        & (outbox.c.episode == one.episode)
        & (outbox.c.id > one.id)
    )
    values = {"state": LetterState.DEAD.value, "done_wall_ns": wall_ns, **_trouble(_NOT_TOLD)}
    connection.execute(sa.update(outbox).where(ends).values(values))


def _trouble(text: Text) -> dict[str, str]:
    return {"trouble_uk": text.uk, "trouble_en": text.en}
