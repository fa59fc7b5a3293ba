"""Owns the simulated community: what it has, as values, and a running copy of it with a light switch for each site.

Given a `SimulatedCommunity`, gives the inventory that a real community would have typed in, and starts cameras and gear
at those very addresses. Each thing has a loopback address of its own, as on a real network: `127.20.<site>.<number>`.
Facts are of Mohyliv's public strategy; people appear as roles. All on one event loop, but for the cameras' worker.
"""

import asyncio
import secrets
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from beket.kernel.clock import Clock
from beket.kernel.ids import CameraId, CommunityId, DeviceId, SiteId
from beket.kernel.inventory import Camera, Community, Device, DeviceKind, Inventory
from beket.kernel.secrets import Secret
from beket.sim import gear, mikrotik, office
from beket.sim.camera import PATH, Login, SimulatedCamera, SimulatedCameras
from beket.sim.lldp import Peer
from beket.sim.power import Power, Supply
from beket.sim.router_settings import RouterSettings
from beket.sim.scene import Daylight, Scene
from beket.sim.services import SimulatedServices, services_of
from beket.sim.shell_access import LOGIN, ShellAccess, new_access
from beket.sim.snmp_agent import Mib, SnmpAgent
from beket.sim.specs import CameraSpec, GearSpec, PortSpec, SimulatedCommunity, SiteSpec
from beket.sim.traffic import VillageTraffic

if TYPE_CHECKING:
    from beket.sim.shell_server import ShellServer

NETWORK = "127.20"
RTSP_PORT = 8554
SNMP_PORT = 1161
SSH_PORT = 2022
FIRST_CAMERA_NUMBER = 101
_OF_ONE_PORT = {
    DeviceKind.PRINTER: office.printer,
    DeviceKind.ACCESS_POINT: office.access_point,
    DeviceKind.RADIO_LINK: office.radio_bridge,
}


def inventory(
    community: SimulatedCommunity, *, version: int = 1, shells: Mapping[DeviceId, ShellAccess] = MappingProxyType({})
) -> Inventory:
    """The inventory of `community` with the addresses at which `Simulation` puts it; `shells` as given there."""
    devices, cameras = [], []
    for number, spec in enumerate(community.sites, start=1):
        for thing, host in zip(spec.gear, _gear_hosts(number), strict=False):
            devices.append(_device(thing, spec, host, shells.get(DeviceId(thing.id))))
        cameras += [_camera(c, spec, host) for c, host in zip(spec.cameras, _camera_hosts(number), strict=False)]
    return Inventory(
        version=version,
        community=Community(id=CommunityId(community.id), name=community.name),
        sites=tuple(spec.site for spec in community.sites),
        devices=tuple(devices),
        cameras=tuple(cameras),
        services=tuple(services_of([spec.site.id for spec in community.sites], cameras[0])),
    )


def new_logins(community: SimulatedCommunity) -> dict[str, Secret]:
    """A fresh `login:password` for each camera that asks for one, by the name of its secret."""
    names = [camera.secret for spec in community.sites for camera in spec.cameras if camera.secret]
    return {name: Secret(f"beket:{secrets.token_urlsafe(12)}") for name in names}


def new_shells(
    community: SimulatedCommunity, host_keys: Mapping[DeviceId, Secret] = MappingProxyType({})
) -> dict[DeviceId, ShellAccess]:
    """A way into each device that has a command line; `host_keys` are those that devices had before."""
    gear = [DeviceId(thing.id) for spec in community.sites for thing in spec.gear if thing.shell]
    return {device: new_access(host_keys.get(device)) for device in gear}


