"""Owns the training community: three places of Mohyliv, with invented cameras and gear.

Data, not code: another place is another `SiteSpec`. People appear as roles; decisions and providers are marked as
training ones.
"""

from beket.kernel.ids import SiteId
from beket.kernel.inventory import AccessClass, DeviceKind, Site
from beket.sim import street
from beket.sim.power import Supply
from beket.sim.scene import Weather
from beket.sim.specs import CameraSpec, GearSpec, PortSpec, SimulatedCommunity, SiteSpec


def _village_gear(
    slug: str, whose: str, cameras: dict[str, str], *more: GearSpec, family: str = ""
) -> tuple[GearSpec, ...]:
    """What a small building has: a router and a UPS, a switch without one; `cameras` names each camera's port,
    `family` is that of the router's command line.
    """
    uplinks = (
        PortSpec("wan", "провайдер", 20_000_000, in_bps=900_000, out_bps=1_400_000),
        PortSpec("lan", "комутатор", 100_000_000, in_bps=1_400_000, out_bps=900_000, gear=f"switch-{slug}"),
    )
    plugged = [
        PortSpec(f"ge{n}", f"камера: {words}", in_bps=520_000, out_bps=12_000, camera=camera)
        for n, (camera, words) in enumerate(cameras.items(), start=2)
    ]
    to_router = PortSpec("ge1", "маршрутизатор", 100_000_000, in_bps=900_000, out_bps=1_400_000, gear=f"router-{slug}")
    return (
        GearSpec(
            f"router-{slug}",
            f"Маршрутизатор {whose}",
            DeviceKind.ROUTER,
            "Simulated router",
            Supply.UPS,
            uplinks,
            family,
        ),
        GearSpec(
            f"switch-{slug}",
            f"Комутатор {whose}",
            DeviceKind.SWITCH,
            "Simulated PoE switch, 5 ports",
            Supply.MAINS,
            (to_router, *plugged),
        ),
        GearSpec(f"ups-{slug}", f"ДБЖ {whose}", DeviceKind.UPS, "Simulated UPS, 650 VA", Supply.UPS),
        *more,
    )


COUNCIL = SiteSpec(
    site=Site(
        id=SiteId("council-mohyliv"), name="Сільська рада", village="Могилів", provider="Провайдер центру (навчальний)"
    ),
    basis="Рішення сільської ради № 1 від 15.01.2026 (навчальне)",
    cameras=(
        CameraSpec(
            id="council-street",
            name="Вулиця перед сільрадою",
            view=street.COUNCIL_STREET,
            purpose="Порядок на вулиці біля сільської ради: видно проїзд і тротуар.",
            access=AccessClass.STREET,
            seed=3,
        ),
        CameraSpec(
            id="council-yard",
            name="Двір сільради",
            view=street.COUNCIL_YARD,
            purpose="Охорона майна громади: вхід і стоянка сільської ради.",
            access=AccessClass.ENTRANCE,
            seed=11,
            retention_days=14,
            weather=Weather(noise_sigma=1.5),
        ),
    ),
    gear=(
        GearSpec(
            "router-council",
            "Маршрутизатор сільради",
            DeviceKind.ROUTER,
            "Simulated router",
            Supply.UPS,
            (
                PortSpec("wan", "провайдер", 100_000_000, in_bps=6_000_000, out_bps=2_500_000),
                PortSpec("lan", "комутатор", 1_000_000_000, in_bps=2_500_000, out_bps=6_000_000, gear="switch-council"),
            ),
        ),
        GearSpec(
            "switch-council",
            "Комутатор сільради",
            DeviceKind.SWITCH,
            "Simulated PoE switch, 8 ports",
            Supply.MAINS,
            (
                PortSpec(
                    "ge1", "маршрутизатор", 1_000_000_000, in_bps=6_000_000, out_bps=2_500_000, gear="router-council"
                ),
                PortSpec("ge2", "камера: вулиця", in_bps=520_000, out_bps=12_000, camera="council-street"),
                PortSpec("ge3", "камера: двір", in_bps=520_000, out_bps=12_000, camera="council-yard"),
                PortSpec("ge4", "бухгалтерія", in_bps=400_000, out_bps=1_900_000),
                PortSpec("ge5", "секретар", in_bps=250_000, out_bps=1_200_000),
            ),
        ),
        GearSpec("ups-council", "ДБЖ сільради", DeviceKind.UPS, "Simulated UPS, 1 kVA", Supply.UPS),
        GearSpec("printer-council", "Принтер сільради", DeviceKind.PRINTER, "Simulated printer", Supply.MAINS),
    ),
)

STAROSTAT = SiteSpec(
    site=Site(
        id=SiteId("starostat-novopidkriazh"),
        name="Старостат",
        village="Новопідкряж",
        district="Новопідкряжський",
        provider="Провайдер села (навчальний)",
    ),
    basis="Рішення сільської ради № 2 від 15.01.2026 (навчальне)",
    cameras=(
        CameraSpec(
            id="novopidkriazh-street",
            name="Вулиця біля старостату",
            view=street.VILLAGE_STREET,
            purpose="Порядок на в'їзді до села: видно дорогу й зупинку.",
            access=AccessClass.STREET,
            seed=21,
        ),
        CameraSpec(
            id="novopidkriazh-entrance",
            name="Вхід до старостату",
            view=street.COUNCIL_YARD,
            purpose="Охорона майна громади: вхід до старостату.",
            access=AccessClass.ENTRANCE,
            seed=23,
            retention_days=14,
            weather=Weather(noise_sigma=2.0),
        ),
    ),
    gear=_village_gear(
        "novopidkriazh",
        "старостату",
        {"novopidkriazh-street": "вулиця", "novopidkriazh-entrance": "вхід"},
        GearSpec("radio-novopidkriazh", "Радіоміст", DeviceKind.RADIO_LINK, "Simulated radio bridge", Supply.UPS),
        family="mikrotik",
    ),
)

SCHOOL = SiteSpec(
    site=Site(
        id=SiteId("school-tsybulkivka"),
        name="Школа",
        village="Цибульківка",
        district="Цибульківський",
        provider="Провайдер села (навчальний)",
    ),
    basis="Рішення сільської ради № 3 від 15.01.2026 (навчальне)",
    cameras=(
        CameraSpec(
            id="school-yard",
            name="Шкільне подвір'я",
            view=street.SCHOOL_YARD,
            purpose="Безпека дітей на подвір'ї школи.",
            access=AccessClass.CHILDREN,
            seed=31,
            retention_days=7,
        ),
        CameraSpec(
            id="school-street",
            name="Дорога біля школи",
            view=street.VILLAGE_STREET,
            purpose="Безпека на переході біля школи: видно дорогу.",
            access=AccessClass.STREET,
            seed=37,
        ),
    ),
    gear=_village_gear(
        "school",
        "школи",
        {"school-yard": "подвір'я", "school-street": "дорога"},
        GearSpec("wifi-school", "Wi-Fi школи", DeviceKind.ACCESS_POINT, "Simulated Wi-Fi point", Supply.MAINS),
    ),
)

MOHYLIV = SimulatedCommunity(id="mohyliv", name="Могилівська громада", sites=(COUNCIL, STAROSTAT, SCHOOL))
