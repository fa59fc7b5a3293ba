"""Owns the page of printers: what to order, what waits for a person, how much is printed."""

from agents.network import metrics as network
from dashboards.grafana.choices import ANSWERS, DEVICE, SITE, VALUE, community_and_site
from dashboards.grafana.panels import Dashboard, Panel, Query, Row
from dashboards.grafana.queries import folded, gear, seen_lately, series

ONE = "{{site}} {{device}}"
ORDER_BELOW = 0.2
SUPPLY, PAPER, PAGES = gear("printer_supply_ratio"), gear("printer_paper_ratio"), gear("printer_pages_total")
JAMMED, NO_PAPER, NO_TONER = (gear(f"printer_{state}_ratio") for state in ("jammed", "paper_out", "toner_out"))
FINE = "гаразд"
LEVELS = ((None, "red"), (0.1, "orange"), (ORDER_BELOW, "green"))


def printers() -> Dashboard:
    """The page «Бекет: принтери»."""
    return Dashboard(
        uid="beket-printers",
        title="Бекет: принтери",
        help="Що замовити, який принтер чекає на людину і скільки друкують.",
        variables=community_and_site(PAGES),
        rows=(_order(), _states(), _pages()),
    )


def _order() -> Row:
    """Printers sleep at night: what they said last within a day is what they have."""
    part = "{{site}} {{device}} {{part}}"
    return Row(
        "Що замовити",
        (
            Panel(
                "table",
                "Замовте ці картриджі",
                "Лишилося менше п'ятої частини. Порожньо — замовляти нічого.",
                (Query(f"sort({seen_lately(SUPPLY)} < {ORDER_BELOW})", ""),),
                unit="percentunit",
                width=12,
                columns=(SITE, DEVICE, ("part", "Що саме"), (VALUE, "Лишилося")),
                steps=LEVELS,
            ),
            Panel(
                "stat",
                "Запаси зараз",
                "Тонер, барабан, ємність для відпрацьованого. Червоне — друк ось-ось стане.",
                (Query(seen_lately(SUPPLY), part),),
                unit="percentunit",
                width=12,
                steps=LEVELS,
            ),
            Panel(
                "timeseries",
                "Запаси в часі",
                "Стрибок угору — картридж замінили; крутий схил — хтось друкує книги.",
                (Query(series(SUPPLY), part),),
                unit="percentunit",
                width=16,
            ),
            Panel(
                "stat",
                "Папір у лотках",
                "Лише принтери, які міряють папір.",
                (Query(seen_lately(PAPER), part),),
                unit="percentunit",
                steps=LEVELS,
            ),
        ),
    )


def _states() -> Row:
    def state(title: str, help: str, name: str, wrong: str) -> Panel:  # noqa: A002 - the panel's own word
        words = (("0", FINE, "green"), ("1", wrong, "red"))
        return Panel("state-timeline", title, help, (Query(series(gear(name)), ONE),), width=12, words=words)

    of_printers = f"{series(network.DEVICE_UP)} and on (community, site, device) {seen_lately(PAGES, '7d')}"
    return Row(
        "Стан",
        (
            Panel(
                "state-timeline",
                "Принтери: коли відповідали",
                "Уночі червоне — принтер вимикають; удень — кабель або живлення.",
                (Query(of_printers, ONE),),
                width=12,
                words=ANSWERS,
            ),
            state("Папір", "Червоне — немає паперу.", NO_PAPER.name, "немає паперу"),
            state("Застряг папір", "Червоне — застряг папір: відкрийте кришку.", JAMMED.name, "застряг"),
            state("Тонер", "Червоне — тонер скінчився.", NO_TONER.name, "скінчився"),
        ),
    )


def _pages() -> Row:
    """A counter of pages is the printer's own, of its whole life."""
    by_site = folded("sum", f"increase({series(PAGES)}[30d])", PAGES, ("site",))
    return Row(
        "Скільки друкують",
        (
            Panel(
                "stat",
                "Сторінок за 30 діб",
                "За показаннями самого принтера: для заміни запасів і ремонту.",
                (Query(f"increase({series(PAGES)}[30d])", ONE),),
            ),
            Panel(
                "timeseries",
                "Сторінок за добу",
                "Різко більше — спитайте, що друкують.",
                (Query(f"increase({series(PAGES)}[1d])", ONE),),
            ),
            Panel(
                "stat",
                "Надруковано за все життя",
                "Лічильник принтера. Понад 100 000 у малого принтера — чекайте ремонту.",
                (Query(seen_lately(PAGES), ONE),),
                steps=((None, "green"), (100_000, "orange")),
            ),
            Panel(
                "stat",
                "За об'єктами за 30 діб",
                "Де друкують найбільше: туди й кращий принтер.",
                (Query(by_site, "{{site}}"),),
                width=24,
                height=4,
            ),
        ),
    )
