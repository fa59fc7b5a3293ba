"""Owns how messages look between agents and the centre: msgspec JSON, versioned by the hello, tolerant of newer fields.

Each room declares the messages it sends and the messages it reads in its own `messages.py`; sender and reader do not
share a class, they share the golden files under tests/fixtures/wire, one folder per release. An unknown field is
ignored, a missing one takes its default, and bytes from outside raise `ProtocolError` and nothing else.
Note: beket/design/0003-wire-and-versions.md.
"""

from typing import Any, TypeVar

import msgspec

from beket.kernel.errors import ProtocolError
from beket.kernel.secrets import Secret
from beket.kernel.text import say

WIRE_VERSION = 1
OLDEST_SERVED_VERSION = 1
MESSAGE_MAX_BYTES = 4 * 1024 * 1024

T = TypeVar("T")


class Hello(msgspec.Struct, frozen=True):
    """The first thing an agent says in each connection.

    Attributes:
        version: wire version the agent speaks; the centre serves agents of up to two releases ago.
        software: release of Beket, for people.
        features: names of optional abilities; a peer uses only what both named.
        community: id of the community the agent was enrolled in.
        boot_id: changes with each start of the machine.
        wall_ns: what the agent's clock says, so that the centre can tell how wrong it is.
        clock_is_set: whether the agent believes its own wall clock.
    """

    version: int
    software: str
    community: str
    boot_id: str
    wall_ns: int
    clock_is_set: bool = False
    features: tuple[str, ...] = ()


def encode(message: msgspec.Struct) -> bytes:
    """The message as JSON, field names as declared."""
    return msgspec.json.encode(message)


def decode(data: bytes, message_type: type[T], *, max_bytes: int = MESSAGE_MAX_BYTES) -> T:
    """The message in `data`.

    Raises:
        ProtocolError: too long, not JSON, or not a `message_type`; the sentence names the field.
    """
    if len(data) > max_bytes:
        raise ProtocolError(
            say("Повідомлення завелике: {size} Б.", "The message is too large: {size} bytes.", size=len(data))
        )
    try:
        return msgspec.json.decode(
            data, type=message_type, dec_hook=_from_json
        )  # bounded in depth: it raises RecursionError
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError(
            say("Повідомлення незрозуміле: {why}.", "The message is not understood: {why}.", why=error)
        ) from error


def _from_json(expected: type, value: object) -> object:
    # A secret that arrives is one at once; none is ever encoded without `reveal`.
    return Secret(value) if expected is Secret and isinstance(value, str) else value


def check_version(hello: Hello) -> None:
    """Refuse an agent that this release cannot serve.

    Raises:
        ProtocolError: too old or too new; the hint says which side to update.
    """
    if OLDEST_SERVED_VERSION <= hello.version <= WIRE_VERSION:
        return
    older = hello.version < OLDEST_SERVED_VERSION
    raise ProtocolError(
        say(
            "Агент говорить версією {theirs}, центр розуміє {oldest}-{newest}.",
            "The agent speaks version {theirs}; this centre understands {oldest}-{newest}.",
            theirs=hello.version,
            oldest=OLDEST_SERVED_VERSION,
            newest=WIRE_VERSION,
        ),
        hint=say("Оновіть агента.", "Update the agent.") if older else say("Оновіть центр.", "Update the centre."),
    )


def to_builtins(message: Any) -> Any:  # a tree of plain JSON values
    """The message as plain dicts and lists, for signing or storing beside others."""
    return msgspec.to_builtins(message, str_keys=True)


def canonical(message: Any) -> bytes:  # any tree of JSON values
    """One and only one spelling of `message`: sorted keys, no spaces; what is hashed and signed."""
    return msgspec.json.encode(to_builtins(message), order="sorted")
