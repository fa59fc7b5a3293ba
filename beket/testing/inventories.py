"""Owns inventories for tests: a community of real size, and strategies for any inventory that passes the checks."""

import unicodedata

from hypothesis import strategies as st

from beket.kernel.ids import CameraId, CommunityId, DeviceId, ProviderId, ServiceId, SiteId
from beket.kernel.inventory import (
    AccessClass,
    Camera,
    Community,
    Device,
    DeviceKind,
    Inventory,
    Provider,
    Service,
    Site,
    Upload,
)

COMMUNITY = Community(id=CommunityId("zhuravlyna"), name="Журавлинська громада")
EMPTY = Inventory(version=0, community=COMMUNITY)
SNMP_SECRET, CAMERA_SECRET = "snmp-own", "camera-view"  # names of secrets
HOST_KEY = "SHA256:" + "A" * 43

VILLAGES = ("Журавлина", "Яр", "Гай", "Велика Лука", "Ставище")
_PLACES = ("Рада", "Ліцей", "Дитсадок", "Амбулаторія", "Клуб", "Бібліотека", "ФАП")


def community_of_real_size() -> Inventory:
    """31 sites, 62 devices and 40 cameras, in order of their ids, as version 1."""
    sites = tuple(
        Site(
            id=SiteId(f"site-{n:02}"),
            name=f"{_PLACES[n % len(_PLACES)]} {n}",
            village=VILLAGES[n % len(VILLAGES)],
            district="Ярський" if n % 3 else "",
            provider="Степлінк",
        )
        for n in range(31)
    )
    devices = tuple(
        Device(
            id=DeviceId(f"{site.id}-{kind}"),
            site=site.id,
            name=f"{kind} {site.name}",
            kind=kind,
            address=f"10.20.{n}.{last}",
            secret=SNMP_SECRET,
        )
        for n, site in enumerate(sites)
        for last, kind in ((1, DeviceKind.ROUTER), (2, DeviceKind.SWITCH))
    )
    cameras = tuple(
        Camera(
            id=CameraId(f"camera-{n:02}"),
            site=sites[n % len(sites)].id,
            name=f"Вхід {n}",
            url=f"rtsp://10.20.{n}.11:554/main",
            sub_url=f"rtsp://10.20.{n}.11:554/sub",
            secret=CAMERA_SECRET,
            purpose="Безпека відвідувачів; вхід, подвір'я",
            basis="Рішення сесії № 7 від 01.02.2024",
            retention_days=14 + n % 17,
            access=list(AccessClass)[n % len(AccessClass)],
            upload=list(Upload)[n % len(Upload)],
        )
        for n in range(40)
    )
    return Inventory(version=1, community=COMMUNITY, sites=sites, devices=devices, cameras=cameras)


# Texts that tables and YAML are known to spoil, among any others. What the checks do not allow is not here.
_AWKWARD = [
    "=1+1", "'=1+1", "''-2", "+380", "-", "@cmd", "#N/A", "'", "no", "null", "~", "0123", "1e3", "2024-02-01", "a: b",
    "# x", "\"лапки\"", "a;b,c", "- x", "{a}", "[a]", "&a", "*a", "!t", "так", "30,0", "TRUE", "👍", "їжак", "Ґ’ʼ",
]  # fmt: skip
_LETTERS = "абвґєії’ʼАЯёzZ059 ;,:.\"'=+-@#&*!|>%`{}[]()/\\_«№é中👍"
_ANY_TEXT = st.text(_LETTERS, max_size=12)


def texts(*, min_size: int = 0) -> st.SearchStrategy[str]:
    """Tidy text of a name, a purpose and the like."""
    return st.one_of(st.sampled_from(_AWKWARD), _ANY_TEXT).map(_tidy).filter(lambda text: len(text) >= min_size)


def _tidy(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


_SLUGS = st.sampled_from(["a", "b-2", "07", "1e3", "no", "null", "school", "shkola-s-yar", "x--y", "z" * 63])
_HOSTS = st.one_of(
    st.sampled_from(["10.20.1.5", "127.0.0.1", "192.168.0.64"]), _SLUGS.map(lambda slug: f"{slug.strip('-')}.lan")
)
_PORTS = st.integers(1, 65535)
_SECRETS = st.sampled_from(["", SNMP_SECRET, CAMERA_SECRET])
_SHELLS = st.builds("{}://{}@{}:{}".format, st.sampled_from(["mikrotik", "cisco-ios"]), _SLUGS, _HOSTS, _PORTS)
_LINES = st.sampled_from([("", "", "")]) | st.tuples(_SHELLS, st.just("gear-ssh"), st.sampled_from(["", HOST_KEY]))
_URLS = st.builds("{}://{}:{}/{}".format, st.sampled_from(["rtsp", "rtsps", "http"]), _HOSTS, _PORTS, _SLUGS)


@st.composite
def inventories(draw: st.DrawFn, *, version: int = 0) -> Inventory:
    """Any inventory that can follow an empty one, its lists in order of ids."""
    site_ids = draw(st.lists(_SLUGS, unique=True, max_size=4))
    sites = [
        Site(
            id=SiteId(i), name=draw(texts(min_size=1)), village=draw(texts(min_size=1)), district=draw(texts()),
            provider=draw(texts()),
        )
        for i in sorted(site_ids)
    ]  # fmt: skip
    ids = st.lists(_SLUGS, unique=True, max_size=4) if sites else st.just([])
    few = st.lists(_SLUGS, unique=True, max_size=2) if sites else st.just([])
    somewhere = st.sampled_from([site.id for site in sites]) if sites else st.nothing()
    devices = [
        Device(
            id=DeviceId(i), site=draw(somewhere), name=draw(texts(min_size=1)), kind=draw(st.sampled_from(DeviceKind)),
            address=draw(_HOSTS), snmp=draw(st.sampled_from(["off", "v1", "v2c"])), secret=draw(_SECRETS),
            **dict(zip(("shell", "shell_secret", "host_key"), draw(_LINES), strict=True)),
        )
        for i in sorted(draw(ids))
    ]  # fmt: skip
    cameras = [
        Camera(
            id=CameraId(i), site=draw(somewhere), name=draw(texts(min_size=1)), url=draw(_URLS),
            sub_url=draw(st.one_of(st.just(""), _URLS)), secret=draw(_SECRETS), purpose=draw(texts()),
            basis=draw(texts()), retention_days=draw(st.integers(0, 365)),
            access=draw(st.sampled_from([None, *AccessClass])), upload=draw(st.sampled_from(Upload)),
        )
        for i in sorted(draw(ids))
    ]  # fmt: skip
    services = [
        Service(
            id=ServiceId(i), site=draw(somewhere), name=draw(texts(min_size=1)), expect=draw(texts()),
            address=draw(_HOSTS.map("https://{}/page".format) | _HOSTS.map("ping://{}".format)), secret=draw(_SECRETS),
        )
        for i in sorted(draw(few))
    ]  # fmt: skip
    providers = [
        Provider(
            id=ProviderId(i),
            name=draw(texts(min_size=1)),
            phone=draw(texts()),
            contract=draw(texts()),
            down_hours_max=draw(st.integers(0, 720)),
        )
        for i in sorted(draw(st.lists(_SLUGS, unique=True, max_size=2)))
    ]
    return Inventory(
        version=version, community=COMMUNITY, sites=tuple(sites), devices=tuple(devices), cameras=tuple(cameras),
        services=tuple(services), providers=tuple(providers),
    )  # fmt: skip
