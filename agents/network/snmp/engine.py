"""Owns the asking of SNMP devices over UDP: one socket per address family for all devices, on the loop that made it.

Answers find their question by request id. A repeat keeps its id, so a late answer to the first attempt counts. An
answer from another port of the same host is taken (gear behind NAT does that), one from another host never; both, and
answers nobody waits for, are counted through `on_odd`. Where Linux tells that nobody listens (IP_RECVERR), the question
fails at once instead of timing out. Bytes are `codec`'s, the course of a walk is `table_walk`'s.
Note: agents/design/0015-snmp-hot-path.md.
"""

import asyncio
import contextlib
import random
import socket
from collections.abc import Callable, Sequence
from typing import NamedTuple

from agents.network.snmp import codec
from agents.network.snmp.codec import ErrorStatus, Malformed, Pdu, Response, Value, Version
from agents.network.snmp.port import Target, Walk
from agents.network.snmp.table_walk import TableWalk
from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.errors import BeketError, ProtocolError, TimedOut, Unreachable
from beket.kernel.text import say

# About as many varbinds as fit an unfragmented datagram; a device that cannot is remembered with less.
BUDGET_VARBINDS = 60
DATAGRAM_MAX_BYTES = 65_535
RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
# Datagrams taken in one turn of the loop, so that a flood cannot hold it.
DRAIN_MAX = 256
DEVICES_REMEMBERED_MAX = 10_000

# linux/in.h, linux/in6.h, linux/socket.h: not in Python's socket module.
_RECVERR = {socket.AF_INET: (socket.IPPROTO_IP, 11), socket.AF_INET6: (socket.IPPROTO_IPV6, 25)}
_MSG_ERRQUEUE = 0x2000

Address = tuple[str, int]


class _Peer(NamedTuple):
    socket: socket.socket
    address: Address
    head: bytes


class _Question:
    """A request in flight."""

    __slots__ = ("answer", "attempts_left", "datagram", "peer", "timeout_s", "timer")

    def __init__(self, peer: _Peer, datagram: bytes, target: Target, answer: "asyncio.Future[Response]") -> None:
        self.peer = peer
        self.datagram = datagram
        self.attempts_left = target.attempts
        self.timeout_s = target.timeout_s
        self.answer = answer
        self.timer: asyncio.TimerHandle | None = None


