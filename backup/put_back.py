"""Owns putting a file or folder from a copy back to its place on this host, as the centre asks for a person.

The centre names a snapshot and a path; this host decides. It writes only where its own plans copy from, follows no link
out of there, and overwrites nothing: what is there stays under its own name or, when the person said «замінити», beside
what came back. What comes is first restored next to its place and then put there in one step.
Note: backup/design/0052-drills.md.
"""

import asyncio
import contextlib
import datetime
import os
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from zoneinfo import ZoneInfo

from backup.messages import RestoreOrder, RestoreResult
from backup.plans import Plan
from backup.repository.browsing import checked_path
from backup.restic import commands
from backup.restic.commands import Repository
from backup.restic.outcome import OutcomeKind, classify
from backup.restic.run import Restic
from beket.kernel.clock import Clock, utc
from beket.kernel.errors import BeketError, Forbidden, InvalidArgument, NoSpace, NotFound
from beket.kernel.text import Text, say

KYIV = ZoneInfo("Europe/Kyiv")
SNAPSHOT_CHARS = 64
NAMES_MAX = 100
DRAFT = ".beket-restore-"
NAME_MAX_BYTES = 255


@dataclass(frozen=True, slots=True)
class Place:
    """Where something goes.

    Attributes:
        path: the place that was asked for.
        top: the highest thing on the way that is not there now: `path` itself, or a folder that is gone with it.
    """

    path: Path
    top: Path


async def put_back(
    restic: Restic,
    repository: Repository,
    plans: Sequence[Plan],
    order: RestoreOrder,
    *,
    clock: Clock,
    stop: asyncio.Event | None = None,
) -> RestoreResult:
    """Do what the order says; never raises for what a person should read: the result has the sentence."""
    try:
        place = await asyncio.to_thread(place_of, order, plans)
        at = utc(clock.wall_ns()).astimezone(KYIV)
        return await _restore(restic, repository, place, order, at=at, stop=stop)
    except BeketError as error:
        return _failed(order, error.sentence())
    except OSError as error:
        words = say("Не вдалося записати ({why}).", "It could not be written ({why}).", why=error.strerror or "?")
        return _failed(order, words)


def place_of(order: RestoreOrder, plans: Iterable[Plan]) -> Place:
    """Where the order's file belongs, if this host may put anything there. Blocking.

    Raises:
        InvalidArgument: no proper path or snapshot.
        Forbidden: no plan copies from there, or a link leads away.
        NotFound: the folder that the plan copies from is not there itself, as when its disk is away.
    """
    is_name = len(order.snapshot) == SNAPSHOT_CHARS and set(order.snapshot) <= set("0123456789abcdef")
    path = Path(checked_path(order.path))
    is_id = re.fullmatch(r"[0-9a-f][0-9a-f-]{0,63}", order.id) is not None
    if not is_id or not is_name or str(path) != order.path:
        raise InvalidArgument(say("Такого шляху не буває.", "There is no such path."), subject=order.path[:200])
    roots = [root for plan in plans for root in plan.paths if PurePosixPath(path).is_relative_to(root)]
    if not roots:
        raise Forbidden(
            say(
                "Цей комп'ютер кладе на місце лише те, що сам копіює.",
                "This host puts back only what it copies itself.",
            ),
            hint=say("Завантажте файл зі сторінки й покладіть самі.", "Download it and put it in place yourself."),
        )
    root = max(roots, key=lambda one: len(one.parts))
    base = root if root.is_dir() else root.parent
    if not base.is_dir():
        raise NotFound(
            say("Теки {path} зараз немає. Перевірте диск.", "The folder {path} is away. Check its disk.", path=base)
        )
    top = path
    while top != base and not os.path.lexists(top.parent):
        top = top.parent
    if path != base and not top.parent.resolve().is_relative_to(base.resolve()):
        raise Forbidden(say("Шлях веде за межі плану копіювання.", "The path leads out of what is copied."))
    return Place(path, path if os.path.lexists(path) else top)


def free_name(path: Path, words: str) -> Path:
    """A name beside `path` that nobody has: «звіт (відновлено 29.11.2026 14-35).ods»."""
    suffix = "" if path.name.startswith(".") else path.suffix
    stem = path.name[: len(path.name) - len(suffix)]
    for number in range(1, NAMES_MAX):
        tail = f" ({words}{'' if number == 1 else f', {number}'}){suffix}"
        room = NAME_MAX_BYTES - len(tail.encode())
        candidate = path.with_name(stem.encode()[: max(room, 1)].decode(errors="ignore") + tail)
        if not os.path.lexists(candidate):
            return candidate
    raise InvalidArgument(say("Таких відновлених файлів уже забагато.", "There are too many of these already."))


async def _restore(
    restic: Restic,
    repository: Repository,
    place: Place,
    order: RestoreOrder,
    *,
    at: datetime.datetime,
    stop: asyncio.Event | None,
) -> RestoreResult:
    draft = place.top.parent / f"{DRAFT}{order.id[:8]}"
    await asyncio.to_thread(_prepare, draft, order.size_bytes)
    try:
        command = commands.restore(repository, order.snapshot, draft, only=[order.path])
        outcome = classify(await restic.run(command, stop=stop))
        if outcome.kind is not OutcomeKind.OK:
            return _failed(order, outcome.reason, kind=outcome.kind)
        came = draft / str(place.top).lstrip("/")
        if not await asyncio.to_thread(os.path.lexists, draft / order.path.lstrip("/")):
            return _failed(order, say("У цій копії такого немає.", "There is no such thing in this copy."))
        placed = await asyncio.to_thread(_put, came, place, order.replace, f"{at:%d.%m.%Y %H-%M}")
    finally:
        await asyncio.to_thread(shutil.rmtree, draft, ignore_errors=True)
    return RestoreResult(id=order.id, outcome=OutcomeKind.OK.value, placed=str(placed))


def _prepare(draft: Path, size_bytes: int) -> None:
    shutil.rmtree(draft, ignore_errors=True)  # what a power cut left of an earlier try
    if shutil.disk_usage(draft.parent).free < size_bytes:
        raise NoSpace(say("На диску бракує місця.", "The disk has no room for it."))
    draft.mkdir(mode=0o700)


def _put(came: Path, place: Place, replace: bool, when: str) -> Path:
    """Move what came to its place; where it is now."""
    if not os.path.lexists(place.path):
        came.rename(place.top)
        put = place.path
    elif not replace:
        put = free_name(place.path, f"відновлено {when}")
        came.rename(put)
    else:
        before = free_name(place.path, f"було до відновлення {when}")
        place.path.rename(before)
        try:
            came.rename(place.path)
        except OSError:
            before.rename(place.path)
            raise
        put = place.path
    with contextlib.suppress(OSError):
        _sync(place.top.parent)
    return put


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _failed(order: RestoreOrder, reason: Text, *, kind: OutcomeKind = OutcomeKind.FAILED) -> RestoreResult:
    return RestoreResult(id=order.id, outcome=kind.value, reason_uk=reason.uk, reason_en=reason.en)
