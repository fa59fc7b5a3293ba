"""Owns the page of internet providers: what each answers for, blackouts apart, and how good lines are."""

from agents.services import metrics as services
from beket.kernel.metrics import Metric
from dashboards.grafana.choices import ANSWERS, LIGHT, MONTH_S, WEEK_S, blackouts, community_and_site
from dashboards.grafana.panels import Dashboard, Panel, Query, Row
from dashboards.grafana.queries import folded, seen_lately, series

BY_PROVIDER, BY_LINE = ("provider",), ("provider", "site", "probe")
AVAILABLE = ((None, "red"), (0.99, "orange"), (0.999, "green"))
LOSSES = ((None, "green"), (0.02, "orange"), (0.1, "red"))
PROMISED = folded("max", seen_lately(services.LINK_PROMISED), services.LINK_PROMISED, BY_PROVIDER)
ONE_LINE = "{{site}} {{probe}} ({{provider}})"


def providers() -> Dashboard:
    """The page «Бекет: провайдери»."""
    return Dashboard(
        uid="beket-providers",
        title="Бекет: провайдери",
        help="Як кожен провайдер тримає лінії об'єктів. Хвилини без світла показано, але не враховано.",
        variables=community_and_site(services.LINK_UP),
        rows=(_card(), _month(), _times(), _quality()),
        marks=(blackouts(),),
    )


def _available(by: tuple[str, ...], window: str) -> str:
    """Share of the counted minutes in which lines worked; absent where nothing counts."""

    def total(operation: str, metric: Metric) -> str:
        return folded("sum", f"{operation}({series(metric)}[{window}])", metric, by)

    faults = total("sum_over_time", services.LINK_FAULT)
    judged = total("count_over_time", services.LINK_FAULT)
    dark = total("sum_over_time", services.LINK_BLACKOUT)
    return f"1 - {faults} / (({judged} - {dark}) > 0)"


def _month() -> Row:
    """What a claim to the provider is written from; the minutes are those that were measured."""
    down_s = f"avg_over_time({series(services.LINK_FAULT)}[30d]) * {MONTH_S}"
    return Row(
        "За 30 діб: для претензії",
        (
            Panel(
                "stat",
                "Провайдери за місяць",
                "Частка хвилин зі світлом, коли лінії провайдера працювали.",
                (Query(_available(BY_PROVIDER, "30d"), "{{provider}}"),),
                unit="percentunit",
                width=6,
                steps=AVAILABLE,
            ),
            Panel(
                "stat",
                "Лінії за місяць",
                "Те саме за кожною лінією.",
                (Query(_available(BY_LINE, "30d"), ONE_LINE),),
                unit="percentunit",
                width=6,
                steps=AVAILABLE,
            ),
            Panel(
                "stat",
                "Не працювала за місяць",
                "Скільки часу лінія мовчала при світлі. За це провайдер має зменшити плату.",
                (Query(down_s, ONE_LINE),),
                unit="s",
                width=6,
                steps=((None, "green"), (4 * 3600, "orange"), (24 * 3600, "red")),
            ),
            Panel(
                "stat",
                "Без світла за місяць",
                "Показано, але провайдерові не зараховано.",
                (Query(f"avg_over_time({series(services.LINK_BLACKOUT)}[30d]) * {MONTH_S}", ONE_LINE),),
                unit="s",
                width=6,
            ),
            Panel(
                "stat",
                "Обіцяно договором",
                "Яку частку місяця лінія має працювати: «Провайдери» в переліку. Порожньо — там не вказано.",
                (Query(PROMISED, "{{provider}}"),),
                unit="percentunit",
                width=12,
                height=4,
            ),
            Panel(
                "stat",
                "Проти обіцяного",
                "Мінус — провайдер винен: на стільки частина місяця, коли лінії працювали, менша за обіцяну.",
                (Query(f"{_available(BY_PROVIDER, '30d')} - {PROMISED}", "{{provider}}"),),
                unit="percentunit",
                width=12,
                height=4,
                steps=((None, "red"), (0, "green")),
            ),
            *_month_quality(),
        ),
    )


def _month_quality() -> tuple[Panel, ...]:
    return (
        Panel(
            "stat",
            "Втрати за місяць, середні",
            "Понад 2 % — привід для претензії.",
            (Query(_mean(services.LINK_LOSS, "30d"), "{{provider}}"),),
            unit="percentunit",
            steps=LOSSES,
        ),
        Panel(
            "stat",
            "Час туди й назад за місяць, середній",
            "У межах області — до 20 мс, до Києва — до 40.",
            (Query(_mean(services.LINK_LATENCY, "30d"), "{{provider}}"),),
            unit="s",
            steps=((None, "green"), (0.06, "orange"), (0.15, "red")),
        ),
        Panel(
            "stat",
            "Нерівність за місяць, середня",
            "Понад 30 мс — живі картинки й розмови смикаються.",
            (Query(_mean(services.LINK_JITTER, "30d"), "{{provider}}"),),
            unit="s",
            steps=((None, "green"), (0.03, "orange"), (0.1, "red")),
        ),
    )


def _card() -> Row:
    return Row(
        "Оцінка за сім діб",
        (
            Panel(
                "stat",
                "Лінії працювали",
                "Частка хвилин зі світлом, коли лінії працювали. Менше 99 % — понад 1,5 години за тиждень.",
                (Query(_available(BY_PROVIDER, "7d"), "{{provider}}"),),
                unit="percentunit",
                steps=AVAILABLE,
            ),
            Panel(
                "stat",
                "Лінія не працювала при світлі",
                "Скільки часу за сім діб кожна лінія мовчала, хоча світло на об'єкті було.",
                (
                    Query(
                        f"avg_over_time({series(services.LINK_FAULT)}[7d]) * {WEEK_S}",
                        ONE_LINE,
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
                steps=LOSSES,
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
                (Query(series(services.LINK_UP), ONE_LINE),),
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
    legend = ONE_LINE
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
