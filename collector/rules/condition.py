"""Owns what a rule says: about what it speaks, whether it holds, what explains it, and the words for people.

Five short texts and the end: a title, then що сталося, чому, що робити, кому дзвонити; `over` is the title when it is
over. They are kept as they were said, so that a renamed camera does not rewrite last month's alert.
"""

from dataclasses import dataclass

import msgspec

from beket.kernel.ids import SiteId
from beket.kernel.text import Text
from collector.rules.standing import Timing


class Said(msgspec.Struct, frozen=True):
    """A sentence in both languages, as it was said."""

    uk: str
    en: str


class Words(msgspec.Struct, frozen=True):
    """What an alert tells people."""

    title: Said
    what: Said
    why: Said
    todo: Said
    call: Said
    over: Said


def said(text: Text) -> Said:
    """Fix a sentence as it reads now."""
    return Said(text.uk, text.en)


@dataclass(frozen=True, slots=True)
class Condition:
    """One rule about one subject at this moment.

    Attributes:
        subject: id of the site, device or camera.
        holds: see `standing.Seen`.
        parents: keys of alerts any of which explains this one while it is seen itself.
        words: None where there is nothing to say, since it does not hold.
    """

    rule: str
    subject: str
    site: SiteId
    holds: bool | None
    timing: Timing
    parents: tuple[str, ...] = ()
    words: Words | None = None

    @property
    def key(self) -> str:
        """The alert's name: one per rule and subject."""
        return alert_key(self.rule, self.subject)


def alert_key(rule: str, subject: str) -> str:
    """How an alert is called in tables, addresses and as another's inhibitor.

    Example:
        >>> alert_key("camera-down", "school-yard")
        'camera-down:school-yard'
    """
    return f"{rule}:{subject}"
