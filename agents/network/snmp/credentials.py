"""Owns what proves us to a device: the community of v1 and v2c, the user of v3, and how the latter is written down.

A v3 user is a small TOML in one secret file (mode 0600), since its parts belong together:

    user = "beket"
    auth = "sha256"           # none, md5, sha1, sha224, sha256, sha384, sha512
    auth_password = "…"
    priv = "aes128"           # none, des, 3des, aes128, aes192, aes256; aes192-cisco, aes256-cisco
    priv_password = "…"
    context = ""
"""

import difflib
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from beket.kernel.errors import InvalidConfig
from beket.kernel.secrets import Secret
from beket.kernel.text import Text, say

# RFC 3414 §11.2; agents refuse shorter ones.
PASSWORD_MIN_CHARS = 8
USER_MAX_BYTES = 32


class Auth(StrEnum):
    """How messages are signed (RFC 3414 §6-7, RFC 7860)."""

    NONE = "none"
    MD5 = "md5"
    SHA1 = "sha1"
    SHA224 = "sha224"
    SHA256 = "sha256"
    SHA384 = "sha384"
    SHA512 = "sha512"


class Priv(StrEnum):
    """How messages are encrypted (RFC 3414 §8, RFC 3826); what is no RFC is as Net-SNMP and Cisco do it."""

    NONE = "none"
    DES = "des"
    TRIPLE_DES = "3des"
    AES128 = "aes128"
    AES192 = "aes192"
    AES256 = "aes256"
    AES192_CISCO = "aes192-cisco"
    AES256_CISCO = "aes256-cisco"


@dataclass(frozen=True, slots=True)
class V3User:
    """A user of SNMPv3, as the device knows it."""

    name: str
    auth: Auth = Auth.NONE
    auth_password: Secret | None = None
    priv: Priv = Priv.NONE
    priv_password: Secret | None = None
    context: str = ""


_CHOICES: dict[str, type[Auth] | type[Priv]] = {"auth": Auth, "priv": Priv}
_KEYS = ("user", "auth", "auth_password", "priv", "priv_password", "context")


def parse_v3_user(secret: Secret, name: str) -> V3User:
    """The user that the secret called `name` describes.

    Raises:
        InvalidConfig: it is no such TOML; every mistake is named with its key, no value is repeated.
    """
    try:
        tree = tomllib.loads(secret.reveal())
    except (tomllib.TOMLDecodeError, RecursionError):  # its words could quote the password
        raise _wrong(name, [_NOT_TOML]) from None
    if mistakes := list(_mistakes(tree)):
        raise _wrong(name, mistakes)
    auth, priv = Auth(tree.get("auth", "none")), Priv(tree.get("priv", "none"))
    return V3User(
        tree["user"],
        auth,
        Secret(tree["auth_password"]) if auth is not Auth.NONE else None,
        priv,
        Secret(tree["priv_password"]) if priv is not Priv.NONE else None,
        tree.get("context", ""),
    )


def _mistakes(tree: dict[str, object]) -> Iterator[Text]:
    for key, value in tree.items():
        if key not in _KEYS:
            yield _unknown_key(key)
        elif not isinstance(value, str):
            yield say("«{key}» має бути текстом у лапках.", "“{key}” must be text in quotes.", key=key)
        elif key in _CHOICES and value not in list(_CHOICES[key]):
            all_ = ", ".join(_CHOICES[key])
            yield say("«{key}» має бути одним із: {all}.", "“{key}” must be one of: {all}.", key=key, all=all_)
    user = tree.get("user")
    if not isinstance(user, str) or not 1 <= len(user.encode()) <= USER_MAX_BYTES:
        yield say("бракує імені «user» (до 32 знаків).", "the name “user” is missing (up to 32 letters).")
    for way, password in (("auth", "auth_password"), ("priv", "priv_password")):
        value = tree.get(password, "")
        if tree.get(way, "none") != "none" and isinstance(value, str) and len(value) < PASSWORD_MIN_CHARS:
            yield say(
                "«{key}» має бути не коротшим за 8 знаків.", "“{key}” must be 8 characters or more.", key=password
            )
    if tree.get("priv", "none") != "none" and tree.get("auth", "none") == "none":
        yield say("шифрування («priv») без підпису («auth») не буває.", "“priv” needs “auth”.")


def _unknown_key(key: str) -> Text:
    # Only a word near a known key is repeated: anything else may be a password in the wrong place.
    near = difflib.get_close_matches(key, _KEYS, n=1, cutoff=0.6)
    if near:
        return say("невідомий ключ; можливо, «{near}»?", "an unknown key; did you mean “{near}”?", near=near[0])
    return say("невідомий ключ; можливі: {keys}.", "an unknown key; possible are: {keys}.", keys=", ".join(_KEYS))


_NOT_TOML = say("це не TOML.", "this is not TOML.")


def _wrong(name: str, mistakes: list[Text]) -> InvalidConfig:
    marks: dict[str, object] = {f"m{i}": mistake for i, mistake in enumerate(mistakes)}
    all_ = " ".join(f"{{{mark}}}" for mark in marks)
    return InvalidConfig(
        Text(f"Користувача SNMPv3 записано неправильно: {all_}", f"The SNMPv3 user is written wrongly: {all_}", marks),
        subject=name,
        hint=say(
            "Потрібні рядки: user, auth, auth_password, priv, priv_password.",
            "Lines needed: user, auth, auth_password, priv, priv_password.",
        ),
    )
