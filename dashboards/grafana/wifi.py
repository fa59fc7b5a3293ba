"""Owns the page of Wi-Fi: how many are in each zone (never who), whether access points live, how clean the air is."""

from agents.network import metrics as network
from dashboards.grafana.choices import ANSWERS, DEVICE, SITE, VALUE, blackouts, community_and_site
from dashboards.grafana.panels import Dashboard, Panel, Query, Row
from dashboards.grafana.queries import folded, gear, per_second, seen_lately, series

CLIENTS = gear("device_wifi_clients_count")
RADIO = "{{site}} {{device}} {{part}}"


def wifi() -> Dashboard:
    """The page «Бекет: зони Wi-Fi»."""
    return Dashboard(
        uid="beket-wifi",
        title="Бекет: зони Wi-Fi",
        help="Скільки людей користується Wi-Fi і де, чи працюють точки, чи чистий ефір. Лише кількість, без осіб.",
        variables=community_and_site(CLIENTS),
        rows=(_zones(), _points(), _air()),
        marks=(blackouts(),),
    )


def _zones() -> Row:
    now = series(CLIENTS)
    return Row(
        "Скільки під'єднано",
        (
            Panel(
                "stat",
                "Зараз на об'єктах",
                "Телефони й комп'ютери в Wi-Fi цієї хвилини. Хто саме — Бекет не знає.",
                (Query(folded("sum", now, CLIENTS, ("site",)), "{{site}}"),),
                width=6,
            ),
            Panel(
                "table",
                "За зонами зараз",
                "Скільки в кожній мережі кожної точки. Понад 30 на одній точці — поставте ще одну.",
                (Query(now, ""),),
                width=10,
                columns=(SITE, DEVICE, ("part", "Зона"), (VALUE, "Під'єднано")),
                steps=((None, "green"), (30, "orange"), (60, "red")),
            ),
            Panel(
                "stat",
                "Найбільше за добу",
                "Скільки було разом на точці в найлюдніший час.",
                (
                    Query(
                        folded("sum", f"max_over_time({now}[1d])", CLIENTS, ("site", "device")), "{{site}} {{device}}"
                    ),
                ),
            ),
            Panel(
                "timeseries",
                "Під'єднано в часі",
                "За зонами. Нуль удень, де завжди люди, — мережа не пускає: перевірте пароль і DHCP.",
                (Query(now, RADIO),),
                width=24,
            ),
        ),
    )


def _points() -> Row:
    have_wifi = f"and on (community, site, device) {seen_lately(CLIENTS, '7d')}"
    point = "{{site}} {{device}}"
    return Row(
        "Точки доступу",
        (
            Panel(
                "state-timeline",
                "Коли точки відповідали",
                "Червоне — точка мовчала. Разом зі світлом — відключення, сама — живлення PoE або кабель.",
                (Query(f"{series(network.DEVICE_UP)} {have_wifi}", point),),
                width=12,
                words=ANSWERS,
            ),
            Panel(
                "stat",
                "Без перезапуску",
                "Мало, а світло було — точка перезапускається сама: блок живлення або перегрів.",
                (Query(f"{series(network.DEVICE_UPTIME)} {have_wifi}", point),),
                unit="s",
                width=6,
            ),
            Panel(
                "timeseries",
                "Трафік точок",
                "Отримують усі порти точки разом.",
                (
                    Query(
                        f"sum by (community, site, device) ({per_second(network.PORT_IN)} * 8) {have_wifi}",
                        point,
                    ),
                ),
                unit="bps",
                width=6,
            ),
        ),
    )


def _air() -> Row:
    signal, noise = series(gear("radio_signal_dbm")), series(gear("radio_noise_dbm"))
    return Row(
        "Ефір і радіомости",
        (
            Panel(
                "timeseries",
                "Зайнятість ефіру",
                "Понад 60 % — на цьому каналі тісно: змініть канал точки.",
                (Query(series(gear("radio_busy_ratio")), RADIO),),
                unit="percentunit",
            ),
            Panel(
                "timeseries",
                "Сигнал радіомоста",
                "Слабше −75 дБм або раптом слабше — антену зрушило, між антенами виросло дерево.",
                (Query(signal, RADIO),),
                unit="dBm",
                is_signed=True,
            ),
            Panel(
                "timeseries",
                "Шум",
                "Ближче до нуля — гірше: поруч хтось працює на цьому каналі.",
                (Query(noise, RADIO),),
                unit="dBm",
                is_signed=True,
            ),
            Panel(
                "stat",
                "Сигнал над шумом",
                "Понад 25 дБ добре, менше 15 — міст рветься в дощ і сніг.",
                (Query(f"{signal} - {noise}", RADIO),),
                unit="dB",
                width=6,
                steps=((None, "red"), (15, "orange"), (25, "green")),
            ),
            Panel(
                "timeseries",
                "Якість радіомоста",
                "Частка пакетів без повторів. Менше 80 % — завади або перекошена антена.",
                (Query(series(gear("radio_quality_ratio")), RADIO),),
                unit="percentunit",
                width=6,
            ),
            Panel(
                "timeseries",
                "Швидкість передавання в ефірі",
                "Про яку швидкість домовилися антени; падає разом із сигналом.",
                (Query(series(gear("radio_tx_bps")), RADIO),),
                unit="bps",
                width=6,
            ),
            Panel(
                "timeseries",
                "Швидкість приймання в ефірі",
                "Значно менша за передавання — на тому кінці завади.",
                (Query(series(gear("radio_rx_bps")), RADIO),),
                unit="bps",
                width=6,
            ),
        ),
    )
