"""Owns the page of cameras and of what records them."""

from agents.cameras import metrics as cameras
from beket.kernel.metrics import Metric
from dashboards.grafana.choices import BAD_WHEN_ANY, CAMERA, DAY_S, GIB, REASONS, RECORDS, SITE, community_and_site
from dashboards.grafana.panels import Dashboard, Panel, Query, Row
from dashboards.grafana.queries import folded, per_second, series
from vms import metrics as vms


def cameras_and_recorder() -> Dashboard:
    """The page «Бекет: камери й запис»."""
    return Dashboard(
        uid="beket-cameras",
        title="Бекет: камери й запис",
        help="Чи кожна камера пише, чи рівний потік, чи встигає диск і скільки місця лишилося.",
        variables=community_and_site(cameras.UP),
        rows=(_cameras(), _streams(), _recorder(), _disk(), _archive()),
    )


def _cameras() -> Row:
    return Row(
        "Камери",
        (
            Panel(
                "state-timeline",
                "Коли камери записували",
                "Зелене — запис є, червоне — немає, порожнє — немає даних.",
                (Query(series(cameras.UP), "{{camera}}"),),
                width=16,
                words=RECORDS,
            ),
            Panel(
                "table",
                "Зараз не записують",
                "Порожньо — усе гаразд.",
                (Query(f"{series(cameras.UP)} == 0", ""),),
                columns=(SITE, CAMERA),
            ),
            Panel(
                "timeseries",
                "Вік останнього кадру",
                "Більше 10 секунд — камера мовчить.",
                (Query(series(cameras.FRAME_AGE), "{{camera}}"),),
                unit="s",
            ),
            Panel(
                "timeseries",
                "Годинник камери попереду нашого",
                "Понад хвилину — час у записах оскаржать: налаштуйте NTP у камері.",
                (Query(series(cameras.CLOCK_OFFSET), "{{camera}}"),),
                unit="s",
                is_signed=True,
            ),
            Panel(
                "timeseries",
                "Нові з'єднання",
                "За секунду. Часто — мережа рветься або камера перезапускається.",
                (Query(per_second(cameras.CONNECTS), "{{camera}}"),),
            ),
        ),
    )


def _streams() -> Row:
    return Row(
        "Потоки",
        (
            Panel(
                "timeseries",
                "Кадрів за секунду",
                "Менше, ніж налаштовано в камері, — бракує світла, мережі або самої камери.",
                (Query(per_second(cameras.FRAMES), "{{camera}}"),),
            ),
            Panel(
                "timeseries",
                "Швидкість потоку",
                "Скільки надходить від камери.",
                (Query(f"{per_second(cameras.RECEIVED)} * 8", "{{camera}}"),),
                unit="bps",
            ),
            Panel(
                "timeseries",
                "Загублені пакети",
                "За секунду. Більше нуля — картинка сиплеться: кабель, Wi-Fi, перевантажений порт. "
                "Запізнілі теж пропали: мережа їх переставляє.",
                (
                    Query(per_second(cameras.LOST), "{{camera}}"),
                    Query(per_second(cameras.LATE), "{{camera}}: запізнілі"),
                ),
            ),
        ),
    )


def _recorder() -> Row:
    return Row(
        "Запис",
        (
            Panel(
                "timeseries",
                "Пишеться на диск",
                "За камерою.",
                (Query(f"{per_second(vms.RECORDED_BYTES)} * 8", "{{camera}}"),),
                unit="bps",
            ),
            Panel(
                "timeseries",
                "Не вдалося записати",
                "Байти за секунду, за причиною. Має бути нуль.",
                (Query(_by(vms.LOST_BYTES, "reason"), "{{reason}}"),),
                unit="Bps",
                names=REASONS,
            ),
            Panel(
                "timeseries",
                "Закриті фрагменти",
                "За секунду: фрагмент — 20 секунд запису однієї камери.",
                (Query(_by(vms.CLOSED_SEGMENTS, "site"), "{{site}}"),),
            ),
            Panel(
                "timeseries",
                "Отримує центр",
                "Записи, що надходять з об'єктів.",
                (Query(f"{per_second(vms.RECEIVED_BYTES)} * 8", "{{camera}}"),),
                unit="bps",
            ),
            Panel(
                "timeseries",
                "Відхилені фрагменти",
                "За секунду: прийшли пошкодженими, об'єкт надішле ще раз.",
                (Query(per_second(vms.REFUSED_SEGMENTS), "{{camera}}"),),
            ),
            Panel(
                "timeseries",
                "Чекає на диск",
                "Росте — диск не встигає.",
                (Query(series(vms.QUEUED_BYTES), "{{site}}"),),
                unit="bytes",
            ),
        ),
    )


