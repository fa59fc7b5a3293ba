"""Owns the page of computers: how many are fit, what is not well with them, what follows, who is silent."""

from collector.assets import metrics as assets
from dashboards.grafana.choices import BAD_WHEN_ANY, DAY_S, SITE, VALUE, community_and_site
from dashboards.grafana.panels import Dashboard, Panel, Query, Row
from dashboards.grafana.queries import folded, series

FIT = ((None, "red"), (0.5, "orange"), (0.8, "green"))
HEARD = ((None, "green"), (2 * DAY_S, "orange"), (30 * DAY_S, "red"))
FINDINGS = (
    ("prohibited", "заборонені програми", "red"),
    ("unlicensed", "немає ліцензії", "red"),
    ("disk-failing", "диск відмовляє", "red"),
    ("system-ended", "система без оновлень", "red"),
    ("disk-worn", "диск псується", "orange"),
    ("memory-poor", "замало пам'яті", "orange"),
    ("memory-low", "мало пам'яті", "orange"),
    ("disk-slow", "повільний диск", "orange"),
    ("worn-out", "дуже старий", "orange"),
    ("old", "старий", "blue"),
    ("system-ending", "оновлення скоро скінчаться", "blue"),
    ("updates-late", "давно не оновлювався", "orange"),
    ("silent", "мовчить", "blue"),
    ("gone", "зник", "orange"),
)
FATES = (
    ("keep", "працює далі", "green"),
    ("reuse", "передати закладу", "blue"),
    ("write-off", "списати", "orange"),
)


def computers() -> Dashboard:
    """The page «Бекет: комп'ютери»."""
    return Dashboard(
        uid="beket-computers",
        title="Бекет: комп'ютери",
        help="Скільки комп'ютерів годиться для роботи, що з рештою, і що з ними робити далі.",
        variables=community_and_site(assets.KNOWN),
        rows=(_whole(), _findings(), _sites()),
    )


def _whole() -> Row:
    fit = f"{series(assets.MODERN)} * on (community, site) {series(assets.KNOWN)}"
    known = folded("sum", series(assets.KNOWN), assets.KNOWN, ())
    return Row(
        "Громада",
        (
            Panel(
                "stat",
                "Комп'ютерів",
                "Скільки комп'ютерів розповіли про себе.",
                (Query(known, "усього"),),
                width=6,
            ),
            Panel(
                "stat",
                "Годяться для роботи",
                "Оновлювана система, вдосталь пам'яті, справний швидкий диск. Стратегія починала з 70 %.",
                (Query(f"sum({fit}) / {known}", "частка"),),
                unit="percentunit",
                width=6,
                steps=FIT,
            ),
            Panel(
                "stat",
                "Потребують негайної уваги",
                "Заборонені програми, немає ліцензії чи оновлень, диск відмовляє. Має бути нуль.",
                (Query(folded("sum", series(assets.URGENT), assets.URGENT, ()), "комп'ютерів"),),
                width=6,
                steps=BAD_WHEN_ANY,
            ),
            Panel(
                "stat",
                "Найдавніший звіт",
                "Скільки мовчить той комп'ютер, якого не чути найдовше.",
                (Query(folded("max", series(assets.OLDEST_REPORT), assets.OLDEST_REPORT, ()), "найдовше"),),
                unit="s",
                width=6,
                steps=HEARD,
            ),
        ),
    )


def _findings() -> Row:
    by_reason = folded("sum", series(assets.FINDINGS), assets.FINDINGS, ("reason",))
    by_fate = folded("sum", series(assets.FATES), assets.FATES, ("reason",))
    return Row(
        "Що не гаразд і що далі",
        (
            Panel(
                "stat",
                "Вади зараз",
                "Заборонене й диски — сьогодні; оновлення — цього тижня; вік і пам'ять — у план закупівель.",
                (Query(by_reason, "{{reason}}"),),
                width=24,
                height=6,
                names=tuple((code, words) for code, words, _ in FINDINGS),
                steps=((None, "green"), (1, "orange")),
            ),
            Panel(
                "timeseries",
                "Комп'ютери за вадами",
                "Скільки комп'ютерів має кожну ваду. Лінії мають спадати.",
                (Query(by_reason, "{{reason}}"),),
                width=12,
                names=tuple((code, words) for code, words, _ in FINDINGS),
            ),
            Panel(
                "timeseries",
                "Комп'ютери за долею",
                "Скільки працює далі, скільки варто передати чи списати.",
                (Query(by_fate, "{{reason}}"),),
                width=12,
                names=tuple((code, words) for code, words, _ in FATES),
            ),
            Panel(
                "table",
                "Вади за об'єктами",
                "Де скільки комп'ютерів із вадою.",
                (Query(f"sort_desc({series(assets.FINDINGS)} > 0)", ""),),
                width=12,
                columns=(SITE, ("reason", "Вада"), (VALUE, "Комп'ютерів")),
                words=FINDINGS,
            ),
            Panel(
                "table",
                "Що робити, за об'єктами",
                "Скільки комп'ютерів працює далі, передати чи списати; списки з назвами — у Бекеті, «Списки».",
                (Query(f"sort_desc({series(assets.FATES)} > 0)", ""),),
                width=12,
                columns=(SITE, ("reason", "Що далі"), (VALUE, "Комп'ютерів")),
                words=FATES,
            ),
        ),
    )


def _sites() -> Row:
    return Row(
        "Об'єкти",
        (
            Panel(
                "timeseries",
                "Частка придатних за об'єктами",
                "Де комп'ютери годяться для роботи, а де ні.",
                (Query(series(assets.MODERN), "{{site}}"),),
                unit="percentunit",
                width=12,
            ),
            Panel(
                "stat",
                "Звіти за об'єктами",
                "Скільки мовчить той комп'ютер об'єкта, якого не чути найдовше.",
                (Query(series(assets.OLDEST_REPORT), "{{site}}"),),
                unit="s",
                width=12,
                steps=HEARD,
            ),
        ),
    )
