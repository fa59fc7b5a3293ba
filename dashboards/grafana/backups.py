"""Owns the page of copies: how old they are, whether a restore was proven, and the repositories at the centre."""

from backup import metrics as backup
from beket.kernel.metrics import Metric
from dashboards.grafana.choices import (
    BAD_WHEN_ANY,
    DAY_S,
    HOST,
    LATENESS,
    OUTCOMES,
    PLAN,
    PROOFS,
    REASON,
    SITE,
    STANDINGS,
    community_and_site,
)
from dashboards.grafana.panels import Dashboard, Panel, Query, Row
from dashboards.grafana.queries import per_second, series

Steps = tuple[tuple[float | None, str], ...]
FRESHNESS = ((None, "green"), (2 * DAY_S, "orange"), (7 * DAY_S, "red"))
GOOD: Steps = ((None, "green"),)
PLAN_LEGEND, HOST_LEGEND = "{{site}} {{plan}}", "{{site}} {{agent}}"
PROVEN = ((None, "green"), (35 * DAY_S, "orange"), (100 * DAY_S, "red"))


def backups() -> Dashboard:
    """The page «Бекет: резервні копії»."""
    return Dashboard(
        uid="beket-backups",
        title="Бекет: резервні копії",
        help="Чи свіжі копії, чи доведено, що з них можна відновити, і чи цілі сховища.",
        variables=community_and_site(backup.SNAPSHOT_AGE),
        rows=(_plans(), _runs(), _repositories(), _walk()),
    )


def _now(title: str, help: str, metric: Metric, legend: str, unit: str = "short", steps: Steps = GOOD) -> Panel:  # noqa: A002
    """One metric as it stands now."""
    return Panel("stat", title, help, (Query(series(metric), legend),), unit=unit, steps=steps)


def _in_time(title: str, help: str, metric: Metric, legend: str, unit: str = "short") -> Panel:  # noqa: A002
    """One metric as it went."""
    return Panel("timeseries", title, help, (Query(series(metric), legend),), unit=unit)


def _plans() -> Row:
    return Row(
        "Плани",
        (
            _now(
                "Вік найновішої копії",
                "Понад дві доби — копіювання відстає.",
                backup.SNAPSHOT_AGE,
                PLAN_LEGEND,
                unit="s",
                steps=FRESHNESS,
            ),
            _now(
                "Вік останньої повної копії",
                "Копія, в яку ввійшло все. Старіша за найновішу — якісь файли не читаються.",
                backup.WHOLE_AGE,
                PLAN_LEGEND,
                unit="s",
                steps=FRESHNESS,
            ),
            _now(
                "Від доведеного відновлення",
                "Скільки минуло, відколи перевірка відновила файли й порівняла їх.",
                backup.DRILL_AGE,
                PLAN_LEGEND,
                unit="s",
                steps=PROVEN,
            ),
            Panel(
                "table",
                "Наслідок останнього копіювання",
                "Чим закінчилося останнє копіювання кожного плану.",
                (Query(f"{series(backup.LAST_OUTCOME)} == 1", ""),),
                width=12,
                columns=(SITE, PLAN, REASON),
                words=OUTCOMES,
            ),
            Panel(
                "table",
                "Чи вчасно копіюють",
                "Кожен план за його власним строком, як бачить центр, навіть коли комп'ютер мовчить.",
                (Query(f"{series(backup.PLAN_LATENESS)} == 1", ""),),
                width=12,
                columns=(SITE, HOST, PLAN, REASON),
                words=LATENESS,
            ),
            Panel(
                "table",
                "Чи доведено відновлення",
                "Кожен план за строком його перевірок, як бачить центр.",
                (Query(f"{series(backup.PLAN_PROOF)} == 1", ""),),
                width=12,
                columns=(SITE, HOST, PLAN, REASON),
                words=PROOFS,
            ),
            Panel(
                "timeseries",
                "Вік копій у часі",
                "Пилка — копії роблять вчасно; довгий схил — ні.",
                (Query(series(backup.SNAPSHOT_AGE), PLAN_LEGEND),),
                unit="s",
                width=12,
            ),
        ),
    )


