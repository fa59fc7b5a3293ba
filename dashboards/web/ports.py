"""Owns what the pages ask of the rest of the centre, as values and small Protocols that wiring fills. Calls block."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from backup.configs.view import Change, DeviceView
from backup.repository.acts import Acts
from backup.repository.browsing import Browser
from backup.repository.ledger import Size
from backup.repository.orders import Orders
from backup.repository.overview import HostView
from backup.training import Training
from beket.access.store import AccessStore
from beket.kernel.clock import Clock
from beket.kernel.ids import CameraId, DeviceId, SiteId
from beket.kernel.metrics import Point
from beket.kernel.ports import InventoryView
from beket.kernel.text import Text, plain
from collector.assets.view import ComputersView
from collector.devices.known import FactChange, KnownFact
from collector.store.samples import SeriesSamples
from collector.topology.derive import Topology
from vms.recordings.holds import Hold, Holds
from vms.recordings.playback import Timeline


class Archive(Protocol):
    """What of a camera's time is recorded."""

    def timeline(self, camera: CameraId, *, from_90k: int, until_90k: int) -> Timeline:
        """Every instant of [from, until) in exactly one entry, in order."""


class NewestSamples(Protocol):
    """The samples as they stand now."""

    def latest(self, since_ns: int) -> Sequence[Point]:
        """The newest sample of each series that has one since then."""


class PowerSwitch(Protocol):
    """The light of a training community; a real one has none."""

    def sites(self) -> Mapping[SiteId, bool]:
        """Which sites can be switched, and whether there is light."""

    def switch_off(self, site: SiteId) -> None:
        """Take the light away."""

    def switch_on(self, site: SiteId) -> None:
        """Give it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeNote:
    """A change of a device's configuration, as a page leads to it. `id` is the copy's, `name` the device's."""

    id: str
    site: str
    device: str
    name: str
    taken_ns: int
    who: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertLine:
    """An alert as a page shows it: what, why, what to do, whom to call.

    Attributes:
        is_firing: it stands and nothing greater explains it.
        since_wall_ns: when it began; None when no clock can tell.
        ended_wall_ns: None while it stands.
        key: of the alert, "" when nothing leads to it.
        change: the configuration change that it began near.
    """

    title: Text
    what: Text
    why: Text
    todo: Text
    call: Text
    is_firing: bool
    since_wall_ns: int | None
    ended_wall_ns: int | None
    key: str = ""
    change: ChangeNote | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTrouble:
    """A trouble of Beket itself in one sentence: what, what is kept, what to do. `site`: None for the centre's own."""

    site: SiteId | None
    words: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class GearBook:
    """Configurations of gear: how each device stands, what changed in one of a site, and which change each alert began
    near, by the alert's key.
    """

    views: Callable[[], Sequence[DeviceView]] = tuple
    changes: Callable[[str, str], Sequence[Change]] = lambda _site, _device: ()
    changes_by_alert: Callable[[], Mapping[str, ChangeNote]] = dict


@dataclass(frozen=True, slots=True, kw_only=True)
class Backups:
    """The backups of everybody, as the centre sees them.

    Attributes:
        outlook: how much they take and when the disk will be full.
        browser: the way into copies; None where hosts keep their copies themselves.
        acts: what restore drills left.
        orders: what people asked hosts to put back.
        gear: configurations of gear.
        training: where people practise; None where there is no program for it.
        sizes: how large a host's repository was, day by day.
        free_bytes: what is free where repositories lie.
    """

    views: Callable[[], Sequence[HostView]] = tuple
    outlook: Callable[[Sequence[HostView]], Text] = lambda _: plain("")
    browser: Browser | None = None
    acts: Acts | None = None
    orders: Orders | None = None
    gear: GearBook = GearBook()
    training: Training | None = None
    sizes: Callable[[str], Sequence[Size]] = lambda _: ()
    free_bytes: Callable[[], int] = lambda: 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldBook:
    """What may not be deleted.

    Attributes:
        unaware: the sites of a hold that have not confirmed it yet.
        outlook: in sentences, what space and holds leave of the archive.
        cost_days: by how many days everybody else's archive becomes shorter if so many bytes more are held.
        kept_days: how many days of a promised term there is room for.
    """

    holds: Holds
    unaware: Callable[[Hold], Sequence[SiteId]] = lambda _: ()
    outlook: Callable[[], Sequence[Text]] = tuple
    cost_days: Callable[[int], int] = lambda _: 0
    kept_days: Callable[[int], int] = lambda days: days


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceBook:
    """What is known of devices besides the newest samples.

    Attributes:
        facts: what a device says of itself, as it stands.
        changes: what of that changed, newest first.
        history: a metric's raw samples of one device between two moments (ns).
    """

    facts: Callable[[DeviceId], Sequence[KnownFact]] = lambda _: ()
    changes: Callable[[DeviceId], Sequence[FactChange]] = lambda _: ()
    history: Callable[[str, DeviceId, int, int], Sequence[SeriesSamples]] = lambda _name, _device, _start, _end: ()


Sees = Callable[[SiteId], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the pages are made of.

    Attributes:
        alerts: the alerts of the sites that a person may see, firing ones first; None where nothing judges yet.
        holds: None where there are no recordings.
        power: None in a real community.
        own_troubles: what troubles Beket itself, by the oldest moment whose samples still count.
        one_click_logins: accounts that a browser on the centre's own machine enters with one click; none in a real one.
        training: whether everything shown is invented, and says so.
        topology: what is joined to what.
        stale_after_s: age at which a sample tells nothing of the present any more.
        camera_up: name of the metric that is 1 while a camera records.
        device_up: name of the metric that is 1 while a device answers.
    """

    access: AccessStore
    inventory: InventoryView
    archive: Archive
    samples: NewestSamples
    clock: Clock
    camera_up: str
    device_up: str
    alerts: Callable[[Sees], Sequence[AlertLine]] | None = None
    backups: Backups = Backups()
    devices: DeviceBook = DeviceBook()
    computers: ComputersView | None = None
    holds: HoldBook | None = None
    power: PowerSwitch | None = None
    own_troubles: Callable[[int], Sequence[OwnTrouble]] = lambda _: ()
    one_click_logins: tuple[str, ...] = ()
    topology: Callable[[], Topology] = Topology
    training: bool = False
    stale_after_s: int = 60
