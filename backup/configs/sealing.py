"""Owns how a full copy is sealed: whoever has the centre's public key can close it, only the centre can open it.

X25519 with a key made for this one copy, HKDF-SHA256, ChaCha20-Poly1305; device and moment are bound in, so that no
copy can stand in for another. What seals cannot open: a stolen box of a site gives no password of the gear.
Note: backup/design/0053-gear-configurations.md.
"""

import contextlib
import zlib
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from beket.kernel.errors import DataLoss, InvalidConfig, ProtocolError
from beket.kernel.secrets import Secret, read_secret_file, write_secret_file
from beket.kernel.text import say

_MAGIC = b"BKGC1"
KEY_BYTES = 32
_NONCE = bytes(12)  # each key seals one copy
OPENED_MAX_BYTES = 8 * 1024 * 1024


class OpeningKey:
    """The centre's private key to full copies; it lies in a 0600 file outside the data."""

    __slots__ = ("_key", "public")

    def __init__(self, key: X25519PrivateKey) -> None:
        self._key = key
        self.public: str = key.public_key().public_bytes_raw().hex()

    @classmethod
    def load_or_create(cls, path: Path) -> Self:
        """The key in `path`; a new one when there is no such file. Blocking.

        Raises:
            InvalidConfig: the file is readable by others, or holds no key.
        """
        if not path.exists():
            with contextlib.suppress(FileExistsError):  # another process was first: its key is the key
                write_secret_file(path, Secret(X25519PrivateKey.generate().private_bytes_raw().hex()))
        try:
            return cls(X25519PrivateKey.from_private_bytes(bytes.fromhex(read_secret_file(path).reveal())))
        except ValueError:
            raise InvalidConfig(  # without the cause: it would quote the file
                say("У цьому файлі немає ключа до копій.", "This file holds no key to copies."),
                subject=str(path),
                hint=say("Відновіть файл із запасної копії.", "Restore the file from its escrow copy."),
            ) from None

    def open(self, sealed: bytes, *, device: str, taken_ns: int) -> str:
        """The text of the copy that was sealed for this device and moment.

        Raises:
            DataLoss: it was sealed for another key, device or moment, or its bytes changed.
        """
        head = len(_MAGIC) + KEY_BYTES
        try:
            if sealed[: len(_MAGIC)] != _MAGIC:
                raise ValueError
            theirs = X25519PublicKey.from_public_bytes(sealed[len(_MAGIC) : head])
            key = _derive(self._key.exchange(theirs), sealed[len(_MAGIC) : head], bytes.fromhex(self.public))
            packed = ChaCha20Poly1305(key).decrypt(_NONCE, sealed[head:], _bound(device, taken_ns))
            return _unpack(packed)
        except (ValueError, InvalidTag, zlib.error):
            raise DataLoss(
                say("Копію неможливо відкрити цим ключем.", "This key does not open the copy."),
                subject=device,
                hint=say(
                    "Якщо ключ центру міняли, покладіть на місце той, що діяв тоді.",
                    "If the centre's key was replaced, put the one of that time in place.",
                ),
            ) from None

    def __repr__(self) -> str:
        return f"OpeningKey(public={self.public})"

    def __reduce__(self) -> str:
        raise TypeError("a private key is not pickled")


def seal(text: str, *, public_key: str, device: str, taken_ns: int) -> bytes:
    """`text` as only the holder of the private half of `public_key` (hex) can read it.

    Raises:
        ProtocolError: `public_key` is none.
    """
    try:
        theirs_raw = bytes.fromhex(public_key)
        ours = X25519PrivateKey.generate()
        shared = ours.exchange(X25519PublicKey.from_public_bytes(theirs_raw))
    except ValueError:
        raise ProtocolError(say("Це не відкритий ключ.", "This is not a public key.")) from None
    ours_raw = ours.public_key().public_bytes_raw()
    packed = zlib.compress(text.encode("utf-8", "surrogatepass"), 9)
    closed = ChaCha20Poly1305(_derive(shared, ours_raw, theirs_raw)).encrypt(_NONCE, packed, _bound(device, taken_ns))
    return _MAGIC + ours_raw + closed


def _derive(shared: bytes, one_time: bytes, recipient: bytes) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"beket/1/gear-copy\0" + one_time + recipient).derive(shared)


def _bound(device: str, taken_ns: int) -> bytes:
    return f"{device}\0{taken_ns}".encode()


def _unpack(packed: bytes) -> str:
    unpacker = zlib.decompressobj()
    text = unpacker.decompress(packed, OPENED_MAX_BYTES)
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise ValueError("too long")
    return text.decode("utf-8", "surrogatepass")
