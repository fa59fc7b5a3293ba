"""Owns the gate to pysnmp: the complete and slow back end of `port.SnmpPort`, for v3 users of older algorithms.

MD5, DES, 3DES, AES-192, AES-256 and whatever our engine does not speak. pysnmp is loaded with the first question, off
the loop; its values and errors become ours here. What is asked and when to stop is `course`'s, as for our own engine.
Note: agents/design/0030-snmpv3.md.
"""

import asyncio
import importlib
from collections.abc import Sequence
from typing import Any

from agents.network.snmp import ber, codec, course
from agents.network.snmp.bulk_memory import BulkMemory
from agents.network.snmp.codec import Pdu, Response, Varbind
from agents.network.snmp.credentials import Auth, Priv, V3User
from agents.network.snmp.everything import Everything, read_everything
from agents.network.snmp.oid import format_oid, parse_oid
from agents.network.snmp.port import Scalars, Target, Walk
from agents.network.snmp.usm import Refused, Report
from beket.kernel.clock import Clock
from beket.kernel.errors import BeketError, InvalidArgument, ProtocolError, TimedOut, Unreachable
from beket.kernel.text import say

USERS_REMEMBERED_MAX = 64
_LIBRARY = "pysnmp.hlapi.v3arch.asyncio"

AUTH_NAMES = {
    Auth.NONE: "USM_AUTH_NONE",
    Auth.MD5: "USM_AUTH_HMAC96_MD5",
    Auth.SHA1: "USM_AUTH_HMAC96_SHA",
    Auth.SHA224: "USM_AUTH_HMAC128_SHA224",
    Auth.SHA256: "USM_AUTH_HMAC192_SHA256",
    Auth.SHA384: "USM_AUTH_HMAC256_SHA384",
    Auth.SHA512: "USM_AUTH_HMAC384_SHA512",
}
PRIV_NAMES = {
    Priv.NONE: "USM_PRIV_NONE",
    Priv.DES: "USM_PRIV_CBC56_DES",
    Priv.TRIPLE_DES: "USM_PRIV_CBC168_3DES",
    Priv.AES128: "USM_PRIV_CFB128_AES",
    Priv.AES192: "USM_PRIV_CFB192_AES_BLUMENTHAL",
    Priv.AES256: "USM_PRIV_CFB256_AES_BLUMENTHAL",
    Priv.AES192_CISCO: "USM_PRIV_CFB192_AES",
    Priv.AES256_CISCO: "USM_PRIV_CFB256_AES",
}
# pysnmp's words for what a device reports, by class.
_REPORTS = {
    "UnsupportedSecurityLevel": Report.UNSUPPORTED_LEVEL,
    "NotInTimeWindow": Report.NOT_IN_TIME_WINDOW,
    "UnknownUserName": Report.UNKNOWN_USER,
    "UnknownSecurityName": Report.UNKNOWN_USER,
    "UnknownEngineID": Report.UNKNOWN_ENGINE,
    "WrongDigest": Report.WRONG_DIGEST,
    "AuthenticationFailure": Report.WRONG_DIGEST,
    "DecryptionError": Report.DECRYPTION,
    "UnknownContextName": Report.UNKNOWN_CONTEXT,
    "UnavailableContext": Report.UNKNOWN_CONTEXT,
}
_TAGS = {
    "Integer": ber.TAG_INTEGER,
    "Integer32": ber.TAG_INTEGER,
    "Counter32": codec.TAG_COUNTER32,
    "Gauge32": codec.TAG_GAUGE32,
    "Unsigned32": codec.TAG_GAUGE32,
    "TimeTicks": codec.TAG_TIMETICKS,
    "Counter64": codec.TAG_COUNTER64,
    "NoSuchObject": codec.TAG_NO_SUCH_OBJECT,
    "NoSuchInstance": codec.TAG_NO_SUCH_INSTANCE,
    "EndOfMibView": codec.TAG_END_OF_MIB_VIEW,
}