class UdpEngine:
    """Our back end of `port.SnmpPort`. Make it on the loop that uses it; `close` it at the end."""

    def __init__(
        self, *, clock: Clock, rng: random.Random, on_odd: Callable[[str], None] | None = None, rows_max: int = 20_000
    ) -> None:
        """`on_odd` hears "late", "other-host", "other-port" or "malformed" for each such datagram."""
        self._clock = clock
        self._rng = rng
        self._on_odd = on_odd or (lambda _reason: None)
        self._rows_max = rows_max
        self._loop = asyncio.get_running_loop()
        self._sockets: dict[socket.AddressFamily, socket.socket] = {}
        self._questions: dict[int, _Question] = {}
        self._budgets: dict[Address, int] = {}

    def close(self) -> None:
        """Let go of the sockets; questions still in flight are cancelled."""
        for sock in self._sockets.values():
            self._loop.remove_reader(sock)
            sock.close()
        self._sockets.clear()
        for question in list(self._questions.values()):
            question.answer.cancel()

    async def get(self, target: Target, names: Sequence[bytes]) -> dict[bytes, Value]:
        """See `SnmpPort.get`."""
        if not names:
            return {}
        peer = await self._peer(target)
        wanted = list(names)
        while wanted:
            response = await self._ask(target, peer, Pdu.GET, wanted)
            status, index = response.error_status, response.error_index
            if not status:
                return {name: value for name, _, value in response.varbinds if value is not None}
            if status == ErrorStatus.NO_SUCH_NAME and 1 <= index <= len(wanted):
                del wanted[index - 1]  # v1 says so of one name and answers none; ask for the others
            elif status == ErrorStatus.TOO_BIG and len(wanted) > 1:
                half = len(wanted) // 2
                return await self.get(target, wanted[:half]) | await self.get(target, wanted[half:])
            else:
                raise ProtocolError(
                    say("Пристрій відмовив: помилка SNMP {n}.", "The device refused: SNMP error {n}.", n=status),
                    subject=target.host,
                )
        return {}

    async def walk(self, target: Target, columns: Sequence[bytes]) -> Walk:
        """See `SnmpPort.walk`."""
        bulk = target.version is not Version.V1
        budget = self._budgets.get((target.host, target.port), BUDGET_VARBINDS)
        walk = TableWalk(columns, budget_varbinds=budget, bulk=bulk, rows_max=self._rows_max)
        deadline_ns = self._clock.mono_ns() + round(target.deadline_s * NS_PER_S)
        try:
            peer = await self._peer(target)
            while (ask := walk.request()) is not None:
                if self._clock.mono_ns() > deadline_ns:
                    raise _silent(target)
                try:
                    response = await self._ask(target, peer, Pdu.GET_BULK if bulk else Pdu.GET_NEXT, *ask)
                except (TimedOut, Malformed):
                    if not walk.shrink_after_silence():
                        raise
                else:
                    walk.receive(response)
        except BeketError as error:
            walk.stop(error)
        if walk.budget_varbinds != budget and len(self._budgets) < DEVICES_REMEMBERED_MAX:
            self._budgets[target.host, target.port] = walk.budget_varbinds
        return walk.result()

    async def _ask(
        self, target: Target, peer: _Peer, pdu: Pdu, names: Sequence[bytes], max_repetitions: int = 0
    ) -> Response:
        request_id = self._rng.getrandbits(30) | 0x4000_0000
        while request_id in self._questions:
            request_id = self._rng.getrandbits(30) | 0x4000_0000
        datagram = codec.encode_request(peer.head, pdu, request_id, names, max_repetitions)
        question = _Question(peer, datagram, target, self._loop.create_future())
        self._questions[request_id] = question
        try:
            self._attempt(question)
            return await question.answer
        except TimedOut:
            raise _silent(target) from None
        finally:
            del self._questions[request_id]
            if question.timer:
                question.timer.cancel()

    def _attempt(self, question: _Question) -> None:
        """Send once more, or give up; its own timer calls it again."""
        if question.answer.done():
            return
        if question.attempts_left == 0:
            question.answer.set_exception(TimedOut("no answer"))
            return
        question.attempts_left -= 1
        question.timer = self._loop.call_later(question.timeout_s, self._attempt, question)
        sock, address, _ = question.peer
        try:
            sock.sendto(question.datagram, address)
        except BlockingIOError:
            return  # the send buffer is full: as good as lost on the way, the timer repeats it
        except OSError:
            # With IP_RECVERR an earlier failure, perhaps of another device, surfaces here: hear it out, then try again.
            self._hear_errors(sock)
            self._send_after_error(question)

    def _send_after_error(self, question: _Question) -> None:
        sock, address, _ = question.peer
        try:
            sock.sendto(question.datagram, address)
        except BlockingIOError:
            return
        except OSError as error:
            if not question.answer.done():
                question.answer.set_exception(_nobody_there(address, error))

    def _read(self, sock: socket.socket) -> None:
        for turn in range(DRAIN_MAX):
            try:
                data, address = sock.recvfrom(DATAGRAM_MAX_BYTES)
            except BlockingIOError:
                if turn == 0:
                    self._hear_errors(sock)  # readable, yet nothing to read: only the error queue is left
                return
            except OSError:
                self._hear_errors(sock)
                continue
            self._receive(data, address)

    def _receive(self, data: bytes, address: Address) -> None:
        error: Malformed | None = None
        response = None
        try:
            response = codec.decode_response(data)
            request_id: int | None = response.request_id
        except Malformed as malformed:
            self._on_odd("malformed")
            error, request_id = malformed, malformed.request_id
        question = self._questions.get(request_id) if request_id is not None else None
        if question is None or question.answer.done():
            if response is not None:
                self._on_odd("late")
            return
        if address[0] != question.peer.address[0]:
            self._on_odd("other-host")
            return
        if address[1] != question.peer.address[1]:
            self._on_odd("other-port")
        if response is not None:
            question.answer.set_result(response)
        elif error is not None:
            question.answer.set_exception(error)

    def _hear_errors(self, sock: socket.socket) -> None:
        """Fail the questions to addresses of which the network reported that nobody is there."""
        for _ in range(DRAIN_MAX):
            try:
                _, _, _, address = sock.recvmsg(0, 0, _MSG_ERRQUEUE)
            except OSError:
                return
            for question in self._questions.values():
                if question.peer.address[:2] == address[:2] and not question.answer.done():
                    question.answer.set_exception(_nobody_there(address))

    async def _peer(self, target: Target) -> _Peer:
        try:
            try:
                found = socket.getaddrinfo(
                    target.host, target.port, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST
                )
            except socket.gaierror:  # a name: ask the resolver, off the loop
                found = await self._loop.getaddrinfo(target.host, target.port, type=socket.SOCK_DGRAM)
        except (OSError, UnicodeError) as error:
            raise Unreachable(
                say("Немає такої адреси: {host}.", "There is no such address: {host}.", host=target.host),
                subject=target.host,
                hint=say("Перевірте адресу пристрою.", "Check the device's address."),
            ) from error
        family, _, _, _, address = found[0]
        head = codec.message_head(target.version, target.community.reveal().encode())
        return _Peer(self._socket(family), (str(address[0]), int(address[1])), head)

    def _socket(self, family: socket.AddressFamily) -> socket.socket:
        if family not in self._sockets:
            sock = socket.socket(family, socket.SOCK_DGRAM)
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
            with contextlib.suppress(OSError):  # not Linux: a dead port then costs its time-out
                sock.setsockopt(*_RECVERR[family], 1)
            self._loop.add_reader(sock, self._read, sock)
            self._sockets[family] = sock
        return self._sockets[family]


def _silent(target: Target) -> TimedOut:
    return TimedOut(
        say("Пристрій не відповідає на запити SNMP.", "The device does not answer SNMP."),
        subject=target.host,
        hint=say(
            "Перевірте, чи ввімкнено на ньому SNMP і чи правильний пароль читання (community).",
            "Check that SNMP is on there and that the read community is right.",
        ),
    )


def _nobody_there(address: Address, error: OSError | None = None) -> Unreachable:
    why = f" ({error.strerror})" if error and error.strerror else ""
    return Unreachable(
        say(
            "За адресою {host} порт {port} ніхто не слухає{why}.",
            "Nobody listens at {host} port {port}{why}.",
            host=address[0],
            port=address[1],
            why=why,
        ),
        subject=address[0],
    )
