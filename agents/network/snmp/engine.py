"""Owns the asking of SNMP devices over UDP: one socket per address family for all devices, on the loop that made it.

Answers find their question by request id. A repeat keeps its id, so a late answer to the first attempt counts. An
answer from another port of the same host is taken (gear behind NAT does that), one from another host never; both, and
answers nobody waits for, are counted through `on_odd`. Where Linux tells that nobody listens (IP_RECVERR), the question
fails at once instead of timing out. Bytes are `codec`'s and `usm`'s, the course of a walk is `table_walk`'s.
Notes: agents/design/0015-snmp-hot-path.md, agents/design/0030-snmpv3.md.
"""

import asyncio
import contextlib
import dataclasses
import os
import random
import socket
from collections.abc import Callable, Sequence
from typing import NamedTuple

from agents.network.snmp import codec, course, usm
from agents.network.snmp.bulk_memory import BulkMemory
from agents.network.snmp.codec import Head, Malformed, Pdu, Version
from agents.network.snmp.credentials import V3User
from agents.network.snmp.everything import Everything, read_everything
from agents.network.snmp.port import Scalars, SilentToUser, Target, TooLate, Walk
from agents.network.snmp.table_walk import ROWS_MAX
from agents.network.snmp.usm import Envelope, Refused, Report, Reported, Session, Untrusted
from beket.kernel.clock import Clock
from beket.kernel.errors import BeketError, InvalidArgument, TimedOut, Unauthenticated, Unreachable
from beket.kernel.text import say

DATAGRAM_MAX_BYTES = 65_535
RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
# Datagrams taken in one turn of the loop, so that a flood cannot hold it.
DRAIN_MAX = 256
DEVICES_REMEMBERED_MAX = 10_000
# Questions that one v3 question may become: for the engine, its clock, once more each if they change under us.
V3_ROUNDS_MAX = 5

# linux/in.h, linux/in6.h, linux/socket.h: not in Python's socket module.
_RECVERR = {socket.AF_INET: (socket.IPPROTO_IP, 11), socket.AF_INET6: (socket.IPPROTO_IPV6, 25)}
_MSG_ERRQUEUE = 0x2000

Address = tuple[str, int]


class _Peer(NamedTuple):
    socket: socket.socket
    address: Address
    head: bytes
    session: Session | None


class _Question:
    """A request in flight; `is_doubted` once an answer came that need not be the device's."""

    __slots__ = ("answer", "attempts_left", "datagram", "due_s", "is_doubted", "peer", "timeout_s")

    def __init__(self, peer: _Peer, datagram: bytes, target: Target, answer: "asyncio.Future[Head]") -> None:
        self.peer = peer
        self.datagram = datagram
        self.attempts_left = target.attempts
        self.timeout_s = target.timeout_s
        self.answer = answer
        self.due_s = 0.0
        self.is_doubted = False


