"""Owns the agent's copy of the inventory: the part about its own site, signed by the community, kept on disk.

The agent runs on it when cut off. Versions only go forward; a bad file never replaces a good one, and the copy before
the last stays as a spare. Blocking (files, fsync), except `current`. Writer of the part: collector/inventory/signed.py.
Note: collector/design/0005-inventory-tables-migrations.md.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from beket.kernel.durable_file import put_file
from beket.kernel.errors import BeketError, DataLoss, InvalidArgument, NoSpace, NotFound, ProtocolError, Unauthenticated
from beket.kernel.ids import CommunityId, SiteId
from beket.kernel.inventory import Inventory
from beket.kernel.text import say
from beket.kernel.units import MIB
from beket.kernel.wire import decode

PART_MAX_BYTES = 4 * MIB

Verify = Callable[[bytes, bytes], bool]


class SignedPart(msgspec.Struct, frozen=True):
    """What the centre sends: the signed bytes and the Ed25519 signature over them, base64 in JSON."""

    document: bytes
    signature: bytes


class PartDocument(msgspec.Struct, frozen=True):
    """What the community signed."""

    site: SiteId
    inventory: Inventory


class OlderPart(InvalidArgument):
    """A genuine part that is not newer than the one in force: replayed, or sent out of order."""


@dataclass(frozen=True, slots=True)
class _Copy:
    data: bytes
    inventory: Inventory


class InventoryCache:
    """The newest genuine part this agent has seen; implements `kernel.ports.InventoryView`. Safe from any thread."""

    def __init__(self, folder: Path, *, site: SiteId, community: CommunityId, verify: Verify) -> None:
        """Load what is kept in `folder`.

        A damaged or forged copy is not fatal: the spare serves instead, and `problem` says what happened.

        Args:
            folder: the cache's own; made when absent.
            site: this agent's site.
            community: the one this agent is enrolled in.
            verify: whether a signature over a document is the community's, for the purpose "inventory-part".
        """
        self._newest_path = folder / "inventory.json"
        self._spare_path = folder / "inventory.previous.json"
        self._site = site
        self._community = community
        self._verify = verify
        self._lock = threading.Lock()
        self._newest_is_good = False
        self.problem: BeketError | None = None
        self._copy = self._load()

    def current(self) -> Inventory:
        """See `InventoryView.current`.

        Raises:
            NotFound: this agent has never received its part, or lost it.
        """
        if self._copy is None:
            raise NotFound(
                say(
                    "Агент ще не отримав опису свого об'єкта.", "The agent has not received its site's description yet."
                ),
                subject=self._site,
                hint=say("Потрібен зв'язок із центром.", "It needs a connection to the centre."),
            )
        return self._copy.inventory

    def put(self, data: bytes) -> bool:
        """Take a signed part from the centre; True when it is new, durable before this returns.

        The same part again changes nothing.

        Raises:
            ProtocolError: it is not a signed part.
            Unauthenticated: the community has not signed it, or it is another site's.
            OlderPart: a part at least as new is in force.
            NoSpace: the disk does not take it; the part before it stays in force.
        """
        received = self._check(data)
        with self._lock:
            known = self._copy
            if known is not None and received.inventory == known.inventory and self._newest_is_good:
                return False
            if known is not None and not _may_follow(received.inventory, known.inventory):
                raise OlderPart(
                    say(
                        "Центр надіслав версію {theirs}, а тут уже {ours}.",
                        "The centre sent version {theirs}; {ours} is in force here.",
                        theirs=received.inventory.version,
                        ours=known.inventory.version,
                    ),
                    subject=self._site,
                    hint=say(
                        "Якщо центр відновлено з копії, вилучіть на агенті {path} і копію поруч.",
                        "If the centre was restored from a backup, remove {path} and the copy beside it at the agent.",
                        path=self._newest_path,
                    ),
                )
            if known is not None and self._newest_is_good:
                _keep(self._spare_path, known.data)
            _keep(self._newest_path, received.data)
            self._copy, self._newest_is_good, self.problem = received, True, None
            return True

    def _load(self) -> _Copy | None:
        for path in (self._newest_path, self._spare_path):
            try:
                copy = self._check(_read_bounded(path))
            except FileNotFoundError:
                continue
            except OSError as error:
                what = say("Копія опису не читається: {why}.", "The copy cannot be read: {why}.", why=error.strerror)
                self.problem = self.problem or DataLoss(what, subject=str(path))
                continue
            except (ProtocolError, Unauthenticated) as error:
                self.problem = self.problem or DataLoss(
                    say("Копія опису пошкоджена: {why}", "The kept copy is damaged: {why}", why=error.message),
                    subject=str(path),
                    hint=say("Центр надішле нову.", "The centre will send a new one."),
                )
                continue
            self._newest_is_good = path is self._newest_path
            return copy
        return None

    def _check(self, data: bytes) -> _Copy:
        envelope = decode(data, SignedPart, max_bytes=PART_MAX_BYTES)
        if not self._verify(envelope.document, envelope.signature):
            raise Unauthenticated(
                say("Підпис під описом не від громади.", "The community has not signed this description."),
                subject=self._site,
            )
        document = decode(envelope.document, PartDocument, max_bytes=PART_MAX_BYTES)
        if document.site != self._site or document.inventory.community.id != self._community:
            raise Unauthenticated(
                say(
                    "Це опис об'єкта «{theirs}», а не цього.",
                    "This describes the site “{theirs}”, not this one.",
                    theirs=document.site,
                ),
                subject=self._site,
            )
        return _Copy(data, document.inventory)


def _may_follow(received: Inventory, known: Inventory) -> bool:
    # The same version may come again, and does after the newest copy was damaged and the spare served.
    return received.version > known.version or received == known


def _keep(path: Path, data: bytes) -> None:
    try:
        put_file(path, data)
    except OSError as error:
        raise NoSpace(
            say("Опис не записано на диск: {why}.", "The description was not kept: {why}.", why=error.strerror),
            subject=str(path),
        ) from error


def _read_bounded(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(PART_MAX_BYTES + 1)
