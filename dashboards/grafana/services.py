"""Owns the page of services: which fail and why, what ends soon, how fast they answer, how far clocks are apart."""

from agents.services import metrics as services
from agents.services.wording import WHAT
from dashboards.grafana.choices import DAY_S, REASON, SITE, WORKS, community_and_site
from dashboards.grafana.panels import Dashboard, Panel, Query, Row
from dashboards.grafana.queries import series

SERVICE = ("probe", "Служба")
TROUBLES = tuple((trouble.value, words.uk, "orange") for trouble, words in WHAT.items())
LEGEND = "{{site}} {{probe}}"


def services_page() -> Dashboard:
    """The page «Бекет: служби»."""
    return Dashboard(
        uid="beket-services",
        title="Бекет: служби",
        help="Сайти, пошта, імена, час, порти й потоки: що працює, якщо дивитися з об'єктів, і що скоро закінчиться.",
        variables=community_and_site(services.PROBE_UP),
        rows=(_now(), _ends(), _times()),
    )


def _now() -> Row:
    up = series(services.PROBE_UP)
    return Row(
        "Зараз",
        (
            Panel(
                "stat",
                "Служби",
                "Скільки служб працює і скільки їх усього.",
                (Query(f"sum({up})", "працюють"), Query(f"count({up})", "усього")),
                width=6,
            ),
            Panel(
                "table",
                "Що не так",
                "Служби, з якими щось негаразд, і що саме. Порожньо — усе гаразд.",
                (Query(f"{series(services.PROBE_TROUBLE)} == 1", ""),),
                width=18,
                columns=(SITE, SERVICE, REASON),
                words=TROUBLES,
            ),
            Panel(
                "state-timeline",
                "Коли працювали",
                "Зелене — працює, червоне — ні, порожнє — не перевірялося.",
                (Query(up, LEGEND),),
                width=24,
                words=WORKS,
            ),
        ),
    )


def _ends() -> Row:
    return Row(
        "Що закінчується",
        (
            Panel(
                "stat",
                "Сертифікати",
                "Скільки ще діє сертифікат. За 14 діб до кінця автоматичне поновлення вже мало б спрацювати.",
                (Query(series(services.PROBE_CERTIFICATE_LEFT), LEGEND),),
                unit="s",
                width=12,
                steps=((None, "red"), (7 * DAY_S, "orange"), (14 * DAY_S, "green")),
            ),
            Panel(
                "stat",
                "Домени",
                "Скільки ще оплачено домен.",
                (Query(series(services.PROBE_DOMAIN_LEFT), LEGEND),),
                unit="s",
                width=12,
                steps=((None, "red"), (7 * DAY_S, "orange"), (30 * DAY_S, "green")),
            ),
        ),
    )


def _times() -> Row:
    return Row(
        "Швидкість і час",
        (
            Panel(
                "timeseries",
                "За скільки відповідають",
                "Повний час однієї перевірки; для пошти — поки лист дійде.",
                (Query(series(services.PROBE_DURATION), LEGEND),),
                unit="s",
            ),
            Panel(
                "timeseries",
                "Сервери часу попереду агента",
                "Має бути близько нуля: інакше годинник об'єкта хибний, і час у записах оскаржать.",
                (Query(series(services.PROBE_CLOCK_OFFSET), LEGEND),),
                unit="s",
                is_signed=True,
            ),
            Panel(
                "timeseries",
                "Кроків до еталонного годинника",
                "До 5 — добре; 16 — сервер сам не знає часу.",
                (Query(series(services.PROBE_CLOCK_STRATUM), LEGEND),),
            ),
        ),
    )
