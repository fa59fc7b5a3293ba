"""Owns the keys of the repositories that the centre makes: its own, the host's, the recovery key on paper.

Each opens the whole repository. The centre's lies in a file (0600) outside its data and its backups; the host's lies on
the host alone; the recovery key is on the printed sheet alone. What else lies in `keys` is nobody's that we know of.
Note: backup/design/0056-repository-service.md.
"""

import asyncio
import contextlib
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from backup.repository.ledger import Ledger
from backup.repository.place import clear_unborn, lost_config
from backup.restic import commands, upkeep_commands
from backup.restic.commands import Repository
from backup.restic.outcome import Outcome, OutcomeKind, classify
from backup.restic.run import Restic
from beket.kernel.clock import Clock
from beket.kernel.errors import BeketError, InvalidArgument, NotFound
from beket.kernel.ids import check_slug
from beket.kernel.secrets import Secret, read_secret_file, write_secret_file
from beket.kernel.text import Text, say

PASSWORD_BYTES = 32
# Folders with a password that restic is to be told; in `host`, for whose repository it is to be a key.
NEW = ".new-"


class Holder(StrEnum):
    """Whom a key was made for."""

    CENTRE = "centre"
    HOST = "host"
    RECOVERY = "recovery"


class WorkFailed(BeketError):
    """restic did not do what the centre asked; the message is its outcome's sentence."""

    def __init__(self, outcome: Outcome, *, subject: str) -> None:
        self.outcome = outcome
        super().__init__(outcome.reason, subject=subject)


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys at work.

    Attributes:
        repositories: the folder with a repository for each host.
        secrets: the folder with the centre's passwords, private.
        one_at_a_time: held while keys of any repository change.
    """

    repositories: Path
    secrets: Path
    restic: Restic
    ledger: Ledger
    clock: Clock
    one_at_a_time: asyncio.Lock

    def password_file(self, host: str) -> Path:
        """What opens the host's repository for the centre."""
        return self.secrets / f"{check_slug(host, place='host')}.key"

    def repository(self, host: str, *, password_file: Path | None = None) -> Repository:
        """The host's repository on this disk, as the centre opens it."""
        folder = self.repositories / check_slug(host, place="host")
        return Repository(str(folder), password_file or self.password_file(host), host=host)

    def is_made(self, host: str) -> bool:
        """Whether there is a repository that the centre can open. Blocking."""
        return (self.repositories / host / "config").is_file() and self.password_file(host).is_file()

    async def make_repository(self, host: str, site: str) -> None:
        """Make the host's repository with the centre's key; one that is there stays.

        Raises:
            InvalidArgument: there is a repository that the centre cannot open.
            WorkFailed: restic could not make it, or copies lie there and only `config` is gone.
        """
        async with self.one_at_a_time:
            if await asyncio.to_thread(self._prepare, host):
                await self._do(host, commands.init(self.repository(host)))
            await asyncio.to_thread(self._note_made, host, site)

    async def replace_key(self, host: str, holder: Holder, password: Secret) -> bool:
        """Let `password` open the host's repository as the one key of `holder`; an earlier one opens it no longer.

        False when an earlier one still does: taking a key away needs the repository for oneself, and somebody copies
        now. It stays in the ledger, and goes with the next replacement.

        Raises:
            NotFound: there is no such repository, or the centre cannot open it.
            WorkFailed: restic could not.
        """
        async with self.one_at_a_time:
            await asyncio.to_thread(self._demand, host)
            before = await asyncio.to_thread(self.keys_in, host)
            async with self._password_in_file(password, for_host=host) as file:
                await self._do(host, upkeep_commands.add_key(self.repository(host), file))
            earlier = await asyncio.to_thread(self._note_new, host, holder, before)
            all_gone = True
            for key in earlier:
                removing = upkeep_commands.remove_key(self.repository(host), key)
                if key in before and classify(await self.restic.run(removing)).kind is not OutcomeKind.OK:
                    all_gone = False
                    continue
                await asyncio.to_thread(self.ledger.forget_key, host, key)
            return all_gone

    async def add_key_to(self, repository: Repository, password: Secret) -> None:
        """Let `password` open another repository that the centre opens, the second copy of a host, if it does not yet.

        Raises:
            WorkFailed: restic could not.
        """
        async with self.one_at_a_time, self._password_in_file(password) as file:
            opening = upkeep_commands.list_keys(replace(repository, password_file=file))
            if classify(await self.restic.run(opening)).kind is OutcomeKind.OK:
                return
            await self._do(repository.host, upkeep_commands.add_key(repository, file))

    async def try_key(self, host: str, holder: Holder, password: Secret) -> Outcome:
        """See whether `password` opens the host's repository; that it did is remembered."""
        async with self.opened_by(host, password) as repository:
            outcome = classify(await self.restic.run(upkeep_commands.all_snapshots(repository)))
        if outcome.kind is OutcomeKind.OK:
            await asyncio.to_thread(self.ledger.key_was_tried, host, holder, wall_ns=self.clock.wall_ns())
        return outcome

    @contextlib.asynccontextmanager
    async def opened_by(self, host: str, password: Secret) -> AsyncIterator[Repository]:
        """The host's repository as `password` opens it, for as long as the block lasts."""
        async with self._password_in_file(password) as file:
            yield self.repository(host, password_file=file)

    def _prepare(self, host: str) -> bool:
        """Whether the repository is still to be made; its folder and the centre's password are there then."""
        if self.is_made(host):
            return False
        if (self.repositories / host / "config").exists():
            raise InvalidArgument(
                say("Це сховище зробив не центр.", "The centre did not make this repository."), subject=host
            )
        lost = lost_config(self.repositories / host)
        if lost is not None:
            raise WorkFailed(lost, subject=host)
        if not self.password_file(host).exists():
            write_secret_file(self.password_file(host), Secret(secrets.token_urlsafe(PASSWORD_BYTES)))
        self.repositories.mkdir(mode=0o700, parents=True, exist_ok=True)
        clear_unborn(self.repositories / host)
        return True

    def _note_made(self, host: str, site: str) -> None:
        wall_ns = self.clock.wall_ns()
        self.ledger.add_host(host, site, wall_ns=wall_ns)
        if any(key.host == host for key in self.ledger.known_keys()):
            return
        # The only key of a fresh repository; also where a power cut came between making it and this.
        for key in self.keys_in(host):
            self.ledger.keep_key(host, key, Holder.CENTRE, wall_ns=wall_ns)

    def _note_new(self, host: str, holder: Holder, before: set[str]) -> list[str]:
        """Take note of the key that came since `before`; the keys that `holder` had until now."""
        earlier = [key.key for key in self.ledger.known_keys() if (key.host, key.holder) == (host, holder)]
        for key in self.keys_in(host) - before:
            self.ledger.keep_key(host, key, holder, wall_ns=self.clock.wall_ns())
        return earlier

    @contextlib.asynccontextmanager
    async def _password_in_file(self, password: Secret, *, for_host: str = "") -> AsyncIterator[Path]:
        """A private file with `password`, for as long as restic needs it; `for_host`: whose new key it is to be."""
        folder = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=self.secrets, prefix=NEW))
        try:
            if for_host:
                await asyncio.to_thread((folder / "host").write_text, for_host)
            await asyncio.to_thread(write_secret_file, folder / "password", password)
            yield folder / "password"
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    def _demand(self, host: str) -> None:
        if not self.is_made(host):
            raise NotFound(
                say("Немає сховища, яке центр може відкрити.", "There is no repository that the centre can open."),
                subject=host,
                hint=_hint_on_keys(self.password_file(host)),
            )
        read_secret_file(self.password_file(host))

    def keys_in(self, host: str) -> set[str]:
        """The names of the keys that open the host's repository, whosever. Blocking."""
        return {path.name for path in (self.repositories / host / "keys").glob("*")}

    async def _do(self, host: str, command: commands.Command) -> None:
        outcome = classify(await self.restic.run(command))
        if outcome.kind is not OutcomeKind.OK:
            raise WorkFailed(outcome, subject=host)


def _hint_on_keys(file: Path) -> Text:
    return say(
        "Ключ центру має лежати тут: {file}. Якщо його втрачено, запишіть туди ключ із аркуша відновлення (chmod 600).",
        "The centre's key belongs here: {file}. If it is lost, write the recovery sheet's key there (chmod 600).",
        file=file,
    )
