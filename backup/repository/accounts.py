"""Owns who the repository server lets in: one login a host, its random password, and the file that the server reads.

Passwords are 32 random bytes and are kept as `{SHA}` hashes: nobody guesses 256 bits whatever the hash, and a slow one
would cost the centre 50 ms of CPU for each request of a backup. Both servers read the file anew when it changes.
Note: backup/design/0056-repository-service.md.
"""

import base64
import hashlib
import secrets
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from backup.repository.ledger import Host
from beket.kernel.durable_file import put_file
from beket.kernel.secrets import Secret

PASSWORD_BYTES = 32


class Suspension(StrEnum):
    """Why a host is let in no longer."""

    QUOTA = "quota"
    REVOKED = "revoked"


def new_password() -> Secret:
    """A password that nobody has to remember."""
    return Secret(secrets.token_urlsafe(PASSWORD_BYTES))


def hashed(password: Secret) -> str:
    """The password as a htpasswd file has it; only for passwords of `new_password`."""
    digest = hashlib.sha1(password.reveal().encode(), usedforsecurity=False).digest()
    return "{SHA}" + base64.b64encode(digest).decode()


def write_accounts(path: Path, hosts: Iterable[Host]) -> None:
    """Write the server's file: a line for each host that may come in. Blocking; durable."""
    lines = [f"{host.host}:{host.credential}\n" for host in hosts if host.credential and not host.suspended]
    put_file(path, "".join(lines).encode())
