"""Owns identity: UUIDs inside, immutable slugs outside; a name is never an id.

A slug is what people and files see: `school-tsybulkivka`. It never changes once given, so metrics, paths and
manifests of years ago still mean the same thing.
"""

import re
import unicodedata
import uuid
from typing import NewType

from beket.kernel.errors import InvalidArgument
from beket.kernel.text import say

CommunityId = NewType("CommunityId", str)
SiteId = NewType("SiteId", str)
DeviceId = NewType("DeviceId", str)
CameraId = NewType("CameraId", str)
ProviderId = NewType("ProviderId", str)
ServiceId = NewType("ServiceId", str)
AgentId = NewType("AgentId", str)
UserId = NewType("UserId", str)

SLUG_MAX_CHARS = 63
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")

# Cabinet of Ministers resolution No. 55 of 27 January 2010; the second form stands at the start of a word.
_LATIN = {
    "а": "a", "б": "b", "в": "v", "г": "h", "ґ": "g", "д": "d", "е": "e", "є": "ie", "ж": "zh", "з": "z", "и": "y",
    "і": "i", "ї": "i", "й": "i", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s",
    "т": "t", "у": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ь": "", "ю": "iu",
    "я": "ia", "'": "", "’": "", "ʼ": "",
}  # fmt: skip
_LATIN_AT_START = {"є": "ye", "ї": "yi", "й": "y", "ю": "yu", "я": "ya"}


def is_slug(text: str) -> bool:
    """Whether `text` may stand as an id outside: 1-63 of `a-z 0-9 -`, no dash at the ends."""
    return _SLUG.fullmatch(text) is not None


def check_slug(text: str, *, place: str) -> str:
    """Return `text` if it is a slug.

    Raises:
        InvalidArgument: it is not; the hint offers the nearest slug.
    """
    if is_slug(text):
        return text
    nearest = slug_from(text)
    hint = say("Підійде «{slug}».", "“{slug}” would do.", slug=nearest) if nearest else None
    raise InvalidArgument(
        say(
            "«{text}» не може бути ідентифікатором: дозволено a-z, 0-9 і дефіс, до 63 знаків.",
            "“{text}” cannot be an id: a-z, 0-9 and dashes only, up to 63 characters.",
            text=text[:80],
        ),
        subject=place,
        hint=hint,
    )


def slug_from(name: str) -> str:
    """The slug that a Ukrainian name gives, or "" when it holds no letter or digit.

    Example:
        >>> slug_from("Школа, с. Цибульківка"), slug_from("Єгорине"), slug_from("Згурівка")
        ('shkola-s-tsybulkivka', 'yehoryne', 'zghurivka')
    """
    composed = unicodedata.normalize("NFC", name.lower())  # й and ї of some file systems are two characters
    latin = re.sub(r"[^\W_][^\W_'’ʼ]*(?:['’ʼ][^\W_]+)*", lambda word: _latin_word(word.group()), composed)
    return re.sub(r"[^a-z0-9]+", "-", latin).strip("-")[:SLUG_MAX_CHARS].strip("-")


def new_uuid() -> str:
    """A new identity that never meets another."""
    return str(uuid.uuid4())


def _latin_word(word: str) -> str:
    word = word.replace("зг", "zgh")  # the resolution's own exception: зг is zgh, so that it is not read as ж
    first = _LATIN_AT_START.get(word[0]) or _LATIN.get(word[0], word[0])
    return first + "".join(_LATIN.get(letter, letter) for letter in word[1:])
