"""Owns how a secret is held, read and kept out of sight.

A `Secret` never prints itself; its value leaves only through `reveal()`, at the gate that needs it. Secrets come from
files with mode 0600, never from the command line, a URL or an environment variable's value.
"""

import os
import re
import secrets as stdlib_secrets
import stat
from pathlib import Path
from typing import Protocol

from beket.kernel.durable_file import create_file
from beket.kernel.errors import InvalidConfig, NotFound
from beket.kernel.ids import is_slug
from beket.kernel.text import say

SECRET_MAX_BYTES = 4096

# What a secret looks like in a line of text: log lines, foreign output, URLs. Group 1 stays, the rest goes. Rather too
# much goes than too little; every repetition is bounded, so that a hostile line costs no more than its length.
_NAMED = r"((?<![a-z])(?:password|passwd|secret|token|community|api[_-]?key|пароль)[\"']?[ \t]{0,8}[=:][ \t]{0,8}"
_PATTERNS = (
    re.compile(r"(\b[a-z][a-z0-9+.-]{0,15}://[^\s/@:]{0,128}:)[^\s\"'<>]{1,512}(?=@)", re.IGNORECASE),
    re.compile(r"(\b(?:authorization|cookie)[\"']?[ \t]{0,8}[:=][ \t]{0,8})[^\r\n]+", re.IGNORECASE),
    re.compile(_NAMED + r"([\"']))(?:(?!\2)(?:[^\\\r\n]|\\.))+", re.IGNORECASE),
    re.compile(_NAMED + r")[^\s\"'•]\S*", re.IGNORECASE),
)


class Secret:
    """A value that shows itself to nobody who does not ask by name.

    Example:
        >>> secret = Secret("hunter2")
        >>> f"{secret} {secret!r}", secret.reveal()
        ('••• Secret(•••)', 'hunter2')
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself; call it as late as possible and do not keep the result."""
        return self._value

    def __str__(self) -> str:
        return "•••"

    def __repr__(self) -> str:
        return "Secret(•••)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and stdlib_secrets.compare_digest(
            self._value.encode(), other.reveal().encode()
        )

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")


class SecretStore(Protocol):
    """Where a room asks for a secret by the name that the inventory gives it."""

    def get(self, name: str) -> Secret:
        """The secret called `name`.

        Raises:
            NotFound: there is none; the sentence says which file to write.
        """


class SecretFolder:
    """Secrets as files `<folder>/<name>`, one value each, mode 0600 or stricter. Reads at each call; keeps nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, name: str) -> Secret:
        """See `SecretStore.get`."""
        if not is_slug(name):
            raise NotFound(say("Немає секрету «{name}».", "There is no secret “{name}”.", name=name[:80]))
        return read_secret_file(self._folder / name)


def read_secret_file(path: Path) -> Secret:
    """Read one secret, without the line end after it.

    Raises:
        NotFound: no such file.
        InvalidConfig: others can read the file, or it is empty, too long or not text.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe in its place must not hang us
    except FileNotFoundError:
        raise NotFound(
            say("Немає файла з секретом.", "The secret file is missing."),
            subject=str(path),
            hint=say("Запишіть його й виконайте: chmod 600 {path}", "Write it and run: chmod 600 {path}", path=path),
        ) from None
    except OSError as error:
        raise InvalidConfig(
            say("Файл із секретом не читається: {why}.", "The secret file cannot be read: {why}.", why=error.strerror),
            subject=str(path),
        ) from error
    try:
        mode = os.fstat(descriptor).st_mode
        raw = os.read(descriptor, SECRET_MAX_BYTES + 1) if stat.S_ISREG(mode) else b""
    finally:
        os.close(descriptor)
    if stat.S_ISREG(mode) and stat.S_IMODE(mode) & 0o077:
        raise InvalidConfig(
            say("Секрет можуть прочитати інші.", "Others can read this secret."),
            subject=str(path),
            hint=say("Виконайте: chmod 600 {path}", "Run: chmod 600 {path}", path=path),
        )
    try:
        value = raw.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        value = ""
    if not value or len(raw) > SECRET_MAX_BYTES:
        raise InvalidConfig(
            say("У файлі має бути один рядок із секретом.", "The file must hold one line with the secret."),
            subject=str(path),
        )
    return Secret(value)


def write_secret_file(path: Path, secret: Secret) -> None:
    """Create `path` with mode 0600 holding `secret`, durable before this returns; an existing file is refused.

    Raises:
        FileExistsError: something is there already; a key is never overwritten.
    """
    create_file(path, secret.reveal().encode() + b"\n")


def redact(text: str) -> str:
    """`text` with everything that looks like a secret replaced.

    Example:
        >>> redact("open rtsp://admin:x1@10.0.0.5/1 password=q")
        'open rtsp://admin:•••@10.0.0.5/1 password=•••'
    """
    for pattern in _PATTERNS:
        text = pattern.sub(r"\1•••", text)
    return text