def _runs() -> Row:
    return Row(
        "Копіювання",
        (
            _in_time(
                "Обсяг копії",
                "Скільки даних охоплено. Різко менше — щось перестало копіюватися.",
                backup.COPIED_BYTES,
                PLAN_LEGEND,
                unit="bytes",
            ),
            _in_time(
                "Додано нового",
                "Скільки нового додала остання копія: стільки йде каналом.",
                backup.ADDED_BYTES,
                PLAN_LEGEND,
                unit="bytes",
            ),
            _in_time("Тривалість", "Скільки тривало останнє копіювання.", backup.DURATION, PLAN_LEGEND, unit="s"),
        ),
    )


def _repositories() -> Row:
    return Row(
        "Сховища в центрі",
        (
            Panel(
                "table",
                "Як стоять копії",
                "Що центр бачить за самими файлами, хай що каже комп'ютер.",
                (Query(f"{series(backup.REPOSITORY_STANDING)} == 1", ""),),
                columns=(SITE, HOST, REASON),
                words=STANDINGS,
            ),
            _now(
                "Вік копії за файлами",
                "Вік найновішої цілої копії у сховищі.",
                backup.REPOSITORY_AGE,
                HOST_LEGEND,
                unit="s",
                steps=FRESHNESS,
            ),
            _in_time("Копій у сховищі", "Скільки знімків лежить.", backup.REPOSITORY_SNAPSHOTS, HOST_LEGEND),
            _in_time(
                "Розмір сховищ",
                "Росте рівно — добре; стрибок — хтось почав копіювати зайве.",
                backup.REPOSITORY_BYTES,
                HOST_LEGEND,
                unit="bytes",
            ),
            _now(
                "Зайнято з дозволеного",
                "Понад 90 % — наступна копія може не вміститися.",
                backup.REPOSITORY_QUOTA,
                HOST_LEGEND,
                unit="percentunit",
                steps=((None, "green"), (0.75, "orange"), (0.9, "red")),
            ),
            Panel(
                "timeseries",
                "Приріст за добу",
                "Скільки додалося від учора. Стрибок у кілька разів — перевірте, чи це не зловмисник.",
                (Query(f"delta({series(backup.REPOSITORY_BYTES)}[1d])", HOST_LEGEND),),
                unit="bytes",
            ),
            _now(
                "Найдавніший замок",
                "Довше пів години замок сам не живе: його господар загинув. Зніме beket backup check.",
                backup.REPOSITORY_LOCK_AGE,
                HOST_LEGEND,
                unit="s",
                steps=((None, "green"), (3600, "orange"), (DAY_S, "red")),
            ),
            _now(
                "Незнайомі ключі",
                "Ключі, яких центр не робив. Будь-який — привід розібратися, хто його додав.",
                backup.REPOSITORY_UNKNOWN_KEYS,
                HOST_LEGEND,
                steps=BAD_WHEN_ANY,
            ),
        ),
    )


def _walk() -> Row:
    return Row(
        "Нічний обхід: чи цілі файли",
        (
            Panel(
                "stat",
                "Пошкоджені файли",
                "Файли, чий вміст не відповідає назві. Має бути нуль.",
                (Query(series(backup.REPOSITORY_DAMAGED), "{{site}} {{agent}}"),),
                width=6,
                steps=BAD_WHEN_ANY,
            ),
            Panel(
                "stat",
                "Від повного обходу",
                "Скільки минуло, відколи все перечитано.",
                (Query(series(backup.WALK_AGE), "минуло"),),
                unit="s",
                width=6,
                steps=((None, "green"), (14 * DAY_S, "orange"), (35 * DAY_S, "red")),
            ),
            Panel(
                "stat",
                "Пройдено",
                "Яку частку сховищ уже перечитано цього разу.",
                (Query(series(backup.WALK_PROGRESS), "пройдено"),),
                unit="percentunit",
                width=6,
            ),
            Panel(
                "timeseries",
                "Швидкість обходу",
                "Скільки перечитується за секунду.",
                (Query(per_second(backup.WALKED_BYTES), "обхід"),),
                unit="Bps",
                width=6,
            ),
        ),
    )
