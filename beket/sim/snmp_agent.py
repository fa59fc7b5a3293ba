"""Owns how simulated gear answers SNMP: a tree of variables, the rules of GET, GETNEXT and GETBULK, one UDP socket.

Runs on the event loop. Values that never change are encoded once and names always are, so an answer of 50 variables
costs about as much as copying it; a load test may have hundreds of agents in one process.
"""

import asyncio
import bisect
import errno
from collections.abc import Callable, Iterator, Mapping
from typing import cast

from beket.kernel.errors import BeketError, Busy, ProtocolError, Unreachable
from beket.kernel.text import say
from beket.sim import snmp_ber as ber
from beket.sim.snmp_ber import ErrorStatus, Oid, Pdu, Request

# What fits one Ethernet frame; real gear fragments rarely.
ANSWER_MAX_BYTES = 1472
_ENVELOPE_BYTES = 64

Value = bytes | Callable[[], bytes]


class Mib:
    """Variables in the order of their names.

    Given encoded values, or functions that encode the value of this moment, by name; every name ends in an index (`.0`
    for a scalar), and what stands before it is the object.
    """

    def __init__(self, values: Mapping[Oid, Value]) -> None:
        self._names = sorted(values)
        self._encoded_names = [ber.encode_oid(name) for name in self._names]
        self._values = [values[name] for name in self._names]
        self._place = {name: i for i, name in enumerate(self._names)}
        self._objects = {name[:-1] for name in self._names}

    def __len__(self) -> int:
        return len(self._names)

    def find(self, name: Oid) -> int | None:
        """Where `name` itself stands; None when there is no such variable."""
        return self._place.get(name)

    def after(self, name: Oid) -> int | None:
        """Where the first variable after `name` stands; None at the end."""
        place = bisect.bisect_right(self._names, name)
        return place if place < len(self._names) else None

    def name(self, place: int) -> Oid:
        """The name of the variable that stands at `place`."""
        return self._names[place]

    def value(self, place: int) -> bytes:
        """Its value of this moment, encoded."""
        value = self._values[place]
        return value if isinstance(value, bytes) else value()

    def varbind(self, place: int) -> bytes:
        """Name and value of this moment, encoded."""
        return ber.compose_varbind(self._encoded_names[place], self.value(place))

    def absence_of(self, name: Oid) -> bytes:
        """How v2c says that `name` is not here: the object is unknown, or it has no such instance (RFC 3416 §4.2.1)."""
        known = any(name[:end] in self._objects for end in range(len(name) + 1))
        return ber.NO_SUCH_INSTANCE if known else ber.NO_SUCH_OBJECT


def answer(request: Request, mib: Mib, *, max_bytes: int = ANSWER_MAX_BYTES) -> bytes:
    """What an agent with `mib` answers to `request`, at most `max_bytes` long."""
    if request.pdu is Pdu.GET_BULK:
        return _answer_bulk(request, mib, max_bytes)
    if request.pdu is Pdu.SET:
        status = ErrorStatus.NO_SUCH_NAME if request.is_v1 else ErrorStatus.NOT_WRITABLE
        return _refuse(request, status, 1 if request.names else 0)
    varbinds = []
    for index, name in enumerate(request.names, start=1):
        varbind = _next(mib, name, request) if request.pdu is Pdu.GET_NEXT else _exact(mib, name, request)
        if varbind is None:
            return _refuse(request, ErrorStatus.NO_SUCH_NAME, index)
        varbinds.append(varbind)
    response = ber.compose_response(request, b"".join(varbinds))
    if len(response) <= max_bytes:
        return response
    if request.is_v1:
        return _refuse(request, ErrorStatus.TOO_BIG, 0)
    return ber.compose_response(request, b"", ErrorStatus.TOO_BIG)


