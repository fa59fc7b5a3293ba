"""Owns the one page of the community: cameras, network, the way to the centre, disks, and Beket itself."""

from agents.cameras import metrics as cameras
from agents.network import metrics as network
from agents.services import metrics as services
from agents.spool import metrics as spool
from beket.kernel.metrics import Metric
from collector import metrics as collector
from collector.sinks import metrics as sinks
from dashboards.grafana.choices import (
    BAD_WHEN_ANY,
    CAMERA,
    DEVICE,
    GIB,
    LIGHT,
    REASONS,
    SITE,
    WORKS,
    blackouts,
    community_and_site,
)
from dashboards.grafana.panels import Dashboard, Panel, Query, Row
from dashboards.grafana.queries import folded, per_second, series
from vms import metrics as vms


def overview() -> Dashboard:
    """The page «Бекет: громада»."""
    return Dashboard(
        uid="beket-overview",
        title="Бекет: громада",
        help="Камери, мережа, канали й диски громади та сам Бекет.",
        variables=community_and_site(),
        rows=(_cameras(), _network(), _ports(), _uplink(), _disks(), _beket()),
        marks=(blackouts(),),
    )


def _cameras() -> Row:
    up = series(cameras.UP)
    return Row(
        "Камери",
        (
            Panel(
                "stat",
                "Камери записують",
                "Скільки камер записує зараз і скільки їх має записувати.",
                (Query(f"sum({up})", "записують"), Query(f"count({up})", "усього")),
                width=6,
            ),
            Panel(
                "table",
                "Не записують",
                "Камери, від яких зараз немає запису. Порожньо — усе гаразд.",
                (Query(f"{up} == 0", ""),),
                width=8,
                columns=(SITE, CAMERA),
            ),
            Panel(
                "timeseries",
                "Вік останнього кадру",
                "Скільки секунд тому прийшов останній кадр. Більше 10 секунд — камера мовчить.",
                (Query(series(cameras.FRAME_AGE), "{{camera}}"),),
                unit="s",
                width=10,
            ),
        ),
    )


def _network() -> Row:
    up = series(network.DEVICE_UP)
    return Row(
        "Об'єкти й зв'язок",
        (
            Panel(
                "stat",
                "Пристрої на зв'язку",
                "Скільки пристроїв відповідає зараз і скільки їх усього.",
                (Query(f"sum({up})", "на зв'язку"), Query(f"count({up})", "усього")),
                width=6,
            ),
            Panel(
                "table",
                "Не відповідають",
                "Пристрої, які зараз не відповідають. Порожньо — усе гаразд.",
                (Query(f"{up} == 0", ""),),
                width=8,
                columns=(SITE, DEVICE),
            ),
            Panel(
                "stat",
                "Об'єкти",
                "Об'єкт працює, якщо відповідає хоч один його пристрій.",
                (Query(folded("max", up, network.DEVICE_UP, ["site"]), "{{site}}"),),
                width=5,
                words=WORKS,
                steps=((None, "red"), (1, "green")),
            ),
            Panel(
                "stat",
                "Світло",
                "Чи є світло на об'єкті; подробиці — на сторінці «світло й ДБЖ».",
                (Query(series(services.SITE_LIGHT), "{{site}}"),),
                width=5,
                words=LIGHT,
                steps=((None, "red"), (1, "green")),
            ),
            Panel(
                "timeseries",
                "Час відповіді",
                "Середній час до найдальшого пристрою об'єкта й назад.",
                (Query(_worst(network.DEVICE_PING_LATENCY), "{{site}}"),),
                unit="s",
                width=12,
            ),
            Panel(
                "timeseries",
                "Втрачені пакети",
                "Найгірша частка втрат серед пристроїв об'єкта. Понад 5 % — з'єднання погане.",
                (Query(_worst(network.DEVICE_PING_LOSS), "{{site}}"),),
                unit="percentunit",
                width=12,
            ),
        ),
    )


