"""Owns what the poller asks of SNMP, whichever back end answers: our engine, or pysnmp behind the same port later."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from agents.network.snmp.codec import Value, Version
from agents.network.snmp.credentials import V3User
from beket.kernel.errors import BeketError, TimedOut
from beket.kernel.secrets import Secret

SNMP_PORT = 161


@dataclass(frozen=True, slots=True)
class Target:
    """A device to ask and how.

    Attributes:
        host: name or address.
        community: proves us under v1 and v2c.
        user: proves us under v3, which needs one.
        timeout_s: wait for one attempt; a silent device costs `timeout_s × attempts`.
        deadline_s: a walk stops after this, keeping what it has.
    """

    host: str
    port: int = SNMP_PORT
    version: Version = Version.V2C
    community: Secret = field(default_factory=lambda: Secret("public"), compare=False)
    user: V3User | None = field(default=None, compare=False)
    timeout_s: float = 1.0
    attempts: int = 2
    deadline_s: float = 30.0


@dataclass(slots=True)
class Walk:
    """What a walk brought.

    Attributes:
        columns: for each asked column, in order, index (raw OID suffix) → value. Text is bytes, numbers are int.
        error: why it is not complete; None when every column was read to its end.
    """

    columns: list[dict[bytes, Value]]
    error: BeketError | None = None


class Scalars(dict[bytes, Value]):
    """What a question for scalars brought: value by name; those that the device does not have are absent.

    Attributes:
        lacking: names of which the device said that it has no such thing.
        error: why others are absent although it may have them; None when there are none.
    """

    def __init__(self, values: Mapping[bytes, Value] | None = None) -> None:
        super().__init__(values or {})
        self.lacking: set[bytes] = set()
        self.error: BeketError | None = None


class SilentToUser(TimedOut):
    """The device is alive: it tells its SNMPv3 engine, but what our user asks it leaves unanswered."""


class TooLate(TimedOut):
    """The device is alive: something came from its address in the meantime, but no answer to the question."""


class SnmpPort(Protocol):
    """Reads values from devices. Names are raw OIDs (`oid.parse_oid`). On the loop; many calls may run at once."""

    async def get(self, target: Target, names: Sequence[bytes]) -> Scalars:
        """Values of scalars, as far as they came.

        Raises:
            TimedOut: no answer to any attempt; once something came, that is the `error` of what is given back.
            Unreachable: the network says that nobody is there.
            ProtocolError: an answer that we do not understand, or a refusal of all that was asked for.
            Unauthenticated: the device answers and will not have our v3 user.
            TooLate: (a TimedOut) it says something, but does not answer the question.
            SilentToUser: (a TimedOut) it names its v3 engine, and is silent to what our user asks.
        """

    async def walk(self, target: Target, columns: Sequence[bytes]) -> Walk:
        """Columns of a table, whole or as far as they came; failures are in the result, never raised."""
