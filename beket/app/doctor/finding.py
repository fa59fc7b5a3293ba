"""Owns what a check of the doctor says: what was looked at, how it stands, and what to do if it does not stand well."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from beket.app.machine import wall_clock_is_set
from beket.app.ownership import check_rooms_are_ours, foreign_owners
from beket.kernel.errors import BeketError
from beket.kernel.text import Text, plain, say


class Mark(StrEnum):
    """How something stands; the value is the sign that people see."""

    GOOD = "✔"
    ODD = "!"
    BAD = "✗"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        words: what follows from it; the error's own sentence when it is bad.
        error: why, when it is bad.
    """

    mark: Mark
    subject: Text
    words: Text
    error: BeketError | None = None

    def sentence(self) -> Text:
        """The finding as one line."""
        return say("{mark} {subject}: {words}", "{mark} {subject}: {words}", mark=self.mark, **self._parts())

    def _parts(self) -> dict[str, Text]:
        return {"subject": self.subject, "words": self.words}


def good(subject: Text, words: Text) -> Finding:
    """It stands well."""
    return Finding(Mark.GOOD, subject, words)


def odd(subject: Text, words: Text) -> Finding:
    """It works, and somebody should know of it."""
    return Finding(Mark.ODD, subject, words)


def bad(subject: Text, error: BeketError) -> Finding:
    """It does not work."""
    return Finding(Mark.BAD, subject, error.sentence(), error)


def look(subject: Text, check: Callable[[], Text | None]) -> Finding:
    """Judge by `check`, which raises a `BeketError` when the thing is bad and may say how good it is."""
    try:
        words = check()
    except BeketError as error:
        return bad(subject, error)
    return good(subject, words or say("гаразд", "fine"))


async def look_async(subject: Text, check: Callable[[], Awaitable[Text | None]]) -> Finding:
    """`look` for a check that waits."""
    try:
        words = await check()
    except BeketError as error:
        return bad(subject, error)
    return good(subject, words or say("гаразд", "fine"))


def machine_findings(config_file: Path) -> Iterator[Finding]:
    """What every process of Beket needs of its machine."""
    yield good(say("налаштування", "configuration"), plain(str(config_file)))
    program = say("програма", "program")
    yield look(program, check_rooms_are_ours)
    for room, owners in foreign_owners().items():
        yield odd(program, say("«{room}» є і в {owners}", "“{room}” is in {owners} too", room=room, owners=owners))
    clock = say("годинник", "clock")
    if wall_clock_is_set():
        yield good(clock, say("звірений", "synchronised"))
    else:
        yield odd(
            clock,
            say(
                "не звірений із точним часом; увімкніть NTP (timedatectl set-ntp true)",
                "not synchronised; turn NTP on (timedatectl set-ntp true)",
            ),
        )
