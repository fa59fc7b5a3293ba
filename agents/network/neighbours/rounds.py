"""Owns when neighbours are looked at: in rounds of all devices, far apart, and soon after something changed at one.

What changed is told by traps and by polls (a device came back, a port came up or went down). A look follows only after
the neighbours had time to say who they are, and no more often than the pace allows, whoever asks.
"""

import asyncio
import logging
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from agents.facts.messages import FactValue
from agents.network.device_poll import Reading, parse_address
from agents.network.metrics import PORT_UP
from agents.network.neighbours.look import Looker, Self, Thing
from agents.network.neighbours.telling import facts_of
from agents.network.snmp.port import Target
from beket.kernel.clock import NS_PER_S, Clock, is_set_within
from beket.kernel.errors import BeketError
from beket.kernel.ids import DeviceId
from beket.kernel.inventory import Camera, Device, Inventory
from beket.kernel.metrics import Labels

log = logging.getLogger(__name__)

# Device, source, facts, and whether these are all that the source has to say.
Tell = Callable[[DeviceId, str, Mapping[str, FactValue], bool], None]


@dataclass(frozen=True, slots=True)
class LookPace:
    """How often, and how much at once.

    Attributes:
        every_s: from one round to the next, give or take a tenth.
        settle_s: from a change to the look: LLDP speaks every 30 s.
        again_after_s: the least time between two looks at one device.
        at_once: devices looked at together.
    """

    every_s: float = 3600
    settle_s: float = 45
    again_after_s: float = 300
    at_once: int = 4


class Rounds:
    """Looks at the neighbours of one site's devices until cancelled. On one loop."""

    def __init__(
        self,
        *,
        looker: Looker,
        target_of: Callable[[Device], Target],
        tell: Tell,
        arp: Callable[[], Mapping[str, str]],
        clock: Clock,
        rng: random.Random,
        pace: LookPace | None = None,
    ) -> None:
        """`arp` gives hardware addresses by IP as this machine knows them; it may block."""
        self._looker = looker
        self._target_of = target_of
        self._tell = tell
        self._arp = arp
        self._clock = clock
        self._rng = rng
        self._pace = pace or LookPace()
        self._devices: dict[DeviceId, Device] = {}
        self._others: Sequence[Device] = ()
        self._cameras: Sequence[Camera] = ()
        self._due_ns: dict[DeviceId, int] = {}
        self._looked_ns: dict[DeviceId, int] = {}
        self._selves: dict[DeviceId, Self] = {}
        self._links: dict[DeviceId, frozenset[Labels]] = {}
        self._changed = asyncio.Event()

    def apply(self, inventory: Inventory) -> None:
        """Look at these from now on. Call it on the loop."""
        self._devices = {device.id: device for device in inventory.devices if device.snmp != "off"}
        self._others = [device for device in inventory.devices if device.snmp == "off"]
        self._cameras = inventory.cameras
        first_ns = self._clock.mono_ns() + self._ns(self._pace.settle_s)
        for gone in list(self._due_ns.keys() - self._devices.keys()):
            del self._due_ns[gone]
            self._looked_ns.pop(gone, None)
            self._selves.pop(gone, None)
            self._links.pop(gone, None)
        for new in self._devices.keys() - self._due_ns.keys():
            self._due_ns[new] = first_ns
        self._changed.set()

    def look_soon(self, device: DeviceId) -> None:
        """Something may have changed at `device`."""
        if device not in self._due_ns:
            return
        soon_ns = self._clock.mono_ns() + self._ns(self._pace.settle_s)
        if device in self._looked_ns:
            soon_ns = max(soon_ns, self._looked_ns[device] + self._ns(self._pace.again_after_s))
        if soon_ns < self._due_ns[device]:
            self._due_ns[device] = soon_ns
            self._changed.set()

    def heard(self, reading: Reading) -> None:
        """A poll came: when the device is back, or other ports are up than before, it is looked at soon."""
        device = reading.device.id
        if reading.is_up and reading.error is not None:
            return  # what did not come did not change
        links = frozenset(point.labels for point in reading.points if point.name == PORT_UP.name and point.value > 0)
        before = self._links.get(device, links)
        self._links[device] = links
        if links != before and reading.is_up:
            self.look_soon(device)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self._changed.clear()
            now_ns = self._clock.mono_ns()
            due = [id_ for id_, due_ns in self._due_ns.items() if due_ns <= now_ns]
            if due:
                await self.look([self._devices[id_] for id_ in due])
                continue
            next_ns = min(self._due_ns.values(), default=now_ns + self._ns(self._pace.every_s))
            await is_set_within(self._changed, (next_ns - now_ns) / NS_PER_S, clock=self._clock)

    async def look(self, devices: Sequence[Device]) -> None:
        """Look at these now: first what each says of itself, then, with all known addresses, at who is around."""
        again_s = self._pace.every_s * self._rng.uniform(0.9, 1.1)
        for device in devices:
            self._looked_ns[device.id] = self._clock.mono_ns()
            self._due_ns[device.id] = self._clock.mono_ns() + self._ns(again_s)
        turn = asyncio.Semaphore(self._pace.at_once)
        selves = await asyncio.gather(*(self._itself(device, turn) for device in devices))
        answered = [(device, itself) for device, itself in zip(devices, selves, strict=True) if itself is not None]
        for device, itself in answered:
            self._selves[device.id] = itself
        things = self._things(await asyncio.to_thread(self._arp))
        await asyncio.gather(*(self._around(device, itself, things, turn) for device, itself in answered))

    async def _itself(self, device: Device, turn: asyncio.Semaphore) -> Self | None:
        """None when the device is away or cannot be asked: polling tells people so."""
        async with turn:
            try:
                itself = await self._looker.itself(self._target_of(device))
            except BeketError as error:
                log.debug("%s: %s", device.id, error.sentence().en)
                return None
        return itself if itself.values or itself.error is None else None

    async def _around(self, device: Device, itself: Self, things: Mapping[str, Thing], turn: asyncio.Semaphore) -> None:
        async with turn:
            look = await self._looker.around(self._target_of(device), itself, things, device=device.id)
        for source, facts, is_whole in facts_of(look):
            self._tell(device.id, source, facts, is_whole)
        if look.missing:
            cut = ", ".join(f"{table} ({reason})" for table, reason in look.missing)
            log.info("%s: neighbours not read to the end: %s", device.id, cut)

    def _things(self, arp: Mapping[str, str]) -> dict[str, Thing]:
        """Whose hardware addresses are known; one that several claim belongs to none of them."""
        claims: dict[str, set[Thing]] = defaultdict(set)
        for id_, itself in self._selves.items():
            for mac in itself.macs():
                claims[mac].add(Thing("device", id_))
        things = {mac: next(iter(of)) for mac, of in claims.items() if len(of) == 1}
        heard: dict[str, set[Thing]] = defaultdict(set)
        for thing, host in self._hosts():
            if (mac := arp.get(host, "")) and mac not in claims:
                heard[mac].add(thing)
        return things | {mac: next(iter(of)) for mac, of in heard.items() if len(of) == 1}

    def _hosts(self) -> Iterable[tuple[Thing, str]]:
        for device in (*self._devices.values(), *self._others):
            yield Thing("device", device.id), parse_address(device.address)[0]
        for camera in self._cameras:
            yield Thing("camera", camera.id), _host_in(camera.url)

    def _ns(self, duration_s: float) -> int:
        return round(duration_s * NS_PER_S)


def _host_in(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
