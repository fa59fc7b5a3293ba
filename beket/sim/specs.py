"""Owns how a simulated community is described, as values: its sites, what hangs on their walls and what feeds them."""

from dataclasses import dataclass

from beket.kernel.inventory import AccessClass, DeviceKind, Site
from beket.sim.power import BATTERY_LASTS_S, Supply
from beket.sim.scene import Weather
from beket.sim.street import View


@dataclass(frozen=True, slots=True)
class CameraSpec:
    """A camera of a simulated site.

    Attributes:
        seed: of its traffic.
        asks_login: whether it wants a login, which `new_logins` makes.
    """

    id: str
    name: str
    view: View
    purpose: str
    access: AccessClass
    seed: int
    retention_days: int = 30
    asks_login: bool = True
    weather: Weather | None = None

    @property
    def secret(self) -> str:
        """Name under which its login is kept; "" when everybody may look."""
        return f"camera-{self.id}" if self.asks_login else ""


@dataclass(frozen=True, slots=True)
class PortSpec:
    """A port of simulated gear; `camera` or `gear` is the id of what is plugged in, if it is of the site."""

    name: str
    alias: str = ""
    speed_bps: int = 100_000_000
    in_bps: float = 0
    out_bps: float = 0
    camera: str = ""
    gear: str = ""


@dataclass(frozen=True, slots=True)
class GearSpec:
    """A router, switch or UPS of a simulated site; `shell` is the family of its command line, "" without one."""

    id: str
    name: str
    kind: DeviceKind
    description: str
    supply: Supply
    ports: tuple[PortSpec, ...] = ()
    shell: str = ""

    @property
    def shell_secret(self) -> str:
        """Name under which the password of its command line is kept."""
        return f"{self.id}-ssh" if self.shell else ""


@dataclass(frozen=True, slots=True)
class SiteSpec:
    """A simulated site; `basis` is the decision that allows its cameras."""

    site: Site
    basis: str
    cameras: tuple[CameraSpec, ...]
    gear: tuple[GearSpec, ...]
    battery_lasts_s: float = BATTERY_LASTS_S


@dataclass(frozen=True, slots=True)
class SimulatedCommunity:
    """A community with everything it has."""

    id: str
    name: str
    sites: tuple[SiteSpec, ...]
