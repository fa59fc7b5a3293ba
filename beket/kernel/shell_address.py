"""Owns how the inventory says where a device's command line is: `family://login@host[:port]`, never with a password.

    mikrotik://beket@10.20.1.1
    cisco-ios://reader@sw1.example:2222
    linux://beket@[fd00::1]:22

Read by the centre, which checks what people write, and by agents, which log in. Pure.
"""

import re
from dataclasses import dataclass

from beket.kernel.errors import InvalidArgument
from beket.kernel.ids import is_slug
from beket.kernel.text import say

SSH_PORT = 22
ADDRESS_MAX_CHARS = 400
_ADDRESS = re.compile(
    r"(?P<family>[a-z][a-z0-9-]{0,63})://(?P<login>[A-Za-z0-9_][A-Za-z0-9_.+-]{0,63})@"
    r"(?P<host>\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9][A-Za-z0-9._-]{0,252})(?::(?P<port>\d{1,5}))?"
)
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")


@dataclass(frozen=True, slots=True)
class ShellAddress:
    """Where a command line is.

    Attributes:
        family: which commands the device understands, `agents.hosts.families`.
        host: without brackets.
    """

    family: str
    login: str
    host: str
    port: int

    @property
    def host_and_port(self) -> str:
        """As settings spell it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_shell_address(address: str) -> ShellAddress:
    """The parts of `address`.

    Example:
        >>> parse_shell_address("mikrotik://beket@10.0.0.1:2022").host_and_port
        '10.0.0.1:2022'

    Raises:
        InvalidArgument: it is none; the address itself is not repeated, for it may hold a password.
    """
    match = _ADDRESS.fullmatch(address) if len(address) <= ADDRESS_MAX_CHARS else None
    port = int(match["port"] or SSH_PORT) if match else 0
    if match is None or not is_slug(match["family"]) or not 0 < port < 65536:
        raise InvalidArgument(
            say("Так командний рядок не записують.", "A command line is not written like this."),
            hint=say(
                "Потрібно сімейство://логін@адреса, без пароля: mikrotik://beket@10.20.1.1.",
                "It takes family://login@host, without a password: mikrotik://beket@10.20.1.1.",
            ),
        )
    return ShellAddress(match["family"], match["login"], match["host"].strip("[]"), port)


def is_fingerprint(text: str) -> bool:
    """Whether `text` is a host key's fingerprint as SSH programs print it: `SHA256:…`."""
    return _FINGERPRINT.fullmatch(text) is not None
