"""Owns how a host keeps its way into the centre's repository: address with login, certificate and key, each in a file.

All in one private folder (0700, files 0600). restic reads the address from its file, so neither `ps` nor the
environment shows the login; that works from 0.14 on. Blocking.
"""

import urllib.parse
from dataclasses import dataclass
from pathlib import Path

from backup.messages import RepositoryAccess
from backup.restic.commands import Repository
from beket.kernel.durable_file import put_file

# What an agent's configuration calls the repository that its centre keeps.
AT_CENTRE = "centre"


@dataclass(frozen=True, slots=True)
class RemotePlace:
    """The files of one host. `centre` is the host name or address under which it knows its centre."""

    folder: Path
    centre: str

    @property
    def key(self) -> Path:
        """What opens the repository; print it or trust the centre's recovery sheet."""
        return self.folder / "key"

    @property
    def _address(self) -> Path:
        return self.folder / "address"

    def repository(self) -> Repository | None:
        """The repository; None before the centre let this host in."""
        if not (self._address.is_file() and self.key.is_file()):
            return None
        parts = urllib.parse.urlsplit(self._address.read_text().strip().removeprefix("rest:"))
        host = parts.path.strip("/")
        return Repository(
            f"rest:https://{_bracketed(parts.hostname or '')}:{parts.port}{parts.path}",
            self.key,
            host=host,
            cache=self.folder / "cache",
            location_file=self._address,
            ca_file=self.folder / "certificate.pem",
        )

    def save(self, access: RepositoryAccess) -> None:
        """Keep what the centre gave; durable. The address comes last: with it the rest is there."""
        if access.key:
            put_file(self.key, access.key.encode() + b"\n")
        put_file(self.folder / "certificate.pem", access.certificate.encode())
        login = f"{urllib.parse.quote(access.login, safe='')}:{urllib.parse.quote(access.password, safe='')}"
        path = urllib.parse.quote(access.path)
        put_file(self._address, f"rest:https://{login}@{_bracketed(self.centre)}:{access.port}{path}\n".encode())


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
