"""Owns a scripted SNMP agent on loopback: an honest table behind a behaviour that spoils each answer as the test says.

Reads and writes by the simulation's BER, not by the agents' codec. Runs on a thread of its own.
"""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from beket.kernel.errors import ProtocolError
from beket.sim import snmp_ber as ber
from beket.sim.snmp_agent import Mib, answer
from beket.sim.snmp_ber import Oid, Request

DATAGRAM_MAX_BYTES = 65_535
SYSTEM: Oid = (1, 3, 6, 1, 2, 1, 1)
IF_ENTRY: Oid = (1, 3, 6, 1, 2, 1, 2, 2, 1)
IF_X_ENTRY: Oid = (1, 3, 6, 1, 2, 1, 31, 1, 1, 1)

# The columns of a switch that `interfaces.toml` asks for, with the type of each.
_COLUMNS: dict[Oid, int] = {
    (*IF_X_ENTRY, 1): ber.OCTET_STRING,
    (*IF_ENTRY, 2): ber.OCTET_STRING,
    (*IF_X_ENTRY, 18): ber.OCTET_STRING,
    (*IF_X_ENTRY, 6): ber.COUNTER64,
    (*IF_X_ENTRY, 10): ber.COUNTER64,
    (*IF_ENTRY, 14): ber.COUNTER32,
    (*IF_ENTRY, 20): ber.COUNTER32,
    (*IF_ENTRY, 13): ber.COUNTER32,
    (*IF_ENTRY, 19): ber.COUNTER32,
    (*IF_ENTRY, 8): ber.INTEGER,
    (*IF_X_ENTRY, 15): ber.GAUGE32,
    (*IF_X_ENTRY, 19): ber.TIME_TICKS,
}
COLUMNS = len(_COLUMNS)


def switch(*indexes: int, name: str = "ge{}", encoding: str = "utf-8") -> Mib:
    """A switch with a port for each of `indexes`."""
    values = {
        (*SYSTEM, 1, 0): ber.wrap(ber.OCTET_STRING, b"Scripted switch"),
        (*SYSTEM, 2, 0): ber.encode_oid((1, 3, 6, 1, 4, 1, 32473, 1)),
        (*SYSTEM, 3, 0): ber.encode_int(123_456, ber.TIME_TICKS),
        (*SYSTEM, 5, 0): ber.wrap(ber.OCTET_STRING, b"scripted"),
    }
    for index in indexes:
        for column, tag in _COLUMNS.items():
            text = name.format(index).encode(encoding)
            values[(*column, index)] = (
                ber.wrap(tag, text) if tag == ber.OCTET_STRING else ber.encode_int(index % 1000 + 1, tag)
            )
    return Mib(values)


@dataclass(slots=True)
class Turn:
    """One question and what an honest agent would answer.

    Attributes:
        number: of this question, from 1.
        memory: what a behaviour wants to keep from one turn to the next.
    """

    request: Request
    honest: bytes
    number: int
    mib: Mib
    memory: dict[str, bytes] = field(default_factory=dict)

    @property
    def is_walk(self) -> bool:
        """Whether a table is walked, not scalars asked for."""
        return self.request.pdu is not ber.Pdu.GET

    @property
    def repetitions(self) -> int:
        """Rows asked for at once."""
        return self.request.second if self.request.pdu is ber.Pdu.GET_BULK else 1

    def bindings(self) -> list[bytes]:
        """The bindings of the honest answer, each encoded."""
        return bindings_of(self.honest)

    def reply(self, bindings: list[bytes], status: int = 0, index: int = 0) -> bytes:
        """An answer of these bindings."""
        return ber.compose_response(self.request, b"".join(bindings), status, index)  # type: ignore[arg-type] # any number


def bindings_of(message: bytes) -> list[bytes]:
    """The bindings in a v1 or v2c message, each encoded."""
    body = _body(_body(message)[0])  # version
    pdu = _body(body[1])[1]  # after the community
    fields = _body(pdu)[0]
    for _ in range(3):
        fields = _body(fields)[1]
    rest = _body(fields)[0]
    found = []
    while rest:
        after = _body(rest)[1]
        found.append(rest[: len(rest) - len(after)])
        rest = after
    return found


def parts_of(binding: bytes) -> tuple[bytes, bytes]:
    """Name and value of a binding, each encoded."""
    inside = _body(binding)[0]
    value = _body(inside)[1]
    return inside[: len(inside) - len(value)], value


def _body(data: bytes) -> tuple[bytes, bytes]:
    """Content of the first element, and what follows it."""
    size, start = data[1], 2
    if size > 127:
        start += size & 127
        size = int.from_bytes(data[2:start])
    return data[start : start + size], data[start + size :]


Behaviour = Callable[[Turn], list[bytes]]
Send = Callable[[socket.socket, bytes, tuple[str, int]], None]


def _send(sock: socket.socket, data: bytes, address: tuple[str, int]) -> None:
    sock.sendto(data, address)


@contextlib.contextmanager
def responder(mib: Mib, behave: Behaviour, send: Send = _send) -> Iterator[str]:
    """Serve `mib` as `behave` has it until the block ends; give the address, `host:port`."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        host, port = sock.getsockname()
        ends = threading.Event()
        memory: dict[str, bytes] = {}

        def serve() -> None:
            number = 0
            while True:
                data, address = sock.recvfrom(DATAGRAM_MAX_BYTES)
                if ends.is_set():
                    return
                with contextlib.suppress(ProtocolError):
                    request = ber.parse_request(data)
                    number += 1
                    for reply in behave(Turn(request, answer(request, mib), number, mib, memory)):
                        send(sock, reply, address)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"{host}:{port}"
        finally:
            ends.set()
            sock.sendto(b"end", (host, port))
            thread.join()
