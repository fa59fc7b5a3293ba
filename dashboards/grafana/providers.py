"""Owns the page of internet providers: what each answers for, blackouts apart, and how good lines are."""

from agents.services import metrics as services
from beket.kernel.metrics import Metric
from dashboards.grafana.choices import ANSWERS, DAY_S, community_and_site
from dashboards.grafana.panels import Dashboard, Panel, Query, Row
from dashboards.grafana.queries import folded, series

WEEK_S = 7 * DAY_S
LIGHT = (("1", "світло є", "green"), ("0", "світла немає", "dark-gray"))
BY_PROVIDER, BY_LINE = ("provider",), ("provider", "site", "probe")


def providers() -> Dashboard:
    """The page «Бекет: провайдери»."""
    return Dashboard(
        uid="beket-providers",
        title="Бекет: провайдери",
        help="Як кожен провайдер тримає лінії об'єктів. Хвилини без світла показано, але не враховано.",
        variables=community_and_site(services.LINK_UP),
        rows=(_card(), _times(), _quality()),
    )


def _over_week(operation: str, metric: Metric, by: tuple[str, ...]) -> str:
    return folded("sum", f"{operation}({series(metric)}[7d])", metric, by)


def _available(by: tuple[str, ...]) -> str:
    """Share of the counted minutes in which lines worked; absent where nothing counts."""
    faults = _over_week("sum_over_time", services.LINK_FAULT, by)
    judged = _over_week("count_over_time", services.LINK_FAULT, by)
    dark = _over_week("sum_over_time", services.LINK_BLACKOUT, by)
    return f"1 - {faults} / (({judged} - {dark}) > 0)"


def _card() -> Row:
    return Row(
        "Оцінка за сім діб",
        (
            Panel(
                "stat",
                "Лінії працювали",
                "Частка хвилин зі світлом, коли лінії працювали. Менше 99 % — понад 1,5 години за тиждень.",
                (Query(_available(BY_PROVIDER), "{{provider}}"),),
                unit="percentunit",
                steps=((None, "red"), (0.99, "orange"), (0.999, "green")),
            ),
            Panel(
                "stat",
                "Лінія не працювала при світлі",
                "Скільки часу за сім діб кожна лінія мовчала, хоча світло на об'єкті було.",
                (
                    Query(
                        f"avg_over_time({series(services.LINK_FAULT)}[7d]) * {WEEK_S}",
                        "{{site}} {{probe}} ({{provider}})",
                    ),
                ),
                unit="s",
                steps=((None, "green"), (3600, "orange"), (4 * 3600, "red")),
            ),
            Panel(
                "stat",
                "Без світла, не враховано",
                "Скільки часу за сім діб на об'єкті не було світла. Провайдер за це не відповідає.",
                (Query(f"avg_over_time({series(services.LINK_BLACKOUT)}[7d]) * {WEEK_S}", "{{site}} {{probe}}"),),
                unit="s",
            ),
            Panel(
                "stat",
                "Виміряно за добу",
                "Скільки разів лінію виміряно. Щохвилини — 1440; менше — комп'ютер Бекета на об'єкті не працював.",
                (Query(f"count_over_time({series(services.LINK_UP)}[24h])", "{{site}} {{probe}}"),),
                width=12,
                height=6,
            ),
            Panel(
                "stat",
                "Втрати за добу, середні",
                "Яка частка пакетів губиться. Понад 2 % уже чути в розмовах і видно в картинках.",
                (Query(_mean(services.LINK_LOSS, "24h"), "{{provider}}"),),
                unit="percentunit",
                width=12,
                height=6,
                steps=((None, "green"), (0.02, "orange"), (0.1, "red")),
            ),
        ),
    )


def _mean(metric: Metric, window: str) -> str:
    return folded("avg", f"avg_over_time({series(metric)}[{window}])", metric, BY_PROVIDER)


def _times() -> Row:
    return Row(
        "Коли працювали",
        (
            Panel(
                "state-timeline",
                "Лінії",
                "Червоне — вузол за лінією не відповідав; порожнє — не вимірювалося.",
                (Query(series(services.LINK_UP), "{{site}} {{probe}} ({{provider}})"),),
                width=12,
                words=ANSWERS,
            ),
            Panel(
                "state-timeline",
                "Світло на об'єктах",
                "За словами ДБЖ, а без нього — коли разом замовкло все, що від мережі. Порожнє — невідомо.",
                (Query(series(services.SITE_LIGHT), "{{site}}"),),
                width=12,
                words=LIGHT,
            ),
        ),
    )


def _quality() -> Row:
    legend = "{{site}} {{probe}} ({{provider}})"
    return Row(
        "Якість ліній",
        (
            Panel(
                "timeseries",
                "Втрати пакетів",
                "Щохвилини десять пакетів. Росте ввечері — лінія перевантажена.",
                (Query(series(services.LINK_LOSS), legend),),
                unit="percentunit",
            ),
            Panel(
                "timeseries",
                "Час туди й назад",
                "До вузла за лінією провайдера.",
                (Query(series(services.LINK_LATENCY), legend),),
                unit="s",
            ),
            Panel(
                "timeseries",
                "Нерівність",
                "На скільки один пакет іде довше за інший. Понад 30 мс — живі картинки смикаються.",
                (Query(series(services.LINK_JITTER), legend),),
                unit="s",
            ),
        ),
    )