class Simulation:
    """A community that runs.

    Args:
        logins: as `new_logins` gives them.
        shells: as `new_shells` gives them; a device that is not among them has no command line.
        daylight: "by-clock" makes it night in the pictures when it is in Kyiv.
    """

    def __init__(
        self,
        community: SimulatedCommunity,
        *,
        clock: Clock,
        logins: Mapping[str, Secret],
        shells: Mapping[DeviceId, ShellAccess] = MappingProxyType({}),
        daylight: Daylight = "by-clock",
    ) -> None:
        self.cameras: dict[CameraId, SimulatedCamera] = {}
        self._power: dict[SiteId, Power] = {}
        self.agents: dict[DeviceId, SnmpAgent] = {}
        self._hosts: dict[DeviceId, str] = {}
        self._shells: list[tuple[str, ShellAccess, RouterSettings, Callable[[], bool]]] = []
        self._access = shells
        self._clock = clock
        for number, spec in enumerate(community.sites, start=1):
            self._build_site(number, spec, logins, daylight)
        self._all_cameras = SimulatedCameras(list(self.cameras.values()))
        self._services = SimulatedServices(clock)
        self._gear_serves = asyncio.Event()

    def switch_off(self, site: SiteId) -> None:
        """Blackout at `site`: its UPS takes over, and what has none falls silent.

        Raises:
            KeyError: no such site here.
        """
        self._power[site].switch_off()

    def switch_on(self, site: SiteId) -> None:
        """The light is back at `site`."""
        self._power[site].switch_on()

    def has_light(self, site: SiteId) -> bool:
        """Whether `site` has mains power."""
        return self._power[site].mains_is_on

    async def serving(self) -> None:
        """Wait until every camera and device answers."""
        await self._gear_serves.wait()
        await self._all_cameras.serving()

    async def run(self) -> None:
        """Be the community until cancelled.

        Raises:
            Busy: an address is taken: a second simulation runs on this machine.
        """
        servers: list[ShellServer] = []
        try:
            for device, agent in self.agents.items():
                await agent.start(self._hosts[device], SNMP_PORT)
            servers += self._start_shells()
            await self._services.start()
            self._gear_serves.set()
            await self._all_cameras.run()
        finally:
            self._gear_serves.clear()
            self._services.close()
            for agent in self.agents.values():
                agent.close()
            for server in servers:
                server.close()

    def _start_shells(self) -> Iterator["ShellServer"]:
        if not self._shells:
            return
        from beket.sim.shell_server import ShellServer  # paramiko is loaded by those alone who have such gear

        for host, access, settings, is_awake in self._shells:
            server = ShellServer(
                password=access.password, host_key=access.host_key, answer=settings.answer, is_awake=is_awake
            )
            yield server
            server.start(host, SSH_PORT)

    def _build_site(self, number: int, spec: SiteSpec, logins: Mapping[str, Secret], daylight: Daylight) -> None:
        power = self._power[spec.site.id] = Power(self._clock, battery_lasts_s=spec.battery_lasts_s)
        for camera, host in zip(spec.cameras, _camera_hosts(number), strict=False):
            scene = Scene(
                camera.view, VillageTraffic(camera.seed), daylight=daylight, weather=camera.weather, seed=camera.seed
            )
            self.cameras[CameraId(camera.id)] = SimulatedCamera(
                scene,
                clock=self._clock,
                host=host,
                port=RTSP_PORT,
                login=_login(logins[camera.secret]) if camera.secret else None,
                is_powered=_awake(power, Supply.MAINS),
            )
        for thing, host in zip(spec.gear, _gear_hosts(number), strict=False):
            self._build_gear(thing, host, spec, power)

    def _build_gear(self, thing: GearSpec, host: str, spec: SiteSpec, power: Power) -> None:
        is_awake = _awake(power, thing.supply)
        access = self._access.get(DeviceId(thing.id))
        answers_snmp = is_awake
        if access is not None:
            settings = RouterSettings(thing.id, clock=self._clock)
            self._shells.append((host, access, settings, is_awake))
            answers_snmp = _both(is_awake, settings.answers_snmp)
        self._hosts[DeviceId(thing.id)] = host
        mib = self._mib(thing, spec, power, _peers(thing, spec, host))
        self.agents[DeviceId(thing.id)] = SnmpAgent(mib, is_awake=answers_snmp)

    def _mib(self, thing: GearSpec, spec: SiteSpec, power: Power, peers: list[Peer]) -> Mib:
        location = f"{spec.site.village}, {spec.site.name}"
        plate = gear.Nameplate(thing.id, thing.description, location, "ІТ громади", list(DeviceKind).index(thing.kind))
        if thing.kind is DeviceKind.UPS:
            return gear.ups(plate, power=power)
        if simple := _OF_ONE_PORT.get(thing.kind):
            return simple(plate, power=power, supply=thing.supply)
        made = mikrotik.router if thing.kind is DeviceKind.ROUTER else gear.network_gear
        return made(plate, tuple(map(self._port, thing.ports)), power=power, supply=thing.supply, peers=peers)

    def _port(self, spec: PortSpec) -> gear.Port:
        camera = self.cameras[CameraId(spec.camera)] if spec.camera else None
        return gear.Port(
            spec.name,
            spec.alias,
            spec.speed_bps,
            spec.in_bps,
            spec.out_bps,
            is_linked=(lambda: camera.is_on) if camera else lambda: True,
        )


