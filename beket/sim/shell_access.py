"""Owns what lets an agent into simulated gear: its login, a password of this start, its host key and fingerprint."""

import base64
import hashlib
import secrets
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)

from beket.kernel.secrets import Secret

LOGIN = "beket"


@dataclass(frozen=True, slots=True)
class ShellAccess:
    """How one device is entered.

    Attributes:
        host_key: private, as OpenSSH writes it.
    """

    password: Secret
    host_key: Secret

    def fingerprint(self) -> str:
        """As `ssh-keygen -l` prints it."""
        public = load_ssh_private_key(self.host_key.reveal().encode(), None).public_key()
        blob = base64.b64decode(public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split()[1])
        return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def new_host_key() -> Secret:
    """A host key of its own for a device that has none yet."""
    key = Ed25519PrivateKey.generate()
    return Secret(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode())


def new_access(host_key: Secret | None = None) -> ShellAccess:
    """A new password, for a device that keeps its host key or gets one."""
    return ShellAccess(Secret(secrets.token_urlsafe(16)), host_key or new_host_key())
