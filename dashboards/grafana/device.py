"""Owns the page of one network device: whether it answers, its ports, its inside, and what polling it costs."""

from agents.network import metrics as network
from beket.kernel.metrics import Metric
from collector import metrics as collector
from dashboards.grafana.choices import ANSWERS, BAD_WHEN_ANY, LINKED, WORKS, blackouts, community_and_site
from dashboards.grafana.panels import Dashboard, Panel, Query, Row, Variable
from dashboards.grafana.queries import gear, per_second, series

ONE = {"device": "$device"}


def device() -> Dashboard:
    """The page «Бекет: пристрій мережі»."""
    chosen = f'{network.DEVICE_UP.name}{{community=~"$community", site=~"$site"}}'
    return Dashboard(
        uid="beket-device",
        title="Бекет: пристрій мережі",
        help="Один комутатор, маршрутизатор чи точка доступу: чи відповідає, що на портах, чи повне опитування.",
        variables=(*community_and_site(), Variable("device", "Пристрій", chosen, is_many=False)),
        rows=(_now(), _ports(), _errors(), _inside(), _polling()),
        marks=(blackouts(),),
    )


def _now() -> Row:
    return Row(
        "Чи працює",
        (
            Panel(
                "table",
                "Що це за пристрій",
                "Модель і прошивка, як їх називає сам пристрій; решта, з датами, — у Бекеті: «Обладнання» → назва.",
                (Query(series(collector.DEVICE_INFO, **ONE), "модель"),),
                width=24,
                height=4,
                columns=(("model", "Модель"), ("firmware", "Прошивка")),
            ),
            Panel(
                "stat",
                "Відповідає",
                "Чи відповідає пристрій хоч на щось.",
                (Query(series(network.DEVICE_UP, **ONE), "зараз"),),
                width=4,
                words=ANSWERS,
            ),
            Panel(
                "stat",
                "SNMP",
                "Чи відповідає на SNMP. Мовчить, а пристрій живий — перевірте ключ (community).",
                (Query(series(network.DEVICE_SNMP_UP, **ONE), "зараз"),),
                width=4,
                words=ANSWERS,
            ),
            Panel(
                "stat",
                "Без перезапуску",
                "Скільки пристрій працює від останнього ввімкнення.",
                (Query(series(network.DEVICE_UPTIME, **ONE), "працює"),),
                unit="s",
                width=4,
            ),
            Panel(
                "state-timeline",
                "Коли відповідав",
                "Зелене — відповідав, червоне — мовчав.",
                (
                    Query(series(network.DEVICE_UP, **ONE), "пристрій"),
                    Query(series(network.DEVICE_SNMP_UP, **ONE), "SNMP"),
                ),
                width=12,
                words=ANSWERS,
            ),
            Panel(
                "timeseries",
                "Час відповіді",
                "Час до пристрою й назад; нерівність — на скільки один пакет іде довше за інший.",
                (
                    Query(series(network.DEVICE_PING_LATENCY, **ONE), "відповідь"),
                    Query(series(network.DEVICE_PING_JITTER, **ONE), "нерівність"),
                ),
                unit="s",
                width=12,
            ),
            Panel(
                "timeseries",
                "Втрачені пакети",
                "Понад 5 % — погане з'єднання або перевантажений пристрій.",
                (Query(series(network.DEVICE_PING_LOSS, **ONE), "втрати"),),
                unit="percentunit",
                width=12,
            ),
        ),
    )


def _ports() -> Row:
    use = f"{_rate(network.PORT_IN)} * 8 / ({series(network.PORT_SPEED, **ONE)} > 0)"
    return Row(
        "Порти",
        (
            Panel(
                "timeseries",
                "Отримує порт",
                "Швидкість на вході.",
                (Query(f"{_rate(network.PORT_IN)} * 8", "{{port}}"),),
                unit="bps",
            ),
            Panel(
                "timeseries",
                "Надсилає порт",
                "Швидкість на виході.",
                (Query(f"{_rate(network.PORT_OUT)} * 8", "{{port}}"),),
                unit="bps",
            ),
            Panel(
                "timeseries",
                "Завантаження порту",
                "Частка від швидкості порту. Довго понад 80 % — порт тісний.",
                (Query(use, "{{port}}"),),
                unit="percentunit",
            ),
            Panel(
                "state-timeline",
                "Зв'язок на портах",
                "Сіре — на порту нічого немає; часті зміни — поганий кабель.",
                (Query(series(network.PORT_UP, **ONE), "{{port}}"),),
                width=16,
                words=LINKED,
            ),
            Panel(
                "stat",
                "Лічильники почалися наново",
                "Коли від увімкнення пристрою лічильники порту востаннє почалися з нуля.",
                (Query(series(network.PORT_DISCONTINUITY, **ONE), "{{port}}"),),
                unit="s",
            ),
        ),
    )


