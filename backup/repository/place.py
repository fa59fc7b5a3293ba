"""Owns where one host's repository is and how it comes to be: a folder and a password file, both made at first use.

A repository is made only where none ever was: once a copy has been made, an empty folder means that its disk is not
there, and a new repository on the system disk would hide that. Blocking, but for `ensure`.
"""

import asyncio
import secrets
from pathlib import Path

from backup.restic import commands
from backup.restic.commands import Repository
from backup.restic.outcome import Outcome, OutcomeKind, classify
from backup.restic.run import Restic
from beket.kernel.errors import NotFound
from beket.kernel.secrets import Secret, read_secret_file, write_secret_file
from beket.kernel.text import say

PASSWORD_BYTES = 32


def exists(repository: Repository) -> bool:
    """Whether a repository lies in that folder; True for a remote one, which only restic can ask."""
    return repository.is_remote or (Path(repository.location) / "config").is_file()


def lost_config(folder: Path) -> Outcome | None:
    """Why no repository may be made in `folder`: one lies there whose `config` is gone; None when none does. Blocking.

    A new one would have another master key, and what lies there could then not even be opened with its own keys.
    """
    if (folder / "config").exists() or not _holds_anything(folder):
        return None
    reason = say(
        "У сховищі {place} є копії, але зник файл config, і без нього їх не відкрити. Нічого там не створюйте й не "
        "стирайте; покличте відповідального за ІТ: цей файл ще можна врятувати з того самого диска.",
        "Copies lie in {place}, but its file config is gone, and without it they do not open. Make and delete nothing "
        "there; call your IT person: the file may still be saved from that disk.",
        place=folder,
    )
    return Outcome(OutcomeKind.DAMAGED, reason)


def clear_unborn(folder: Path) -> None:
    """Remove the keys of a repository whose making was broken off. Blocking.

    restic writes a key first and `config` last. Over such a key 0.14 would make a second one with another master key,
    after which nobody opens the repository; later releases refuse. Where anything was ever stored, nothing is touched.
    """
    if (folder / "config").exists() or _holds_anything(folder):
        return
    for key in folder.glob("keys/*"):
        key.unlink()


async def ensure(restic: Restic, repository: Repository, *, is_first_use: bool) -> Outcome | None:
    """Make password and repository at first use; None when both are there, else why there can be no copy.

    Raises:
        InvalidConfig: others can read the password file.
        NoSpace, NotFound: it cannot be written.
    """
    there = exists(repository)
    try:
        read_secret_file(repository.password_file)
    except NotFound:
        if there or not is_first_use:
            reason = say(
                "Немає файла пароля {path}. Відновіть його з паперового конверта.",
                "The password file {path} is missing. Restore it from the paper envelope.",
                path=repository.password_file,
            )
            return Outcome(OutcomeKind.AUTH, reason)
        write_secret_file(repository.password_file, Secret(secrets.token_urlsafe(PASSWORD_BYTES)))
    if there:
        return None
    if not is_first_use:
        reason = say(
            "Сховища копій {place} немає на місці. Перевірте, чи під'єднано диск.",
            "The repository {place} is gone. Check that its disk is there.",
            place=repository.location,
        )
        return Outcome(OutcomeKind.MISSING, reason)
    lost = await asyncio.to_thread(lost_config, Path(repository.location))
    if lost is not None:
        return lost
    await asyncio.to_thread(clear_unborn, Path(repository.location))
    outcome = classify(await restic.run(commands.init(repository)))
    return None if outcome.kind is OutcomeKind.OK else outcome


def _holds_anything(folder: Path) -> bool:
    return any(any(folder.glob(files)) for files in ("snapshots/*", "index/*", "data/*/*"))