class PysnmpBackend:
    """A back end of `port.SnmpPort` for v3. Make it on the loop that uses it; `close` it at the end."""

    def __init__(self, *, clock: Clock, memory: BulkMemory | None = None) -> None:
        self._clock = clock
        self._memory = memory or BulkMemory(clock)
        # pysnmp keeps users by name alone, so each user of ours has an engine of its own.
        self._engines: list[tuple[V3User, Any]] = []
        self._library: Any = None

    def close(self) -> None:
        """Let go of the sockets."""
        for _, engine in self._engines:
            engine.close_dispatcher()
        self._engines.clear()

    async def get(self, target: Target, names: Sequence[bytes]) -> Scalars:
        """See `SnmpPort.get`."""
        return await course.get(await self._asking(target), target, names, memory=self._memory)

    async def walk(self, target: Target, columns: Sequence[bytes]) -> Walk:
        """See `SnmpPort.walk`."""
        try:
            ask = await self._asking(target)
        except BeketError as error:
            return Walk([{} for _ in columns], error)
        return await course.walk(ask, target, columns, memory=self._memory, clock=self._clock)

    async def everything(self, target: Target, root: bytes) -> Everything:
        """All that the device answers under `root`; failures are in the result, never raised."""
        try:
            ask = await self._asking(target)
        except BeketError as error:
            return Everything(error=error)
        return await read_everything(ask, target, root)

    async def _asking(self, target: Target) -> course.Ask:
        if target.user is None:
            raise InvalidArgument(say("Для SNMPv3 потрібен користувач.", "SNMPv3 needs a user."), subject=target.host)
        api = self._library = self._library or await asyncio.to_thread(importlib.import_module, _LIBRARY)
        from pysnmp.error import PySnmpError  # type: ignore[import-untyped]

        engine, user = self._engine(target.user), _user(api, target.user)
        context = api.ContextData(contextName=target.user.context.encode())
        form = api.Udp6TransportTarget if ":" in target.host else api.UdpTransportTarget
        try:
            transport = await form.create(
                (target.host, target.port), timeout=target.timeout_s, retries=target.attempts - 1
            )
        except PySnmpError as error:
            raise Unreachable(
                say("Немає такої адреси: {host}.", "There is no such address: {host}.", host=target.host),
                subject=target.host,
            ) from error

        async def ask(pdu: Pdu, names: Sequence[bytes], max_repetitions: int) -> Response:
            things = [api.ObjectType(api.ObjectIdentity(format_oid(name))) for name in names]
            numbers = (0, max_repetitions) if pdu is Pdu.GET_BULK else ()
            command = api.bulk_cmd if pdu is Pdu.GET_BULK else api.get_cmd
            try:
                problem, status, index, found = await command(
                    engine, user, transport, context, *numbers, *things, lookupMib=False
                )
            except PySnmpError as error:
                raise _misunderstood(error, target.host) from error
            if problem:
                raise _error(problem, target.host)
            return Response(0, int(status), int(index), [_varbind(name, value) for name, value in found])

        return ask

    def _engine(self, user: V3User) -> Any:
        for known, engine in self._engines:
            if known == user:
                return engine
        if len(self._engines) >= USERS_REMEMBERED_MAX:
            self._engines.pop(0)[1].close_dispatcher()
        engine = self._library.SnmpEngine()
        self._engines.append((user, engine))
        return engine


def _user(api: Any, user: V3User) -> Any:
    return api.UsmUserData(
        user.name,
        authKey=user.auth_password.reveal() if user.auth_password else None,
        privKey=user.priv_password.reveal() if user.priv_password else None,
        authProtocol=getattr(api, AUTH_NAMES[user.auth]),
        privProtocol=getattr(api, PRIV_NAMES[user.priv]),
    )


def _varbind(name: Any, value: Any) -> Varbind:
    raw = parse_oid(str(name))
    kind = type(value).__name__
    tag = _TAGS.get(kind)
    if tag is None:
        if kind in ("ObjectIdentifier", "ObjectName", "ObjectIdentity"):
            return raw, ber.TAG_OID, parse_oid(str(value))
        return raw, ber.TAG_OCTETS, value.asOctets() if hasattr(value, "asOctets") else None
    if kind in ("NoSuchObject", "NoSuchInstance", "EndOfMibView"):
        return raw, tag, None
    return raw, tag, int(value)


def _error(problem: Any, host: str) -> BeketError:
    kinds = [kind.__name__ for kind in type(problem).__mro__]
    if "RequestTimedOut" in kinds:
        return TimedOut(
            say("Пристрій не відповідає на запити SNMP.", "The device does not answer SNMP."),
            subject=host,
            hint=say("Перевірте, чи ввімкнено на ньому SNMPv3.", "Check that SNMPv3 is on there."),
        )
    for kind in kinds:
        if kind in _REPORTS:
            return Refused(_REPORTS[kind], host)
    return _misunderstood(problem, host)


def _misunderstood(problem: object, host: str) -> ProtocolError:
    return ProtocolError(
        say(
            "Відповідь SNMP незрозуміла: {why}.",
            "The SNMP answer is malformed: {why}.",
            why=type(problem).__name__,
        ),
        subject=host,
    )
