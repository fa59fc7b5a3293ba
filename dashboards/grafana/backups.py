"""Owns the page of copies: how old they are, whether a restore was proven, and the repositories at the centre."""

from backup import metrics as backup
from dashboards.grafana.choices import (
    BAD_WHEN_ANY,
    DAY_S,
    HOST,
    OUTCOMES,
    PLAN,
    REASON,
    SITE,
    STANDINGS,
    community_and_site,
)
from dashboards.grafana.panels import Dashboard, Panel, Query, Row
from dashboards.grafana.queries import per_second, series

FRESHNESS = ((None, "green"), (2 * DAY_S, "orange"), (7 * DAY_S, "red"))
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


def _plans() -> Row:
    plan = "{{site}} {{plan}}"
    return Row(
        "Плани",
        (
            Panel(
                "stat",
                "Вік найновішої копії",
                "Понад дві доби — копіювання відстає.",
                (Query(series(backup.SNAPSHOT_AGE), plan),),
                unit="s",
                steps=FRESHNESS,
            ),
            Panel(
                "stat",
                "Вік останньої повної копії",
                "Копія, в яку ввійшло все. Старіша за найновішу — якісь файли не читаються.",
                (Query(series(backup.WHOLE_AGE), plan),),
                unit="s",
                steps=FRESHNESS,
            ),
            Panel(
                "stat",
                "Від доведеного відновлення",
                "Скільки минуло, відколи перевірка відновила файли й порівняла їх.",
                (Query(series(backup.DRILL_AGE), plan),),
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
                "timeseries",
                "Вік копій у часі",
                "Пилка — копії роблять вчасно; довгий схил — ні.",
                (Query(series(backup.SNAPSHOT_AGE), plan),),
                unit="s",
                width=12,
            ),
        ),
    )


def _runs() -> Row:
    plan = "{{site}} {{plan}}"
    return Row(
        "Копіювання",
        (
            Panel(
                "timeseries",
                "Обсяг копії",
                "Скільки даних охоплено. Різко менше — щось перестало копіюватися.",
                (Query(series(backup.COPIED_BYTES), plan),),
                unit="bytes",
            ),
            Panel(
                "timeseries",
                "Додано нового",
                "Скільки нового додала остання копія: стільки йде каналом.",
                (Query(series(backup.ADDED_BYTES), plan),),
                unit="bytes",
            ),
            Panel(
                "timeseries",
                "Тривалість",
                "Скільки тривало останнє копіювання.",
                (Query(series(backup.DURATION), plan),),
                unit="s",
            ),
        ),
    )


def _repositories() -> Row:
    host = "{{site}} {{agent}}"
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
            Panel(
                "stat",
                "Вік копії за файлами",
                "Вік найновішої цілої копії у сховищі.",
                (Query(series(backup.REPOSITORY_AGE), host),),
                unit="s",
                steps=FRESHNESS,
            ),
            Panel(
                "timeseries",
                "Копій у сховищі",
                "Скільки знімків лежить.",
                (Query(series(backup.REPOSITORY_SNAPSHOTS), host),),
            ),
            Panel(
                "timeseries",
                "Розмір сховищ",
                "Росте рівно — добре; стрибок — хтось почав копіювати зайве.",
                (Query(series(backup.REPOSITORY_BYTES), host),),
                unit="bytes",
            ),
            Panel(
                "stat",
                "Зайнято з дозволеного",
                "Понад 90 % — наступна копія може не вміститися.",
                (Query(series(backup.REPOSITORY_QUOTA), host),),
                unit="percentunit",
                steps=((None, "green"), (0.75, "orange"), (0.9, "red")),
            ),
            Panel(
                "timeseries",
                "Приріст за добу",
                "Скільки додалося від учора. Стрибок у кілька разів — перевірте, чи це не зловмисник.",
                (Query(f"delta({series(backup.REPOSITORY_BYTES)}[1d])", host),),
                unit="bytes",
            ),
            Panel(
                "stat",
                "Найдавніший замок",
                "Довше пів години замок сам не живе: його господар загинув. Зніме beket backup check.",
                (Query(series(backup.REPOSITORY_LOCK_AGE), host),),
                unit="s",
                steps=((None, "green"), (3600, "orange"), (DAY_S, "red")),
            ),
            Panel(
                "stat",
                "Незнайомі ключі",
                "Ключі, яких центр не робив. Будь-який — привід розібратися, хто його додав.",
                (Query(series(backup.REPOSITORY_UNKNOWN_KEYS), host),),
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