class SnmpAgent:
    """One device's agent on one UDP address.

    Args:
        is_awake: False while the device has no power; it then hears nothing.
    """

    def __init__(self, mib: Mib, *, community: bytes = b"public", is_awake: Callable[[], bool] = lambda: True) -> None:
        self._mib = mib
        self._community = community
        self._is_awake = is_awake
        self._transport: asyncio.DatagramTransport | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen on `host` and `port`; 0 takes a free one. Return the port.

        Raises:
            Busy: the port is taken.
            Unreachable: the address is not one of this machine.
        """
        loop = asyncio.get_running_loop()
        try:
            self._transport, _ = await loop.create_datagram_endpoint(lambda: _Socket(self), local_addr=(host, port))
        except OSError as error:
            raise _why_not(error, f"{host}:{port}") from error
        listening: int = self._transport.get_extra_info("sockname")[1]
        return listening

    def close(self) -> None:
        """Stop listening."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def react(self, datagram: bytes) -> bytes | None:
        """The answer to a datagram; None where a real agent keeps silent: no power, wrong community, nonsense."""
        if not self._is_awake():
            return None
        try:
            request = ber.parse_request(datagram)
        except ProtocolError:
            return None
        return answer(request, self._mib) if request.community == self._community else None


class _Socket(asyncio.DatagramProtocol):
    def __init__(self, agent: SnmpAgent) -> None:
        self._agent = agent
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # asyncio's own transport of datagrams does not inherit from DatagramTransport.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | None, int]) -> None:
        response = self._agent.react(data)
        if response is not None and self._transport is not None:
            self._transport.sendto(response, addr)


def _why_not(error: OSError, place: str) -> BeketError:
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error  # uvloop wraps it
    if cause.errno == errno.EADDRINUSE:
        return Busy(
            say("Порт {place} зайнятий іншою програмою.", "{place} is taken by another program.", place=place),
            hint=say("Закрийте її або оберіть інший порт.", "Close it or choose another port."),
        )
    return Unreachable(
        say("На {place} слухати не можна: {why}.", "Cannot listen on {place}: {why}.", place=place, why=cause.strerror),
        hint=say(
            "Оберіть адресу цієї машини й порт від 1024.", "Choose an address of this machine and a port from 1024."
        ),
    )


def _exact(mib: Mib, name: Oid, request: Request) -> bytes | None:
    place = mib.find(name)
    if place is not None and not (request.is_v1 and _is_counter64(mib, place)):
        return mib.varbind(place)
    return None if request.is_v1 else ber.compose_varbind(ber.encode_oid(name), mib.absence_of(name))


def _next(mib: Mib, name: Oid, request: Request) -> bytes | None:
    place = mib.after(name)
    # SNMPv1 has no Counter64: its clients are led past such variables (RFC 2576 §4.1.2.1).
    while request.is_v1 and place is not None and _is_counter64(mib, place):
        place = mib.after(mib.name(place))
    if place is not None:
        return mib.varbind(place)
    return None if request.is_v1 else ber.compose_varbind(ber.encode_oid(name), ber.END_OF_MIB_VIEW)


def _is_counter64(mib: Mib, place: int) -> bool:
    return mib.value(place)[0] == ber.COUNTER64


def _answer_bulk(request: Request, mib: Mib, max_bytes: int) -> bytes:
    # RFC 3416 §4.2.3: the first names get one step, the others `repetitions` steps side by side, as many as fit.
    singles = max(0, min(request.first, len(request.names)))
    repetitions = max(0, request.second)
    room_bytes = max_bytes - _ENVELOPE_BYTES - len(request.community)
    varbinds = []
    for varbind in _bulk_varbinds(mib, request.names[:singles], request.names[singles:], repetitions):
        room_bytes -= len(varbind)
        if room_bytes < 0:
            break
        varbinds.append(varbind)
    return ber.compose_response(request, b"".join(varbinds))


def _bulk_varbinds(mib: Mib, singles: tuple[Oid, ...], repeated: tuple[Oid, ...], repetitions: int) -> Iterator[bytes]:
    for name in singles:
        place = mib.after(name)
        yield mib.varbind(place) if place is not None else _end(name)
    cursors: list[Oid | None] = list(repeated)
    ends = list(repeated)
    for _ in range(repetitions):
        if all(cursor is None for cursor in cursors):
            return
        for column, cursor in enumerate(cursors):
            place = mib.after(cursor) if cursor is not None else None
            if place is None:
                cursors[column] = None
                yield _end(ends[column])
            else:
                cursors[column] = ends[column] = mib.name(place)
                yield mib.varbind(place)


def _end(name: Oid) -> bytes:
    return ber.compose_varbind(ber.encode_oid(name), ber.END_OF_MIB_VIEW)


def _refuse(request: Request, status: ErrorStatus, index: int) -> bytes:
    asked = b"".join(ber.compose_varbind(ber.encode_oid(name), ber.NULL_VALUE) for name in request.names)
    return ber.compose_response(request, asked, status, index)