class UdpEngine:
    """Our back end of `port.SnmpPort`. Make it on the loop that uses it; `close` it at the end."""

    def __init__(
        self,
        *,
        clock: Clock,
        rng: random.Random,
        on_odd: Callable[[str], None] | None = None,
        rows_max: int = ROWS_MAX,
        memory: BulkMemory | None = None,
    ) -> None:
        """`memory` keeps how much each device bears at once.

        `on_odd` hears "late", "other-host", "other-port", "malformed" or "untrusted" for each such datagram.
        """
        self._clock = clock
        self._rng = rng
        self._on_odd = on_odd or (lambda _reason: None)
        self._rows_max = rows_max
        self._memory = memory or BulkMemory(clock)
        self._loop = asyncio.get_running_loop()
        self._sockets: dict[socket.AddressFamily, socket.socket] = {}
        self._questions: dict[int, _Question] = {}
        # One timer for all questions, at or before the earliest of them: arming one for each costs too much.
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due_s = 0.0
        self._sessions: dict[Address, Session] = {}
        self._strays: dict[str, bool] = {}

    def close(self) -> None:
        """Let go of the sockets; questions still in flight are cancelled."""
        if self._timer:
            self._timer.cancel()
        for sock in self._sockets.values():
            self._loop.remove_reader(sock)
            sock.close()
        self._sockets.clear()
        for question in list(self._questions.values()):
            question.answer.cancel()

    async def get(self, target: Target, names: Sequence[bytes]) -> Scalars:
        """See `SnmpPort.get`."""
        return await course.get(self._asking(target, await self._peer(target)), target, names, memory=self._memory)

    async def walk(self, target: Target, columns: Sequence[bytes]) -> Walk:
        """See `SnmpPort.walk`."""
        try:
            ask = self._asking(target, await self._peer(target))
        except BeketError as error:
            return Walk([{} for _ in columns], error)
        return await course.walk(ask, target, columns, memory=self._memory, clock=self._clock, rows_max=self._rows_max)

    async def everything(self, target: Target, root: bytes) -> Everything:
        """All that the device answers under `root`; failures are in the result, never raised."""
        try:
            ask = self._asking(target, await self._peer(target))
        except BeketError as error:
            return Everything(error=error)
        return await read_everything(ask, target, root)

    async def silence(self, target: Target) -> TimedOut:
        """The right word for a v3 device that left another back end's question unanswered.

        Raises:
            Unreachable: there is no such address.
        """
        peer = await self._peer(dataclasses.replace(target, user=V3User("")))
        assert peer.session
        peer.session.forget()
        has_spoken = await self._tells_its_engine(target, peer, peer.session)
        return (_silent_to_user if has_spoken else _silent)(target)

    def _asking(self, target: Target, peer: _Peer) -> course.Ask:
        async def ask(pdu: Pdu, names: Sequence[bytes], max_repetitions: int) -> Head:
            return await self._ask(target, peer, pdu, names, max_repetitions)

        return ask

    async def _ask(
        self, target: Target, peer: _Peer, pdu: Pdu, names: Sequence[bytes], max_repetitions: int = 0
    ) -> Head:
        if peer.session:
            return await self._ask_v3(target, peer, peer.session, pdu, names, max_repetitions)
        request_id = self._free_id()
        datagram = codec.encode_request(peer.head, pdu, request_id, names, max_repetitions)
        return await self._answer(target, peer, request_id, datagram)

    async def _ask_v3(
        self, target: Target, peer: _Peer, session: Session, pdu: Pdu, names: Sequence[bytes], max_repetitions: int
    ) -> Head:
        report = Report.OTHER
        has_spoken = False
        for _ in range(V3_ROUNDS_MAX):
            was_known = bool(session.engine_id)
            request_id = self._free_id()
            datagram = session.seal(request_id, codec.encode_pdu(pdu, request_id, names, max_repetitions))
            try:
                return await self._answer(target, peer, request_id, datagram)
            except Reported as reported:
                has_spoken, report = True, reported.report
                if not session.learn(reported):
                    session.forget()
                    raise Refused(report, target.host) from None
            except TimedOut:
                session.forget()
                if has_spoken:
                    raise _silent_to_user(target) from None
                if not was_known:
                    raise
                # Silent for good, or only to what it knew us by: its engine may have changed, or the user's password.
                has_spoken = await self._tells_its_engine(target, peer, session)
                raise (_silent_to_user if has_spoken else _silent)(target) from None
        raise Refused(report, target.host)

    async def _tells_its_engine(self, target: Target, peer: _Peer, session: Session) -> bool:
        request_id = self._free_id()
        try:
            once = dataclasses.replace(target, attempts=1)
            await self._answer(once, peer, request_id, session.seal(request_id, b""))
        except Reported as reported:
            return session.learn(reported)
        except BeketError:
            return False
        return False

    def _free_id(self) -> int:
        request_id = self._rng.getrandbits(30) | 0x4000_0000
        while request_id in self._questions:
            request_id = self._rng.getrandbits(30) | 0x4000_0000
        return request_id

    async def _answer(self, target: Target, peer: _Peer, request_id: int, datagram: bytes) -> Head:
        """Send a question and wait for what answers it, repeating as the target says."""
        question = _Question(peer, datagram, target, self._loop.create_future())
        self._questions[request_id] = question
        try:
            self._attempt(question)
            return await question.answer
        except TimedOut:
            if question.is_doubted:
                raise _doubtful(target) from None
            if self._strays.pop(peer.address[0], False):
                raise _too_late(target) from None
            raise _silent(target) from None
        finally:
            del self._questions[request_id]

    def _attempt(self, question: _Question) -> None:
        """Send once more, or give up; `_sweep` calls it again when its time is over."""
        if question.answer.done():
            return
        if question.attempts_left == 0:
            question.answer.set_exception(TimedOut("no answer"))
            return
        question.attempts_left -= 1
        question.due_s = self._loop.time() + question.timeout_s
        self._wake_at(question.due_s)
        sock, address = question.peer.socket, question.peer.address
        try:
            sock.sendto(question.datagram, address)
        except BlockingIOError:
            return  # the send buffer is full: as good as lost on the way, the timer repeats it
        except OSError:
            # With IP_RECVERR an earlier failure, perhaps of another device, surfaces here: hear it out, then try again.
            self._hear_errors(sock)
            self._send_after_error(question)

    def _wake_at(self, due_s: float) -> None:
        if self._timer is None or due_s < self._timer_due_s:
            if self._timer:
                self._timer.cancel()
            self._timer_due_s = due_s
            self._timer = self._loop.call_at(due_s, self._sweep)

    def _sweep(self) -> None:
        """Repeat or give up the questions whose time is over, then sleep until the next one's."""
        self._timer = None
        now_s = self._loop.time()
        for question in list(self._questions.values()):
            if question.due_s <= now_s:
                self._attempt(question)
            elif not question.answer.done():
                self._wake_at(question.due_s)

    def _send_after_error(self, question: _Question) -> None:
        sock, address = question.peer.socket, question.peer.address
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
        message: Head | Envelope | None = None
        try:
            message = usm.read_envelope(data) if usm.is_v3(data) else codec.read_head(data)
            request_id = message.message_id if isinstance(message, Envelope) else message.request_id
        except Malformed as malformed:
            self._on_odd("malformed")
            error, request_id = malformed, malformed.request_id or 0
        question = self._questions.get(request_id)
        if question is None or question.answer.done():
            if message is not None:
                self._on_odd("late")
            self._note_stray(address[0])
            return
        if address[0] != question.peer.address[0]:
            self._on_odd("other-host")
            return
        if address[1] != question.peer.address[1]:
            self._on_odd("other-port")
        if error is not None:
            question.answer.set_exception(error)
        elif message is not None:
            self._take(question, message)

    def _note_stray(self, host: str) -> None:
        """Remember, until a question to it stays unanswered, that something came from there: it is alive."""
        self._strays[host] = True
        if len(self._strays) > DEVICES_REMEMBERED_MAX:
            self._strays.pop(next(iter(self._strays)))

    def _take(self, question: _Question, message: Head | Envelope) -> None:
        session = question.peer.session
        try:
            if isinstance(message, Envelope):
                if session is None:
                    raise Untrusted("v3 where another version was asked")
                message = session.open(message)
            elif session is not None:
                raise Untrusted("v1 or v2c where v3 was asked")
            question.answer.set_result(message)
        except Untrusted:
            self._on_odd("untrusted")
            question.is_doubted = True
        except Malformed as malformed:
            self._on_odd("malformed")
            question.answer.set_exception(malformed)
        except Reported as reported:
            question.answer.set_exception(reported)

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
        family, _, _, _, found_address = found[0]
        address = (str(found_address[0]), int(found_address[1]))
        if target.version is Version.V3:
            return _Peer(self._socket(family), address, b"", self._session(target, address))
        head = codec.message_head(target.version, target.community.reveal().encode())
        return _Peer(self._socket(family), address, head, None)

    def _session(self, target: Target, address: Address) -> Session:
        if target.user is None or not usm.speaks(target.user):
            raise _no_user(target)
        session = self._sessions.get(address)
        if session is None or session.user != target.user:
            session = Session(target.user, self._clock, salt=int.from_bytes(os.urandom(8)))
            if len(self._sessions) >= DEVICES_REMEMBERED_MAX:
                self._sessions.pop(next(iter(self._sessions)))
            self._sessions[address] = session
        return session

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
    hint = say(
        "Перевірте, чи ввімкнено на ньому SNMP і чи правильний пароль читання (community).",
        "Check that SNMP is on there and that the read community is right.",
    )
    if target.version is Version.V3:
        hint = say("Перевірте, чи ввімкнено на ньому SNMPv3.", "Check that SNMPv3 is on there.")
    return TimedOut(
        say("Пристрій не відповідає на запити SNMP.", "The device does not answer SNMP."),
        subject=target.host,
        hint=hint,
    )


