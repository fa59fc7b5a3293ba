"""Owns the page of electricity: where the light was out and how long, and how UPSs bear it."""

from agents.services import metrics as services
from dashboards.grafana.choices import (
    BAD_WHEN_ANY,
    LIGHT,
    WEEK_S,
    blackouts,
    community_and_site,
)
from dashboards.grafana.panels import Dashboard, Panel, Query, Row
from dashboards.grafana.queries import folded, gear, series

ONE_UPS = "{{site}} {{device}}"
FEEDS = (("0", "від мережі", "green"), ("1", "від батареї", "orange"))
BATTERY = (("0", "гаразд", "green"), ("1", "сідає", "red"))
WORN = (("0", "справна", "green"), ("1", "пора міняти", "red"))
TESTED = (("1", "пройшов", "green"), ("0", "не пройшов", "red"))
LEFT = ((None, "red"), (600, "orange"), (1200, "green"))


def power() -> Dashboard:
    """The page «Бекет: світло й ДБЖ»."""
    return Dashboard(
        uid="beket-power",
        title="Бекет: світло й ДБЖ",
        help="Де й скільки не було світла, чи тримають ДБЖ і яку батарею пора міняти.",
        variables=community_and_site(services.SITE_LIGHT),
        rows=(_light(), _now(), _in_time(), _mains()),
        marks=(blackouts(),),
    )


def _light() -> Row:
    light = series(services.SITE_LIGHT)
    return Row(
        "Світло на об'єктах",
        (
            Panel(
                "state-timeline",
                "Коли не було світла",
                "За словами ДБЖ, а без нього — коли разом замовкло все, що від мережі. Порожнє — невідомо.",
                (Query(light, "{{site}}"),),
                width=24,
                words=LIGHT,
            ),
            Panel(
                "stat",
                "Світло зараз",
                "Чи є світло на об'єкті цієї хвилини.",
                (Query(light, "{{site}}"),),
                words=LIGHT,
            ),
            Panel(
                "stat",
                "Без світла за тиждень",
                "Скільки з семи діб було темно, за виміряними хвилинами. Комп'ютер без ДБЖ темряви не міряє.",
                (Query(f"(1 - avg_over_time({light}[7d])) * {WEEK_S}", "{{site}}"),),
                unit="s",
                steps=((None, "green"), (4 * 3600, "orange"), (24 * 3600, "red")),
            ),
            Panel(
                "stat",
                "Відключень за тиждень",
                "Скільки разів світло зникало за сім діб.",
                (Query(f"resets({light}[7d])", "{{site}}"),),
                steps=((None, "green"), (3, "orange"), (14, "red")),
            ),
        ),
    )


def _now() -> Row:
    return Row(
        "ДБЖ зараз",
        (
            _stat("ups_on_battery_ratio", "Від чого живить", "Від батареї — світла немає або запобіжник.", words=FEEDS),
            _stat(
                "ups_left_seconds",
                "На скільки вистачить",
                "Оцінка самого ДБЖ за теперішнього навантаження. Менше 10 хвилин — батарея замала або стара.",
                unit="s",
                steps=LEFT,
            ),
            _stat(
                "ups_charge_ratio",
                "Заряд батареї",
                "Довго не росте до 100 % при світлі — батарея стара.",
                unit="percentunit",
                steps=((None, "red"), (0.3, "orange"), (0.8, "green")),
            ),
            _stat(
                "ups_battery_low_ratio", "Чи сідає батарея", "Сідає — за кілька хвилин усе вимкнеться.", words=BATTERY
            ),
            _stat(
                "ups_battery_worn_ratio",
                "Знос батареї",
                "Пора міняти — купіть батарею такої самої напруги й ємності.",
                words=WORN,
            ),
            _stat(
                "ups_test_passed_ratio",
                "Остання самоперевірка",
                "Не пройшов — батарея не витримає відключення. Порожньо — ДБЖ себе не перевіряє: увімкніть це в ньому.",
                words=TESTED,
            ),
            _stat(
                "ups_load_ratio",
                "Навантаження",
                "Понад 80 % — приберіть щось із ДБЖ: при перевантаженні він вимкне все.",
                unit="percentunit",
                steps=((None, "green"), (0.8, "orange"), (1, "red")),
            ),
        ),
    )


def _stat(
    name: str,
    title: str,
    help: str,  # noqa: A002 - the panel's own word
    *,
    unit: str = "short",
    words: tuple[tuple[str, str, str], ...] = (),
    steps: tuple[tuple[float | None, str], ...] = BAD_WHEN_ANY,
) -> Panel:
    return Panel(
        "stat", title, help, (Query(series(gear(name)), ONE_UPS),), unit=unit, height=6, words=words, steps=steps
    )


def _in_time() -> Row:
    charge = gear("ups_charge_ratio")
    warmth = gear("sensor_temperature_celsius")
    return Row(
        "Батареї в часі",
        (
            Panel(
                "timeseries",
                "Заряд у часі",
                "Падає крутіше, ніж торік, — батарея стара.",
                (Query(series(charge), ONE_UPS),),
                unit="percentunit",
            ),
            Panel(
                "timeseries",
                "Лишилося часу",
                "На скільки вистачить батареї, за оцінкою ДБЖ.",
                (Query(series(gear("ups_left_seconds")), ONE_UPS),),
                unit="s",
            ),
            Panel(
                "timeseries",
                "Скільки вже від батареї",
                "Пилка — відключення; її висота — скільки ДБЖ тримав.",
                (Query(series(gear("ups_on_battery_seconds")), ONE_UPS),),
                unit="s",
            ),
            Panel(
                "timeseries",
                "Навантаження в часі",
                "Стрибок — у ДБЖ увімкнули щось зайве: обігрівач, чайник, лазерний принтер.",
                (Query(series(gear("ups_load_ratio")), ONE_UPS),),
                unit="percentunit",
            ),
            Panel(
                "timeseries",
                "Напруга батареї",
                "Під зарядом рівна; просідає без навантаження — батарея стара.",
                (Query(series(gear("ups_battery_volts")), ONE_UPS),),
                unit="volt",
            ),
            Panel(
                "timeseries",
                "Тепло біля батареї",
                "Понад 30 °C батарея живе вдвічі менше: посуньте ДБЖ від батареї опалення.",
                (
                    Query(
                        f"{series(warmth)} and on (community, site, device) {series(charge)}",
                        "{{site}} {{device}} {{part}}",
                    ),
                ),
                unit="celsius",
                is_signed=True,
            ),
        ),
    )


def _mains() -> Row:
    part = "{{site}} {{device}} {{part}}"
    lowest = folded("min", series(gear("ups_input_volts")), gear("ups_input_volts"), ("site",))
    return Row(
        "Мережа 230 В",
        (
            Panel(
                "timeseries",
                "Напруга на вході",
                "Норма 207–253 В. Часто поза нею — звертайтеся до обленерго з цим графіком.",
                (Query(series(gear("ups_input_volts")), part),),
                unit="volt",
            ),
            Panel(
                "timeseries",
                "Напруга на виході",
                "Те, що отримує обладнання.",
                (Query(series(gear("ups_output_volts")), part),),
                unit="volt",
            ),
            Panel(
                "timeseries",
                "Найнижча напруга об'єкта",
                "Нуль — світла немає; 180–200 — слабка лінія в селі.",
                (Query(lowest, "{{site}}"),),
                unit="volt",
            ),
        ),
    )
