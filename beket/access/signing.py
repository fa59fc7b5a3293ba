"""Owns Ed25519 as both sides use it: a key kept in a 0600 file, and signatures that are good for one purpose only.

Light to import: cryptography and the kernel. `agent_key` and `community_key` say what is signed; this says how.
"""

import contextlib
from enum import StrEnum
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from beket.kernel.errors import InvalidConfig, ProtocolError
from beket.kernel.secrets import Secret, read_secret_file, write_secret_file
from beket.kernel.text import say

PUBLIC_KEY_BYTES = 32
SIGNATURE_BYTES = 64

# Points of order 1, 2, 4 and 8 (sign bit cleared): under such a "key" OpenSSL takes one signature for every message.
_SMALL_ORDER = frozenset(
    bytes.fromhex(point)
    for point in (
        "00" * 32,
        "01" + "00" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
    )
)


class Purpose(StrEnum):
    """What a signature is for; one made for a purpose proves nothing for another."""

    ENROL_REQUEST = "enrol-request"
    ENROL_GRANT = "enrol-grant"
    AGENT_CHALLENGE = "agent-challenge"
    INVENTORY_PART = "inventory-part"
    JOURNAL_HEAD = "journal-head"
    RECORDING_SEAL = "recording-seal"
    LEDGER_ANCHOR = "ledger-anchor"


class SigningKey:
    """A private key that never leaves its file and this object."""

    __slots__ = ("_key", "public")

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public: str = key.public_key().public_bytes_raw().hex()

    @classmethod
    def load_or_create(cls, path: Path) -> Self:
        """The key in `path`; a new one, kept there with mode 0600, when there is no such file. Blocking.

        Raises:
            InvalidConfig: the file is readable by others, or holds no key.
        """
        if not path.exists():
            fresh = Ed25519PrivateKey.generate()
            with contextlib.suppress(FileExistsError):  # another process was first: its key is the key
                write_secret_file(path, Secret(fresh.private_bytes_raw().hex()))
        try:
            return cls(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(read_secret_file(path).reveal())))
        except ValueError:
            # Without the cause: it would quote the file.
            raise InvalidConfig(
                say("У цьому файлі немає ключа Бекета.", "This file holds no key of Beket."),
                subject=str(path),
                hint=say("Відновіть файл із запасної копії.", "Restore the file from its escrow copy."),
            ) from None

    def sign(self, purpose: Purpose, message: bytes) -> bytes:
        """64 bytes that prove that the holder of this key said `message` for `purpose`."""
        return self._key.sign(_framed(purpose, message))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(public={self.public})"

    def __reduce__(self) -> str:
        raise TypeError("a private key is not pickled")


def verify(public_key: str, purpose: Purpose, message: bytes, signature: bytes) -> bool:
    """Whether `signature` over `message` for `purpose` was made by the holder of `public_key` (hex).

    Raises:
        ProtocolError: `public_key` is no Ed25519 public key.
    """
    key = _public_key(public_key)
    try:
        key.verify(signature, _framed(purpose, message))
    except InvalidSignature:
        return False
    return True


def check_public_key(public_key: str) -> str:
    """Return `public_key` if it is one: 64 lower-case hex digits.

    Raises:
        ProtocolError: it is not.
    """
    _public_key(public_key)
    return public_key


def from_hex(text: str) -> bytes:
    """The bytes, or none when `text` is not hex: then no signature matches."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _public_key(public_key: str) -> Ed25519PublicKey:
    try:
        raw = bytes.fromhex(public_key)
        small = raw[:-1] + bytes([raw[-1] & 0x7F]) in _SMALL_ORDER if raw else True
        if len(raw) == PUBLIC_KEY_BYTES and raw.hex() == public_key and not small:
            return Ed25519PublicKey.from_public_bytes(raw)
    except ValueError:
        pass
    raise ProtocolError(say("Це не відкритий ключ.", "This is not a public key."))


def _framed(purpose: Purpose, message: bytes) -> bytes:
    # No purpose contains a NUL, so no two pairs of purpose and message frame alike.
    return b"beket/1/" + purpose.encode() + b"\0" + message
