"""Owns the value types of what a community has: sites, devices, cameras; not where they are stored nor who edits them.

The master copy is the centre's database (collector.inventory); an agent holds the signed part that concerns its site.
Unknown fields are ignored here, so that an agent understands the part a newer centre signed; files are read strictly.
Note: collector/design/0005-inventory-tables-migrations.md.
"""

from enum import StrEnum

import msgspec

from beket.kernel.ids import CameraId, CommunityId, DeviceId, ProviderId, ServiceId, SiteId, slug_from

HOURS_A_MONTH = 30 * 24


class AccessClass(StrEnum):
    """How closely a camera's pictures are guarded; `SPECIAL_CLASSES` need a grant that names the camera."""

    STREET = "street"
    ENTRANCE = "entrance"
    CHILDREN = "children"
    PATIENTS = "patients"
    STAFF = "staff"
    HOMES = "homes"
    CRITICAL = "critical"


SPECIAL_CLASSES = frozenset(
    {AccessClass.CHILDREN, AccessClass.PATIENTS, AccessClass.STAFF, AccessClass.HOMES, AccessClass.CRITICAL}
)


class Upload(StrEnum):
    """What of a camera's recording travels to the centre by itself."""

    ALWAYS = "always"
    SUB_STREAM_AND_MOTION = "sub-stream+motion"
    ON_REQUEST = "on-request"


class DeviceKind(StrEnum):
    """What a device is, for icons and for the order of root cause."""

    ROUTER = "router"
    SWITCH = "switch"
    ACCESS_POINT = "access-point"
    RADIO_LINK = "radio-link"
    UPS = "ups"
    PRINTER = "printer"
    SERVER = "server"
    RECORDER = "recorder"
    OTHER = "other"


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """A building or a pole with its own agent or line: council, school, clinic, club.

    Attributes:
        village: settlement as people call it.
        district: starosta's district (старостинський округ); "" for the centre's own.
        provider: name of the internet provider, "" when unknown.
    """

    id: SiteId
    name: str
    village: str
    district: str = ""
    provider: str = ""


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """Who brings the internet to sites; a site names it by its name or its id.

    Attributes:
        phone: where to call when the line is down.
        contract: number and date of the contract, for a claim.
        down_hours_max: how many hours a month a line may be down by the contract; 0 when it does not say.
    """

    id: ProviderId
    name: str
    phone: str = ""
    contract: str = ""
    down_hours_max: int = 0

    @property
    def promised_ratio(self) -> float | None:
        """The share of a month of 30 days that a line must work by the contract; None when it does not say."""
        return 1 - self.down_hours_max / HOURS_A_MONTH if self.down_hours_max else None

    @property
    def contacts(self) -> str:
        """Name, phone and contract in one line, as far as they are known."""
        return ", ".join(part for part in (self.name, self.phone, self.contract) if part)


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A thing that answers on the network and is not a camera.

    Attributes:
        address: host name or IP, with `:port` when SNMP is not on 161.
        snmp: "off", "v1", "v2c" or "v3".
        secret: name of the secret with the SNMP community ("" means `public`), or with the user of v3.
        shell: its command line as `beket.kernel.shell_address` spells it; with one its configuration is copied.
        shell_secret: name of the secret at the site with that login's password or private key.
        host_key: fingerprint of its SSH host key, `SHA256:…`; "" when the key is approved at the site.
    """

    id: DeviceId
    site: SiteId
    name: str
    kind: DeviceKind = DeviceKind.OTHER
    address: str
    snmp: str = "v2c"
    secret: str = ""
    shell: str = ""
    shell_secret: str = ""
    host_key: str = ""


class Camera(msgspec.Struct, frozen=True, kw_only=True):
    """A camera. Without purpose, basis, retention and class it does not record.

    Attributes:
        url: main stream, `rtsp://host[:port]/path`, never with a password in it.
        sub_url: small stream for the wall, "" when there is none.
        secret: name of the secret `login:password`; "" when the camera asks for none.
        purpose: why it films, in one sentence for residents.
        basis: decision that allows it, with number and date.
        retention_days: how long recordings are kept; 0 means not decided.
        access: how closely its pictures are guarded; None means not decided.
    """

    id: CameraId
    site: SiteId
    name: str
    url: str
    sub_url: str = ""
    secret: str = ""
    purpose: str = ""
    basis: str = ""
    retention_days: int = 0
    access: AccessClass | None = None
    upload: Upload = Upload.ALWAYS

    def may_record(self) -> bool:
        """Whether the law's four questions are answered: purpose, basis, retention, class."""
        return bool(self.purpose and self.basis and self.retention_days > 0 and self.access)


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """Something that people rely on and the site's agent asks now and then: a page, a port, mail, a domain, a clock.

    Attributes:
        site: whose agent asks; the same page asked from two sites is two services.
        address: where and how, see `beket.kernel.service_address`.
        expect: what must stand in the answer, "" for anything.
        secret: name of the secret `login:password`, "" when none is needed.
    """

    id: ServiceId
    site: SiteId
    name: str
    address: str
    expect: str = ""
    secret: str = ""


class Community(msgspec.Struct, frozen=True, kw_only=True):
    """The community (громада) that one centre serves."""

    id: CommunityId
    name: str


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """One version of everything a community has.

    Attributes:
        version: grows by one with each accepted change; 0 is the empty inventory before the first.
        services: what the agents of sites ask now and then.
        providers: those of whom more is known than the name that sites give.
    """

    version: int
    community: Community
    sites: tuple[Site, ...] = ()
    devices: tuple[Device, ...] = ()
    cameras: tuple[Camera, ...] = ()
    services: tuple[Service, ...] = ()
    providers: tuple[Provider, ...] = ()

    def provider_of(self, site: Site) -> Provider | None:
        """Who brings the internet to `site`: as the inventory lists it, else known by name alone; None when nobody is
        named. Its id is what metrics carry.
        """
        named = site.provider.strip().casefold()
        for provider in self.providers:
            if named in (provider.id, provider.name.casefold()):
                return provider
        label = slug_from(site.provider)
        return Provider(id=ProviderId(label), name=site.provider) if label else None

    def part_of(self, site: SiteId) -> "Inventory":
        """What the agent of `site` needs to know, and nothing else."""
        return Inventory(
            version=self.version,
            community=self.community,
            sites=tuple(s for s in self.sites if s.id == site),
            devices=tuple(d for d in self.devices if d.site == site),
            cameras=tuple(c for c in self.cameras if c.site == site),
            services=tuple(s for s in self.services if s.site == site),
            providers=tuple(p for s in self.sites if s.id == site for p in self.providers if p == self.provider_of(s)),
        )
