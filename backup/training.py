"""Owns the place where people practise: invented documents, a copy of them, and one document that «somebody deleted».

Each person has a sandbox of their own, made anew at each beginning; nothing of it touches a real repository, and what
is put back goes into the sandbox alone. Real restic, real pages: only the documents are invented.
"""

import asyncio
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from backup.messages import RestoreOrder
from backup.plans import Plan
from backup.put_back import put_back
from backup.repository import place
from backup.repository.browsing import Browser
from backup.repository.keyring import WorkFailed
from backup.repository.orders import Ordered, State
from backup.restic import commands
from backup.restic.commands import Repository
from backup.restic.outcome import OutcomeKind, classify
from backup.restic.run import Restic
from beket.kernel.clock import Clock
from beket.kernel.errors import NotFound
from beket.kernel.ids import SiteId, check_slug, new_uuid
from beket.kernel.text import Text, say

# Stands where a host's name does in addresses; no agent is called so.
HOST = "training"
LOST = "Графік прийому громадян.txt"
DOCUMENTS = {
    "Список вулиць.txt": "вул. Шевченка, вул. Лесі Українки, пров. Садовий\n",
    LOST: "понеділок 9:00-12:00, середа 14:00-17:00\n",
    "Протоколи/Протокол 1.txt": "Слухали: про освітлення вулиць. Ухвалили: підтримати.\n",
    "Протоколи/Протокол 2.txt": "Слухали: про ремонт криниці. Ухвалили: доручити старості.\n",
}
ORDERS_REMEMBERED = 50


@dataclass(frozen=True, slots=True)
class Sandbox:
    """One person's place, as `Browser` opens it."""

    folder: Path
    restic: Restic

    @property
    def documents(self) -> Path:
        """What is copied."""
        return self.folder / "Документи сільради"

    def repository(self, host: str) -> Repository:
        """The copy, whatever host is asked for."""
        return Repository(str(self.folder / "repository"), self.folder / "password", host=HOST)

    def is_made(self, host: str) -> bool:
        """Whether there is a copy. Blocking."""
        return (self.folder / "repository" / "config").is_file()


@dataclass(slots=True)
class Training:
    """The sandboxes of all who practise."""

    folder: Path
    restic: Restic
    clock: Clock
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)
    _orders: dict[tuple[str, str], Ordered] = field(default_factory=dict)

    async def begin(self, login: str) -> None:
        """Make the person's sandbox anew: documents, their copy, and one document gone.

        Raises:
            WorkFailed: restic could not copy.
        """
        sandbox = self._sandbox(login)
        async with self._one_at_a_time:
            await asyncio.to_thread(_put_documents, sandbox)
            repository = sandbox.repository(HOST)
            hindrance = await place.ensure(self.restic, repository, is_first_use=True)
            copied = hindrance or classify(
                await self.restic.run(commands.backup(repository, [sandbox.documents], tags=(_plan(sandbox).tag,))),
                asked=[sandbox.documents],
            )
            if not await asyncio.to_thread(_has_snapshot, sandbox):
                raise WorkFailed(copied, subject=HOST)
            await asyncio.to_thread((sandbox.documents / LOST).unlink)

    def browser(self, login: str) -> Browser:
        """The way into the person's copy.

        Raises:
            NotFound: the person has not begun.
        """
        sandbox = self._sandbox(login)
        if not sandbox.is_made(HOST):
            raise NotFound(
                say("Навчання ще не почато.", "The exercise has not begun."),
                hint=say("Натисніть «Потренуватися» на сторінці «Копії».", "Begin it on the page of backups."),
            )
        return Browser(sandbox)

    async def put_back(self, login: str, order: RestoreOrder) -> str:
        """Do at once what a host would do when it next reports; the order's id."""
        sandbox = self._sandbox(login)
        known = msgspec.structs.replace(order, id=str(new_uuid()))
        async with self._one_at_a_time:
            result = await put_back(self.restic, sandbox.repository(HOST), [_plan(sandbox)], known, clock=self.clock)
        self._orders[login, known.id] = Ordered(
            id=known.id,
            host=HOST,
            snapshot=known.snapshot,
            path=known.path,
            replace=known.replace,
            by=login,
            ordered_ns=self.clock.wall_ns(),
            state=State.DONE if result.outcome == OutcomeKind.OK else State.FAILED,
            reason=Text("{uk}", "{en}", {"uk": result.reason_uk, "en": result.reason_en}),
            placed=result.placed,
        )
        while len(self._orders) > ORDERS_REMEMBERED:
            self._orders.pop(next(iter(self._orders)))
        return known.id

    def order(self, login: str, order: str) -> Ordered | None:
        """What came of an order of this person."""
        return self._orders.get((login, order))

    def is_solved(self, login: str) -> bool:
        """Whether the document is back where it was, as it was. Blocking."""
        try:
            return (self._sandbox(login).documents / LOST).read_text() == DOCUMENTS[LOST]
        except OSError:
            return False

    def _sandbox(self, login: str) -> Sandbox:
        return Sandbox(self.folder / check_slug(login, place="login"), self.restic)


def _plan(sandbox: Sandbox) -> Plan:
    return Plan("training", "Навчальні документи", SiteId(HOST), (sandbox.documents,))


def _put_documents(sandbox: Sandbox) -> None:
    shutil.rmtree(sandbox.folder, ignore_errors=True)
    for name, words in DOCUMENTS.items():
        file = sandbox.documents / name
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.write_text(words)


def _has_snapshot(sandbox: Sandbox) -> bool:
    return any((sandbox.folder / "repository" / "snapshots").glob("*"))
