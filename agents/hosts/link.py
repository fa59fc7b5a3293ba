"""Owns what the two SSH clients have in common: where to go, how to log in, channels, and how they fail."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from agents.hosts.host_keys import HostKey
from beket.kernel.errors import ProtocolError, TimedOut, Unauthenticated, Unreachable
from beket.kernel.ids import DeviceId
from beket.kernel.secrets import Secret
from beket.kernel.text import say

SSH_PORT = 22
KEY_BEGINS = "-----BEGIN "
CHUNK_BYTES = 32 * 1024
# A terminal so wide and high that hardly anything is wrapped or paged.
TERMINAL_COLUMNS = 511
TERMINAL_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Target:
    """Where to go and as whom.

    Attributes:
        secret: a password, or a private key in OpenSSH's or PEM's spelling.
        timeout_s: for each step until the session stands: connecting, greeting, keys, login.
    """

    device: DeviceId
    host: str
    port: int
    login: str
    secret: Secret
    timeout_s: float = 20.0

    @property
    def is_key(self) -> bool:
        """Whether the secret is a private key."""
        return self.secret.reveal().startswith(KEY_BEGINS)


# Is this the host's key? Raises `Unauthenticated` if not; called before any login.
CheckKey = Callable[[HostKey], None]


class Channel(Protocol):
    """One command, or one interactive shell."""

    def send(self, data: bytes) -> None:
        """Type.

        Raises:
            Unreachable: the line is cut.
        """

    def receive(self, within_s: float) -> bytes:
        """What came; b"" at the end.

        Raises:
            TimedOut: nothing came `within_s`.
            Unreachable: the line is cut.
        """

    def close(self) -> None:
        """End it; twice does no harm."""


class Link(Protocol):
    """A connection that is logged in."""

    @property
    def is_weak(self) -> bool:
        """Whether its cryptography counts as broken."""

    def execute(self, command: str) -> Channel:
        """Run one command without a terminal."""

    def shell(self) -> Channel:
        """An interactive shell on a terminal."""

    def close(self) -> None:
        """Hang up; twice does no harm."""


class OnlyWeak(ProtocolError):
    """The device offers no algorithm that our first client still speaks."""


def no_answer(target: Target) -> TimedOut:
    """It did not get through in time."""
    return TimedOut(
        say("Пристрій не відповів по SSH вчасно.", "The device did not answer by SSH in time."), subject=target.device
    )


def no_way(target: Target, why: str) -> Unreachable:
    """Nobody is there, or the line was cut."""
    return Unreachable(
        say("До пристрою немає доступу по SSH: {why}.", "No way to the device by SSH: {why}.", why=why),
        subject=target.device,
    )


def was_cut(device: str) -> Unreachable:
    """The session ended in the middle."""
    return Unreachable(
        say("Пристрій обірвав зв'язок.", "The device cut the connection."),
        subject=device,
    )


def login_refused(target: Target) -> Unauthenticated:
    """The device does not take our login."""
    return Unauthenticated(
        say(
            "Пристрій не приймає вхід «{login}».",
            "The device refuses the login “{login}”.",
            login=target.login,
        ),
        subject=target.device,
        hint=say("Звірте логін і файл із паролем.", "Compare the login and the password file."),
    )


def not_understood(target: Target, why: str) -> ProtocolError:
    """What answered is no SSH server that we can speak with."""
    return ProtocolError(
        say("Незрозуміла відповідь по SSH: {why}.", "An SSH answer that is not understood: {why}.", why=why[:200]),
        subject=target.device,
    )