def _too_late(target: Target) -> TooLate:
    return TooLate(
        say(
            "Пристрій живий, але на запити SNMP відповідає запізно або не на те, що спитали.",
            "The device is alive, but answers SNMP too late, or something that was not asked.",
        ),
        subject=target.host,
        hint=say(
            "Перевірте зв'язок із ним; якщо він добрий, збільште timeout_s у розділі [network].",
            "Check the line to it; if that is good, raise timeout_s in the section [network].",
        ),
    )


def _silent_to_user(target: Target) -> SilentToUser:
    return SilentToUser(
        say(
            "Пристрій відгукується за SNMPv3, але на запити нашого користувача мовчить.",
            "The device reacts to SNMPv3, but is silent to what our user asks.",
        ),
        subject=target.host,
        hint=say(
            "Перевірте «priv_password», «priv» і «context» у файлі секрету: усе має бути як на пристрої.",
            "Check “priv_password”, “priv” and “context” in the secret file: all must be as on the device.",
        ),
    )


def _doubtful(target: Target) -> BeketError:
    return Unauthenticated(
        say(
            "На запити відповідає хтось, хто не може довести, що він — цей пристрій.",
            "Somebody answers who cannot prove to be this device.",
        ),
        subject=target.host,
        hint=say(
            "Перевірте файл секрету й чи немає в мережі двох пристроїв з однією адресою.",
            "Check the secret file, and that no two devices share this address.",
        ),
    )


def _no_user(target: Target) -> InvalidArgument:
    return InvalidArgument(
        say(
            "Для SNMPv3 потрібен користувач зі способами SHA і AES-128.",
            "SNMPv3 needs a user with SHA and AES-128.",
        ),
        subject=target.host,
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
