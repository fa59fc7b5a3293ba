"""Puts the relay to the police together: the RTSP server on a named interface, and the door that access keeps."""

import asyncio
import functools
import ipaddress
import random
from collections.abc import Awaitable

import psutil

from beket.access.permit import Actor
from beket.access.relay_passwords import RelayAccount
from beket.access.roles import Role
from beket.access.store import AccessStore
from beket.app.looks import LiveLook
from beket.kernel.clock import Clock
from beket.kernel.errors import Forbidden, InvalidConfig, Unauthenticated
from beket.kernel.ids import CameraId
from beket.kernel.ports import InventoryView
from beket.kernel.supervise import keep_running
from beket.kernel.text import say
from beket.media.rtsp.digest import Ha1
from vms.live.hub import Hub
from vms.relay.config import RelayConfig
from vms.relay.relay import Relay

# How soon a new relay password opens, and an old one no longer does.
ACCOUNTS_EVERY_S = 2


class PoliceDoor:
    """A `vms.relay.relay.Door`: relay passwords by login, grants by `permit`, looks in the journal."""

    def __init__(self, access: AccessStore, inventory: InventoryView) -> None:
        self._access = access
        self._inventory = inventory
        self._accounts: dict[str, RelayAccount] = {}

    def refresh(self) -> None:
        """Read again whom the relay knows. Blocking."""
        self._accounts = self._access.relay_passwords.accounts()

    def password_of(self, login: str) -> Ha1 | None:
        """See `Door.password_of`."""
        account = self._accounts.get(login)
        return None if account is None else Ha1(account.md5, account.sha256)

    def enter(self, login: str, camera: CameraId) -> LiveLook:
        """See `Door.enter`."""
        return LiveLook(
            self._access,
            self._inventory,
            camera=camera,
            actor=functools.partial(self._actor, login, self._accounts.get(login)),
            via="relay",
        )

    def _actor(self, login: str, proved: RelayAccount | None) -> Actor:
        if proved is None or self._access.relay_passwords.accounts().get(login) != proved:
            raise Unauthenticated(
                say("Пароль ретранслятора змінено.", "The relay password has changed."), subject=login[:80]
            )
        actor = self._access.users.actor(proved.user)
        if actor.role is not Role.POLICE:
            raise Forbidden(say("Ретранслятор — лише для поліції.", "The relay is for the police only."))
        return actor


def relay_units(
    config: RelayConfig, access: AccessStore, inventory: InventoryView, hub: Hub, *, clock: Clock, rng: random.Random
) -> dict[str, Awaitable[None]]:
    """What runs beside the centre's servers; nothing when the relay is off.

    Raises:
        InvalidConfig: there is no such interface, or it is open to the world.
    """
    if not config.enabled:
        return {}
    door = PoliceDoor(access, inventory)
    relay = Relay(hub, door, host=address_of(config.interface), port=config.port, clock=clock)
    supervised = functools.partial(keep_running, clock=clock, rng=rng)
    return {
        "relay": supervised("relay", relay.run),
        "relay accounts": supervised("relay accounts", functools.partial(_refresh, door, clock=clock)),
    }


def address_of(interface: str) -> str:
    """The IPv4 address of a network interface, on which plain RTSP may be spoken.

    Raises:
        InvalidConfig: there is no such interface, or its address is public: RTSP is not encrypted.
    """
    found = psutil.net_if_addrs()
    addresses = [ipaddress.ip_address(one.address) for one in found.get(interface, []) if _is_ipv4(one.address)]
    if not addresses:
        raise InvalidConfig(
            say("Немає мережевого інтерфейсу «{name}».", "There is no network interface “{name}”.", name=interface),
            subject="relay.interface",
            hint=say("Є такі: {names}.", "There are: {names}.", names=", ".join(sorted(found))),
        )
    if not addresses[0].is_private:
        raise InvalidConfig(
            say("Цей інтерфейс видно з інтернету.", "This interface is open to the internet."),
            subject="relay.interface",
            hint=say("RTSP не шифрується: назвіть інтерфейс VPN.", "RTSP is not encrypted: name a VPN interface."),
        )
    return str(addresses[0])


def _is_ipv4(address: str) -> bool:
    try:
        ipaddress.IPv4Address(address)
    except ValueError:
        return False
    return True


async def _refresh(door: PoliceDoor, *, clock: Clock) -> None:
    while True:
        await asyncio.to_thread(door.refresh)
        await clock.sleep(ACCOUNTS_EVERY_S)
