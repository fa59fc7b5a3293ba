"""Owns how passwords are hashed, checked and judged: argon2id behind four small calls; the only argon2 gate.

Blocking: one hash takes tens of milliseconds and 64 MiB, and two run at a time, so that a flood of log-ins cannot take
the machine's memory. Does not count failures; `users` does.
"""

import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from beket.kernel.errors import InvalidArgument
from beket.kernel.secrets import Secret
from beket.kernel.text import say

PASSWORD_MIN_CHARS = 12
PASSWORD_MAX_CHARS = 256
_DISTINCT_MIN_CHARS = 5
_AT_A_TIME = 2


class Passwords:
    """Hashes with one set of argon2id parameters (RFC 9106 §4, second recommended); older ones still verify."""

    def __init__(self, *, time_cost: int = 3, memory_kib: int = 64 * 1024, lanes: int = 4) -> None:
        self._hasher = PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=lanes)
        self._room = threading.BoundedSemaphore(_AT_A_TIME)
        # What an unknown login is checked against, so that it takes as long as a known one.
        self._nobody = self.hash(Secret("nobody has this password"))

    def hash(self, password: Secret) -> str:
        """The text to store: parameters, salt and hash."""
        with self._room:
            return self._hasher.hash(_encoded(password))

    def verify(self, stored: str | None, password: Secret) -> bool:
        """Whether `password` is the one behind `stored`; None (no such account) takes as long and is never true."""
        if len(password.reveal()) > PASSWORD_MAX_CHARS:
            return False
        with self._room:
            try:
                self._hasher.verify(self._nobody if stored is None else stored, _encoded(password))
            except (VerificationError, InvalidHashError):
                return False
        return stored is not None

    def is_dated(self, stored: str) -> bool:
        """Whether the hash was made with other parameters than today's and should be made anew at the next log-in."""
        return self._hasher.check_needs_rehash(stored)


def check_new_password(password: Secret, *, login: str) -> None:
    """Refuse a password that is easily guessed.

    Raises:
        InvalidArgument: it breaks the rule; the sentence says the rule.
    """
    words = _spelled(password)
    long_enough = PASSWORD_MIN_CHARS <= len(words) <= PASSWORD_MAX_CHARS
    if long_enough and len(set(words.lower())) >= _DISTINCT_MIN_CHARS and login.lower() not in words.lower():
        return
    raise InvalidArgument(
        say(
            "Пароль: від {least} до {most} знаків, щонайменше {distinct} різних, без вашого логіна.",
            "A password: {least} to {most} characters, at least {distinct} different ones, without your login.",
            least=PASSWORD_MIN_CHARS,
            most=PASSWORD_MAX_CHARS,
            distinct=_DISTINCT_MIN_CHARS,
        ),
        hint=say("Найлегше запам'ятати чотири звичайні слова.", "Four ordinary words are easiest to remember."),
    )


def _encoded(password: Secret) -> bytes:
    return _spelled(password).encode(errors="replace")


def _spelled(password: Secret) -> str:
    # A phone may send "й" as two code points and a PC as one: the same password must stay the same.
    return unicodedata.normalize("NFC", password.reveal())