def _device(spec: GearSpec, site: SiteSpec, host: str, access: ShellAccess | None) -> Device:
    return Device(
        id=DeviceId(spec.id),
        site=site.site.id,
        name=spec.name,
        kind=spec.kind,
        address=f"{host}:{SNMP_PORT}",
        shell=f"{spec.shell}://{LOGIN}@{host}:{SSH_PORT}" if access else "",
        shell_secret=spec.shell_secret if access else "",
        host_key=access.fingerprint() if access else "",
    )


def _camera(spec: CameraSpec, site: SiteSpec, host: str) -> Camera:
    return Camera(
        id=CameraId(spec.id),
        site=site.site.id,
        name=spec.name,
        url=f"rtsp://{host}:{RTSP_PORT}{PATH}",
        secret=spec.secret,
        purpose=spec.purpose,
        basis=site.basis,
        retention_days=spec.retention_days,
        access=spec.access,
    )


def _peers(thing: GearSpec, spec: SiteSpec, host: str) -> list[Peer]:
    """Whom `thing` at `host` hears: gear that names it back, and cameras, which say who they are as some makers' do."""
    network = host.rpartition(".")[0]
    number = int(network.rpartition(".")[2])
    gear_hosts = dict(zip((one.id for one in spec.gear), _gear_hosts(number), strict=False))
    camera_hosts = dict(zip((one.id for one in spec.cameras), _camera_hosts(number), strict=False))
    back = {(one.id, port.gear): port.name for one in spec.gear for port in one.ports if port.gear}
    peers = []
    for index, port in enumerate(thing.ports, start=1):
        if port.gear:
            other = next(one for one in spec.gear if one.id == port.gear)
            peers.append(Peer(index, other.id, other.description, back[other.id, thing.id], gear_hosts[other.id]))
        elif port.camera:
            peers.append(Peer(index, port.camera, "Simulated camera", "eth0", camera_hosts[port.camera]))
    return peers


def _gear_hosts(site_number: int) -> Iterator[str]:
    return (f"{NETWORK}.{site_number}.{n}" for n in range(1, FIRST_CAMERA_NUMBER))


def _camera_hosts(site_number: int) -> Iterator[str]:
    return (f"{NETWORK}.{site_number}.{n}" for n in range(FIRST_CAMERA_NUMBER, 255))


def _awake(power: Power, supply: Supply) -> Callable[[], bool]:
    return lambda: power.feeds(supply)


def _both(one: Callable[[], bool], other: Callable[[], bool]) -> Callable[[], bool]:
    return lambda: one() and other()


def _login(secret: Secret) -> Login:
    user, _, password = secret.reveal().partition(":")
    return Login(user, Secret(password))
