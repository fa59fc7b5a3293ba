"""Owns the receiving end of SNMP notifications: traps of v1, v2c and v3, and informs, which it acknowledges.

pysnmp does it: it is loaded when somebody listens, off the loop. What is heard is a hint that something changed at an
address, never a fact: UDP is easily forged, and a community read by anybody on the way. So the caller asks the device
itself. Note: agents/design/0037-traps.md.
"""

import asyncio
import importlib
from collections.abc import Callable, Collection
from typing import Any

from agents.network.snmp.credentials import V3User
from agents.network.snmp.pysnmp_backend import AUTH_NAMES, PRIV_NAMES
from beket.kernel.errors import InvalidConfig
from beket.kernel.secrets import Secret
from beket.kernel.text import say

Heard = Callable[[str], bool]
_SEQUENCE = b"\x30"  # what every SNMP message begins with


class NotificationReceiver:
    """Listens on one address. Make it on the loop that uses it; `close` it at the end."""

    def __init__(self, host: str, port: int, on_heard: Heard) -> None:
        """`on_heard` gets the sender's address, on the loop, for whatever looks like an SNMP message.

        It says whether the message is worth reading, which costs a millisecond: strangers and floods are not.
        """
        self._host = host
        self._port = port
        self._on_heard = on_heard
        self._engine: Any = None

    async def open(self, communities: Collection[Secret], users: Collection[V3User]) -> None:
        """Listen, and acknowledge informs of who knows a community or is a user; anew when called again.

        Raises:
            InvalidConfig: the address cannot be listened on.
        """
        self.close()
        names = ("engine", "config", "rfc3413.ntfrcv")
        engine_of, config, receivers = [
            await asyncio.to_thread(importlib.import_module, f"pysnmp.entity.{name}") for name in names
        ]
        from pysnmp.carrier.asyncio.dgram import udp, udp6  # type: ignore[import-untyped]
        from pysnmp.error import PySnmpError  # type: ignore[import-untyped]

        engine = engine_of.SnmpEngine()
        form, made = (udp6, udp6.Udp6Transport) if ":" in self._host else (udp, udp.UdpTransport)
        transport = _overheard(made, self._on_heard)()
        try:
            config.add_transport(engine, form.DOMAIN_NAME, transport.open_server_mode((self._host, self._port)))
            # pysnmp opens the socket in a task of its own.
            await transport._lport
        except (PySnmpError, OSError) as error:
            engine.close_dispatcher()
            raise _not_ours(self._host, self._port) from error
        for number, community in enumerate(communities):
            config.add_v1_system(engine, f"beket-{number}", community.reveal())
        for user in users:
            config.add_v3_user(
                engine,
                user.name,
                getattr(config, AUTH_NAMES[user.auth]),
                user.auth_password.reveal() if user.auth_password else None,
                getattr(config, PRIV_NAMES[user.priv]),
                user.priv_password.reveal() if user.priv_password else None,
            )
        # It acknowledges; what it decodes is of no use to us.
        receivers.NotificationReceiver(engine, lambda *_: None)
        self._engine = engine

    def close(self) -> None:
        """Let go of the socket."""
        if self._engine is not None:
            self._engine.close_dispatcher()
            self._engine = None


def _overheard(transport: Any, on_heard: Heard) -> Any:
    """A transport of pysnmp that tells who sent something, whether or not pysnmp can read it.

    A trap of v3 is signed with keys of the sender's engine, whose id nobody has told us: it cannot be read, and need
    not be.
    """

    class Overheard(transport):  # type: ignore[misc]
        def datagram_received(self, datagram: bytes, transport_address: tuple[Any, ...]) -> None:
            if datagram[:1] == _SEQUENCE and on_heard(str(transport_address[0])):
                super().datagram_received(datagram, transport_address)

    return Overheard


def _not_ours(host: str, port: int) -> InvalidConfig:
    return InvalidConfig(
        say(
            "Слухати повідомлення пристроїв на {host}:{port} не вдається.",
            "Notifications cannot be listened to on {host}:{port}.",
            host=host,
            port=port,
        ),
        subject="network.traps",
        hint=say(
            "Порт зайнятий, або бракує права на порти до 1024 (CAP_NET_BIND_SERVICE).",
            "The port is taken, or the right to ports below 1024 is missing (CAP_NET_BIND_SERVICE).",
        ),
    )
