"""Owns the one line of text by which a new agent finds its centre, knows it is the right one and is let in once.

`beket-join-1.<payload>.<checksum>`: the payload is base64url JSON {url, pin, secret}; the checksum is the beginning of
its SHA-256, against a line cut by a messenger or mistyped by hand. Light to import.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

import msgspec

from beket.kernel.errors import InvalidArgument
from beket.kernel.secrets import Secret
from beket.kernel.text import Text, say

TOKEN_MAX_CHARS = 2048
_KIND = "beket-join-"
_VERSION = "1"
_PIN = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class JoinToken:
    """What the line says.

    Attributes:
        centre_url: `https://host[:port]`, without a path.
        pin: SHA-256 of the centre's public TLS key, 64 hex digits.
        secret: known to the centre by its hash; good once.
    """

    centre_url: str
    pin: str
    secret: Secret

    def text(self) -> Secret:
        """The line to hand over; it is itself a secret."""
        fields = {"url": self.centre_url, "pin": self.pin, "secret": self.secret.reveal()}
        payload = base64.urlsafe_b64encode(msgspec.json.encode(fields)).rstrip(b"=").decode()
        return Secret(f"{_KIND}{_VERSION}.{payload}.{_checksum(payload)}")


class _Payload(msgspec.Struct, frozen=True):
    url: str
    pin: str
    secret: str

    def __repr__(self) -> str:
        return f"_Payload(url={self.url!r})"


def parse_join_token(text: str) -> JoinToken:
    """Read the line back; spaces and line breaks that a messenger put into it do no harm.

    Raises:
        InvalidArgument: it is not a join token, is damaged, or a newer Beket made it.
    """
    line = "".join(text[: TOKEN_MAX_CHARS * 2].split())
    if not line.startswith(_KIND) or len(line) > TOKEN_MAX_CHARS:
        raise _wrong(say("Це не рядок приєднання.", "This is not a join line."))
    version, _, rest = line.removeprefix(_KIND).partition(".")
    payload, _, checksum = rest.partition(".")
    if version.isdecimal() and version != _VERSION:
        raise InvalidArgument(
            say("Рядок створила інша версія Бекета.", "Another version of Beket made this line."),
            hint=say("Оновіть агента.", "Update the agent."),
        )
    if version != _VERSION or checksum != _checksum(payload):
        raise _wrong(say("Рядок скопійовано не повністю або з помилкою.", "The line is cut or mistyped."))
    try:
        raw = base64.b64decode(payload + "=" * (-len(payload) % 4), altchars=b"-_", validate=True)
        fields = msgspec.json.decode(raw, type=_Payload)
    except (binascii.Error, ValueError, msgspec.MsgspecError, RecursionError):
        raise _wrong(say("Рядок пошкоджено.", "The line is damaged.")) from None
    if not is_centre_url(fields.url) or not _PIN.fullmatch(fields.pin) or not fields.secret:
        raise _wrong(say("Рядок пошкоджено.", "The line is damaged."))
    return JoinToken(fields.url, fields.pin, Secret(fields.secret))


def is_centre_url(url: str) -> bool:
    """Whether `url` is `https://host[:port]` and nothing more."""
    try:
        parts = urlsplit(url)
        port_is_right = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return port_is_right and bool(parts.hostname) and url == f"https://{parts.netloc}" and "@" not in parts.netloc


def _checksum(payload: str) -> str:
    return hashlib.sha256(payload.encode()).hexdigest()[:8]


def _wrong(message: Text) -> InvalidArgument:
    return InvalidArgument(
        message,
        hint=say(
            "Скопіюйте рядок ще раз цілком: він починається з «beket-join-».",
            "Copy the whole line again: it begins with “beket-join-”.",
        ),
    )
