"""Owns what becomes of a copy or a look between a site and the centre: into messages there, out of them here. Pure."""

import uuid

from backup.configs.messages import DEVICES_MAX, WORDS_MAX_CHARS, GearCopy, GearLook, GearLooks
from backup.configs.store import Copy, Look, LookOutcome
from backup.configs.text import LINES_MAX
from beket.kernel.errors import ProtocolError
from beket.kernel.ids import is_slug
from beket.kernel.text import Text, say


def copy_message(copy: Copy, *, wall_ns: int) -> GearCopy:
    """The copy as it travels."""
    return GearCopy(
        id=copy.id,
        device=copy.device,
        wall_ns=wall_ns,
        taken_ns=copy.taken_ns,
        since_ns=copy.since_ns,
        family=copy.family,
        version=copy.version,
        who=copy.who,
        masked=copy.masked,
        sealed=copy.sealed,
    )


def looks_message(looks: list[Look], *, wall_ns: int) -> GearLooks:
    """The looks as they travel."""
    return GearLooks(
        wall_ns=wall_ns,
        looks=tuple(
            GearLook(
                device=look.device,
                family=look.family,
                looked_ns=look.looked_ns,
                good_ns=look.good_ns,
                outcome=look.outcome.value,
                reason_uk=look.reason.uk,
                reason_en=look.reason.en,
                is_weak=look.is_weak,
            )
            for look in looks[:DEVICES_MAX]
        ),
    )


def copy_of(message: GearCopy, *, site: str, wall_ns: int) -> Copy:
    """The copy by our clock, of that site whatever the message says.

    Raises:
        ProtocolError: an id that is none, or a text longer than any device's.
    """
    if not is_slug(message.device) or not _is_uuid(message.id) or message.masked.count("\n") > LINES_MAX:
        raise _odd()
    ahead_ns = message.wall_ns - wall_ns
    taken_ns = min(message.taken_ns - ahead_ns, wall_ns)
    return Copy(
        id=message.id,
        site=site,
        device=message.device,
        taken_ns=taken_ns,
        since_ns=None if message.since_ns is None else min(message.since_ns - ahead_ns, taken_ns),
        sealed_ns=message.taken_ns,
        family=message.family[:WORDS_MAX_CHARS],
        version=message.version[:WORDS_MAX_CHARS],
        who=message.who[:WORDS_MAX_CHARS],
        masked=message.masked,
        sealed=message.sealed,
    )


def looks_of(message: GearLooks, *, site: str, wall_ns: int) -> list[Look]:
    """The looks by our clock.

    Raises:
        ProtocolError: more devices than anybody has, or one without a proper id.
    """
    if len(message.looks) > DEVICES_MAX or not all(is_slug(look.device) for look in message.looks):
        raise _odd()
    ahead_ns = message.wall_ns - wall_ns
    known = {outcome.value for outcome in LookOutcome}
    return [
        Look(
            site=site,
            device=look.device,
            family=look.family[:WORDS_MAX_CHARS],
            looked_ns=min(look.looked_ns - ahead_ns, wall_ns),
            good_ns=None if look.good_ns is None else min(look.good_ns - ahead_ns, wall_ns),
            # A newer agent may know more words: something failed there that we have no word for.
            outcome=LookOutcome(look.outcome) if look.outcome in known else LookOutcome.FAILED,
            reason=_words(look),
            is_weak=look.is_weak,
        )
        for look in message.looks
    ]


def _words(look: GearLook) -> Text:
    words: dict[str, object] = {"uk": look.reason_uk[:WORDS_MAX_CHARS], "en": look.reason_en[:WORDS_MAX_CHARS]}
    return Text("{uk}", "{en}", words)


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def _odd() -> ProtocolError:
    return ProtocolError(say("Звіт про пристрої незрозумілий.", "The report on gear is not understood."))