def _ports() -> Row:
    def busiest(counter: Metric) -> str:
        return f"topk(10, {per_second(counter)} * 8)"

    legend = "{{device}} {{port}}"
    return Row(
        "Порти",
        (
            Panel(
                "timeseries",
                "Отримують: десять найзайнятіших портів",
                "Швидкість на вході порту.",
                (Query(busiest(network.PORT_IN), legend),),
                unit="bps",
            ),
            Panel(
                "timeseries",
                "Надсилають: десять найзайнятіших портів",
                "Швидкість на виході порту.",
                (Query(busiest(network.PORT_OUT), legend),),
                unit="bps",
            ),
            Panel(
                "timeseries",
                "Помилки на портах",
                "Зіпсовані пакети за секунду. Більше нуля — перевірте кабель або модуль.",
                (Query(f"topk(10, {per_second(network.PORT_IN_ERRORS)})", legend),),
            ),
        ),
    )


def _uplink() -> Row:
    return Row(
        "Дорога до центру",
        (
            Panel(
                "timeseries",
                "Черга вимірів на об'єктах",
                "Росте, коли зв'язку з центром немає; після відновлення сама спадає.",
                (Query(folded("sum", series(spool.SPOOL_SIZE), spool.SPOOL_SIZE, ["site"]), "{{site}}"),),
                unit="bytes",
            ),
            Panel(
                "timeseries",
                "Отримання записів",
                "Скільки відео надходить з об'єктів до центру.",
                (Query(f"{_total_rate(vms.RECEIVED_BYTES, 'camera')} * 8", "{{camera}}"),),
                unit="bps",
            ),
            Panel(
                "timeseries",
                "Втрачені виміри",
                "Виміри за секунду, які пропали, бо черга переповнилася. Має бути нуль.",
                (Query(_total_rate(spool.SPOOL_DROPPED, "site"), "{{site}}"),),
            ),
        ),
    )


def _disks() -> Row:
    free = series(vms.DISK_FREE_BYTES)
    return Row(
        "Диски із записами",
        (
            Panel(
                "stat",
                "Вільно зараз",
                "Вільне місце на диску із записами; менше 20 ГіБ — замало.",
                (Query(free, "{{site}}"),),
                unit="bytes",
                steps=((None, "red"), (20 * GIB, "orange"), (50 * GIB, "green")),
            ),
            Panel(
                "timeseries",
                "Вільне місце",
                "Спадає до межі, а далі тримається: старі записи стираються за строком.",
                (Query(free, "{{site}}"),),
                unit="bytes",
            ),
            Panel(
                "timeseries",
                "Чекає на диск",
                "Відео в пам'яті, яке диск ще не прийняв. Росте — диск не встигає.",
                (Query(series(vms.QUEUED_BYTES), "{{site}}"),),
                unit="bytes",
            ),
        ),
    )


def _beket() -> Row:
    return Row(
        "Сам Бекет",
        (
            Panel(
                "timeseries",
                "Прийняті виміри",
                "Виміри за секунду від кожного об'єкта. Нуль — об'єкт мовчить.",
                (Query(_total_rate(collector.POINTS_ACCEPTED, "site"), "{{site}}"),),
                width=6,
            ),
            Panel(
                "timeseries",
                "Відхилені виміри",
                "Виміри за секунду, які центр не прийняв, за причиною. Має бути нуль.",
                (Query(_total_rate(collector.POINTS_REFUSED, "reason"), "{{reason}}"),),
                names=REASONS,
                width=6,
            ),
            Panel(
                "stat",
                "Тривоги зараз",
                "Скільки тривог, про які сказано людям, триває.",
                (Query(f"sum({series(collector.ALERTS_FIRING)})", "тривог"),),
                width=6,
                steps=BAD_WHEN_ANY,
            ),
            Panel(
                "stat",
                "Черга до зовнішньої бази",
                "Скільки чекає найстаріший вимір. Понад 5 хвилин — база не відповідає.",
                (Query(f"max({series(sinks.LAG)})", "чекає"),),
                unit="s",
                width=6,
                steps=((None, "green"), (300, "red")),
            ),
        ),
    )


def _worst(metric: Metric) -> str:
    return folded("max", series(metric), metric, ["site"])


def _total_rate(counter: Metric, by: str) -> str:
    return folded("sum", per_second(counter), counter, [by])