def _disk() -> Row:
    return Row(
        "Диски",
        (
            Panel(
                "stat",
                "Вільно на дисках",
                "Менше 20 ГіБ — замало.",
                (Query(series(vms.DISK_FREE_BYTES), "{{site}}"),),
                unit="bytes",
                steps=((None, "red"), (20 * GIB, "orange"), (50 * GIB, "green")),
            ),
            Panel(
                "timeseries",
                "Стирається",
                "За строком — так і має бути; через брак місця — диск замалий.",
                (Query(_by(vms.DELETED_BYTES, "reason"), "{{reason}}"),),
                unit="Bps",
                names=REASONS,
            ),
            Panel(
                "timeseries",
                "Скидання на диск",
                "Скільки разів за секунду записане стає незнищенним.",
                (Query(per_second(vms.DISK_SYNCS), "{{site}}"),),
            ),
            Panel(
                "stat",
                "Диски, які відмовляють",
                "Диск не читає, не пише або не під'єднаний. Запис іде на інший, якщо він є.",
                (Query(series(vms.DISKS_IN_TROUBLE), "{{site}}"),),
                steps=BAD_WHEN_ANY,
            ),
            Panel(
                "stat",
                "Збої дисків за добу",
                "Будь-який збій — привід перевірити диск (smartctl).",
                (Query(f"sum(increase({series(vms.DISK_FAILURES)}[24h]))", "збоїв"),),
                steps=BAD_WHEN_ANY,
            ),
            Panel(
                "stat",
                "Не стерлося за добу",
                "Файли, яких не вдалося стерти: перевірте права на теку.",
                (Query(f"sum(increase({series(vms.DELETE_ERRORS)}[24h]))", "файлів"),),
                steps=BAD_WHEN_ANY,
            ),
        ),
    )


def _archive() -> Row:
    return Row(
        "Архів",
        (
            Panel(
                "stat",
                "На яку частку строку вистачить місця",
                "Менше 100 % — записи стиратимуться раніше обіцяного. Усі камери втрачають однакову частку.",
                (Query(series(vms.KEPT_RATIO), "{{site}}"),),
                unit="percentunit",
                steps=((None, "red"), (0.8, "orange"), (0.95, "green")),
            ),
            Panel(
                "stat",
                "До браку місця",
                "Коли записи почнуть стиратися раніше строку; 400 днів — не скоро.",
                (Query(series(vms.FULL_IN), "{{site}}"),),
                unit="s",
                steps=((None, "red"), (7 * DAY_S, "orange"), (30 * DAY_S, "green")),
            ),
            Panel(
                "timeseries",
                "Під забороною стирати",
                "Росте без кінця — хтось не знімає заборон: сторінка «Не стирати».",
                (Query(series(vms.HELD_BYTES), "{{site}}"),),
                unit="bytes",
            ),
            Panel(
                "timeseries",
                "Найстаріший запис",
                "Скільки архіву є насправді, за камерою.",
                (Query(series(vms.OLDEST_AGE), "{{camera}}"),),
                unit="s",
                width=16,
            ),
            Panel(
                "stat",
                "Бракує, а стерти нічого не можна",
                "Решта під забороною стирати або ще не в центрі. Щойно диск заповниться, запис стане.",
                (Query(series(vms.SHORT_BYTES), "{{site}}"),),
                unit="bytes",
                steps=BAD_WHEN_ANY,
            ),
            Panel(
                "stat",
                "Печатки не сходяться",
                "За добу; яка камера й що не так — `beket vms check` у центрі.",
                (Query(f"sum by (camera, reason) (increase({series(vms.ODD_SEALS)}[1d]))", "{{camera}} {{reason}}"),),
                steps=BAD_WHEN_ANY,
            ),
            Panel(
                "stat",
                "Годинник забіг наперед",
                "Проти прожитого часу; поки так, за строком стирається лише те, що справді його відбуло.",
                (Query(series(vms.CLOCK_AHEAD), "{{site}}"),),
                unit="s",
                steps=BAD_WHEN_ANY,
            ),
        ),
    )


def _by(counter: Metric, label: str) -> str:
    return folded("sum", per_second(counter), counter, [label])