def _errors() -> Row:
    return Row(
        "Помилки",
        (
            Panel(
                "timeseries",
                "Зіпсовані пакети на вході",
                "Більше нуля — кабель, модуль або дуплекс.",
                (Query(_rate(network.PORT_IN_ERRORS), "{{port}}"),),
                width=6,
            ),
            Panel(
                "timeseries",
                "Не надіслані пакети",
                "Пакети, які порт не зміг надіслати.",
                (Query(_rate(network.PORT_OUT_ERRORS), "{{port}}"),),
                width=6,
            ),
            Panel(
                "timeseries",
                "Відкинуті на вході",
                "Пристрій не встигає або пакети йому не потрібні.",
                (Query(_rate(network.PORT_IN_DISCARDS), "{{port}}"),),
                width=6,
            ),
            Panel(
                "timeseries",
                "Відкинуті на виході",
                "Порт завузький для того, що в нього йде.",
                (Query(_rate(network.PORT_OUT_DISCARDS), "{{port}}"),),
                width=6,
            ),
        ),
    )


def _inside() -> Row:
    """What families of gear tell of themselves; a device that measures none of it leaves these empty."""
    used, size = series(gear("storage_used_bytes"), **ONE), series(gear("storage_size_bytes"), **ONE)
    return Row(
        "Усередині",
        (
            Panel(
                "timeseries",
                "Процесор і пам'ять",
                "Довго понад 90 % — пристрій не встигає.",
                (
                    Query(series(gear("device_cpu_ratio"), **ONE), "процесор"),
                    Query(series(gear("device_memory_ratio"), **ONE), "пам'ять"),
                ),
                unit="percentunit",
            ),
            Panel(
                "timeseries",
                "Зайнята частка дисків",
                "Понад 90 % — звільніть місце.",
                (Query(f"{used} / {size}", "{{part}}"),),
                unit="percentunit",
            ),
            Panel(
                "state-timeline",
                "Частини справні",
                "Диски, блоки живлення, вентилятори. Червоне — замініть, доки працює друга.",
                (Query(series(gear("device_part_ok_ratio"), **ONE), "{{part}}"),),
                words=WORKS,
            ),
            _sensor(
                "sensor_temperature_celsius", "Температура", "Понад 60 °C на платі — пил або вентилятор.", "celsius"
            ),
            _sensor("sensor_fan_rpm", "Вентилятори", "Нуль — вентилятор став.", "rotrpm"),
            _sensor(
                "sensor_light_dbm", "Світло в оптиці", "Слабше −25 дБм — брудний роз'єм або зігнуте волокно.", "dBm"
            ),
            _sensor("sensor_voltage_volts", "Напруга", "Рівна; стрибки — блок живлення.", "volt", 6),
            _sensor("sensor_current_amperes", "Струм", "Скільки бере пристрій або розетка.", "amp", 6),
            _sensor("sensor_power_watts", "Потужність", "Скільки споживає, зокрема через PoE.", "watt", 6),
            _sensor(
                "sensor_humidity_ratio", "Вологість", "40–60 % добре; понад 80 % — роса на платах.", "percentunit", 6
            ),
        ),
    )


def _sensor(name: str, title: str, help: str, unit: str, width: int = 8) -> Panel:  # noqa: A002 - the panel's own word
    one = Query(series(gear(name), **ONE), "{{part}}")
    return Panel("timeseries", title, help, (one,), unit=unit, width=width, is_signed=True)


def _polling() -> Row:
    return Row(
        "Опитування",
        (
            Panel(
                "timeseries",
                "Тривалість опитування",
                "Скільки часу пристрій відповідає на всі запитання.",
                (Query(series(network.DEVICE_POLL_DURATION, **ONE), "опитування"),),
                unit="s",
            ),
            Panel(
                "timeseries",
                "Прочитано значень",
                "Раптом менше — частина таблиць не читається.",
                (Query(series(network.DEVICE_POLL_VALUES, **ONE), "значень"),),
            ),
            Panel(
                "timeseries",
                "Неповні опитування",
                "За секунду, за причиною. Має бути нуль.",
                (Query(_rate(network.DEVICE_POLL_INCOMPLETE), "{{reason}}"),),
            ),
            Panel(
                "stat",
                "Пропущені опитування за добу",
                "На них не вистачило часу: пристрій відповідає повільніше, ніж його питають.",
                (Query(f"increase({series(network.POLLS_MISSED, **ONE)}[24h])", "пропущено"),),
                width=12,
                height=4,
                steps=BAD_WHEN_ANY,
            ),
            Panel(
                "stat",
                "Повідомлень (traps) за добу",
                "Скільки разів пристрій сам покликав; Бекет тоді питає його одразу.",
                (Query(f"increase({series(network.TRAPS_HEARD, **ONE)}[24h])", "повідомлень"),),
                width=12,
                height=4,
            ),
        ),
    )


def _rate(counter: Metric) -> str:
    return per_second(counter, **ONE)
