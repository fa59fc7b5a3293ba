"""Owns the page of one site: its light, gear, cameras, line to the centre, disk and copies."""

from agents.cameras import metrics as cameras
from agents.network import metrics as network
from agents.services import metrics as services
from agents.spool import metrics as spool
from backup import metrics as backup
from dashboards.grafana.choices import (
    ANSWERS,
    BAD_WHEN_BELOW_ONE,
    DAY_S,
    DEVICE,
    GIB,
    LIGHT,
    PORT,
    RECORDS,
    blackouts,
    community_and_site,
)
from dashboards.grafana.panels import Dashboard, Panel, Query, Row
from dashboards.grafana.queries import folded, gear, per_second, series
from vms import metrics as vms
from vms.live import metrics as live


def site() -> Dashboard:
    """The page «Бекет: об'єкт»."""
    return Dashboard(
        uid="beket-site",
        title="Бекет: об'єкт",
        help="Усе про одну будівлю: світло, пристрої, камери, зв'язок, диск і копії.",
        variables=community_and_site(),
        rows=(_now(), _light(), _gear(), _line(), _kept()),
        marks=(blackouts(),),
    )


def _now() -> Row:
    devices, camera = series(network.DEVICE_UP), series(cameras.UP)
    return Row(
        "Зараз",
        (
            Panel(
                "stat",
                "Пристрої",
                "Скільки пристроїв відповідає і скільки їх усього.",
                (Query(f"sum({devices})", "на зв'язку"), Query(f"count({devices})", "усього")),
                width=6,
            ),
            Panel(
                "stat",
                "Камери",
                "Скільки камер записує і скільки їх усього.",
                (Query(f"sum({camera})", "записують"), Query(f"count({camera})", "усього")),
                width=6,
            ),
            Panel(
                "stat",
                "Живий зв'язок",
                "Один — об'єкт тримає живу лінію до центру.",
                (Query(series(live.SITES), "{{site}}"),),
                width=6,
                steps=BAD_WHEN_BELOW_ONE,
            ),
            Panel(
                "stat",
                "Найстаріша копія",
                "Скільки часу минуло від останньої копії найгіршого плану.",
                (Query(folded("max", series(backup.SNAPSHOT_AGE), backup.SNAPSHOT_AGE, ["site"]), "{{site}}"),),
                unit="s",
                width=6,
                steps=((None, "green"), (2 * DAY_S, "orange"), (7 * DAY_S, "red")),
            ),
        ),
    )


def _light() -> Row:
    lines = "{{probe}} ({{provider}})"
    return Row(
        "Світло й лінія провайдера",
        (
            Panel(
                "state-timeline",
                "Світло",
                "Порожнє — невідомо: на об'єкті немає ані ДБЖ, ані двох пристроїв від мережі.",
                (Query(series(services.SITE_LIGHT), "{{site}}"),),
                words=LIGHT,
            ),
            Panel(
                "state-timeline",
                "Лінія",
                "Червоне при світлі — провайдер.",
                (Query(series(services.LINK_UP), lines),),
                words=ANSWERS,
            ),
            Panel(
                "timeseries",
                "На скільки вистачить ДБЖ",
                "За оцінкою самого ДБЖ.",
                (Query(series(gear("ups_left_seconds")), "{{device}}"),),
                unit="s",
            ),
        ),
    )


def _gear() -> Row:
    return Row(
        "Пристрої й камери в часі",
        (
            Panel(
                "state-timeline",
                "Пристрої: коли відповідали",
                "Зелене — відповідає, червоне — мовчить, порожнє — немає даних.",
                (Query(series(network.DEVICE_UP), "{{device}}"),),
                width=12,
                words=ANSWERS,
            ),
            Panel(
                "state-timeline",
                "Камери: коли записували",
                "Зелене — записує, червоне — ні, порожнє — немає даних.",
                (Query(series(cameras.UP), "{{camera}}"),),
                width=12,
                words=RECORDS,
            ),
            Panel(
                "table",
                "Порти без зв'язку",
                "Порти, на яких зараз немає зв'язку: нічого не ввімкнено або кабель вийнято.",
                (Query(f"{series(network.PORT_UP)} == 0", ""),),
                width=8,
                columns=(DEVICE, PORT),
            ),
            Panel(
                "timeseries",
                "Час відповіді пристроїв",
                "Час до пристрою й назад.",
                (Query(series(network.DEVICE_PING_LATENCY), "{{device}}"),),
                unit="s",
            ),
            Panel(
                "timeseries",
                "Втрати до пристроїв",
                "Частка втрачених пакетів. Понад 5 % — з'єднання погане.",
                (Query(series(network.DEVICE_PING_LOSS), "{{device}}"),),
                unit="percentunit",
            ),
        ),
    )


def _line() -> Row:
    def by_device(way: str) -> str:
        counter = network.PORT_IN if way == "in" else network.PORT_OUT
        return folded("sum", f"{per_second(counter)} * 8", counter, ["device"])

    return Row(
        "Мережа",
        (
            Panel(
                "timeseries",
                "Отримують пристрої",
                "Сума за всіма портами пристрою.",
                (Query(by_device("in"), "{{device}}"),),
                unit="bps",
            ),
            Panel(
                "timeseries",
                "Надсилають пристрої",
                "Сума за всіма портами пристрою.",
                (Query(by_device("out"), "{{device}}"),),
                unit="bps",
            ),
            Panel(
                "timeseries",
                "Записи, що йдуть до центру",
                "Скільки відео центр отримує з об'єкта.",
                (
                    Query(
                        folded("sum", f"{per_second(vms.RECEIVED_BYTES)} * 8", vms.RECEIVED_BYTES, ["site"]), "{{site}}"
                    ),
                ),
                unit="bps",
            ),
        ),
    )


def _kept() -> Row:
    return Row(
        "Що зберігається на місці",
        (
            Panel(
                "timeseries",
                "Вільне місце для записів",
                "Спадає до межі й тримається: старе стирається за строком.",
                (Query(series(vms.DISK_FREE_BYTES), "{{site}}"),),
                unit="bytes",
                steps=((None, "red"), (20 * GIB, "green")),
            ),
            Panel(
                "timeseries",
                "Черга вимірів",
                "Росте, коли зв'язку з центром немає.",
                (Query(series(spool.SPOOL_SIZE), "{{unit}}"),),
                unit="bytes",
            ),
            Panel(
                "timeseries",
                "Запис камер",
                "Скільки відео лягає на диск.",
                (Query(f"{per_second(vms.RECORDED_BYTES)} * 8", "{{camera}}"),),
                unit="bps",
            ),
        ),
    )
