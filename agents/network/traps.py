"""Owns what a device's notification means: a hint that it should be asked now instead of at its next beat.

Whatever comes from the address of a known device counts, readable or not; nothing in it is believed. So a forged trap
costs one early poll, no more often than the poller allows. Note: agents/design/0037-traps.md.
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence

from agents.network import metrics
from agents.network.device_poll import parse_address
from agents.network.snmp.credentials import V3User, parse_v3_user
from agents.network.snmp.notifications import NotificationReceiver
from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.errors import BeketError, InvalidArgument, InvalidConfig
from beket.kernel.ids import DeviceId, SiteId
from beket.kernel.inventory import Device
from beket.kernel.metrics import Instruments
from beket.kernel.secrets import Secret, SecretStore

log = logging.getLogger(__name__)

TRAP_PORT = 162
# More than a switch sends when all its ports fall; what is beyond is neither read nor acknowledged.
HEARD_PER_S = 20


class Traps:
    """Listens for one site's devices until cancelled."""

    def __init__(
        self,
        listen: str,
        *,
        site: SiteId,
        secrets: SecretStore,
        clock: Clock,
        instruments: Instruments,
        poll_soon: Callable[[DeviceId], None],
    ) -> None:
        """`listen`: address and port, 162 when it names none.

        Raises:
            InvalidConfig: it is no address.
        """
        try:
            host, port = parse_address(listen, TRAP_PORT)
        except InvalidArgument as error:
            raise InvalidConfig(error.message, subject="network.traps") from error
        self._receiver = NotificationReceiver(host, port, self._heard)
        self._site = site
        self._secrets = secrets
        self._clock = clock
        self._instruments = instruments
        self._poll_soon = poll_soon
        self._devices: Sequence[Device] = ()
        self._changed = asyncio.Event()
        self._at: dict[str, DeviceId] = {}
        self._second = 0
        self._in_second: dict[DeviceId, int] = {}

    def apply(self, devices: Sequence[Device]) -> None:
        """Listen for these from now on. Call it on the loop."""
        self._devices = devices
        self._changed.set()

    async def run(self) -> None:
        """Listen until cancelled.

        Raises:
            InvalidConfig: the address cannot be listened on.
        """
        try:
            while True:
                await self._changed.wait()
                self._changed.clear()
                devices = self._devices
                self._at = await asyncio.to_thread(_addresses, devices)
                await self._receiver.open(*self._credentials(devices))
        finally:
            self._receiver.close()

    def _credentials(self, devices: Sequence[Device]) -> tuple[list[Secret], list[V3User]]:
        communities, users = {"public": Secret("public")}, {}
        for device in devices:
            try:
                if device.snmp == "v3":
                    user = parse_v3_user(self._secrets.get(device.secret), device.secret)
                    users[user.name] = user
                elif device.secret:
                    community = self._secrets.get(device.secret)
                    communities[community.reveal()] = community
            except BeketError as error:  # polling tells it to people
                log.debug("%s: its informs will not be acknowledged: %s", device.id, error.sentence().en)
        return list(communities.values()), list(users.values())

    def _heard(self, host: str) -> bool:
        device = self._at.get(host.removeprefix("::ffff:"))
        if device is None:
            self._instruments.add(metrics.TRAPS_STRANGE, site=self._site)
            return False
        self._instruments.add(metrics.TRAPS_HEARD, site=self._site, device=device)
        self._poll_soon(device)
        second = self._clock.mono_ns() // NS_PER_S
        if second != self._second:
            self._second, self._in_second = second, {}
        self._in_second[device] = self._in_second.get(device, 0) + 1
        return self._in_second[device] <= HEARD_PER_S


def _addresses(devices: Sequence[Device]) -> dict[str, DeviceId]:
    """Each device by each address that its name has now. Blocks on names."""
    found: dict[str, DeviceId] = {}
    for device in devices:
        host, _ = parse_address(device.address)
        try:
            answers = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
        except (OSError, UnicodeError):
            continue
        found |= {str(address[0]): device.id for *_, address in answers}
    return found
