"""Owns the page of Beket itself: what it takes in, keeps and passes on, its alerts and letters."""

from agents.network import metrics as network
from agents.spool import metrics as spool
from beket.kernel.metrics import Metric
from collector import metrics as collector
from collector.sinks import metrics as sinks
from collector.store import metrics as store
from dashboards.grafana.choices import BAD_WHEN_ANY, REASONS, community_and_site
from dashboards.grafana.panels import Dashboard, Panel, Query, Row
from dashboards.grafana.queries import folded, per_second, series


def beket_itself() -> Dashboard:
    """The page «Бекет: сам Бекет»."""
    return Dashboard(
        uid="beket-itself",
        title="Бекет: сам Бекет",
        help="Чи все доходить до центру, чи вміщається, чи йде до зовнішньої бази, чи надсилаються листи.",
        variables=community_and_site(),
        rows=(_door(), _store(), _sink(), _alerts()),
    )


def _door() -> Row:
    return Row(
        "Виміри, що надходять",
        (
            Panel(
                "timeseries",
                "Прийнято",
                "Виміри за секунду від об'єкта. Нуль — об'єкт мовчить.",
                (Query(_by(collector.POINTS_ACCEPTED, "site"), "{{site}}"),),
            ),
            Panel(
                "timeseries",
                "Відхилено",
                "За секунду, за причиною. Має бути нуль; решту пачки прийнято.",
                (Query(_by(collector.POINTS_REFUSED, "reason"), "{{reason}}"),),
                names=REASONS,
            ),
            Panel(
                "timeseries",
                "Пачки вдруге",
                "За секунду: відповідь центру загубилася, агент надіслав ще раз. Нічого не подвоєно.",
                (Query(per_second(collector.BATCHES_REPEATED), "{{site}}"),),
            ),
            Panel(
                "stat",
                "Годинники агентів",
                "На скільки годинник агента відстає (мінус — поспішає). Нуль — іде вірно.",
                (Query(series(collector.CLOCK_BEHIND), "{{site}} {{agent}}"),),
                unit="s",
                steps=((None, "red"), (0, "green"), (1, "red")),
            ),
            Panel(
                "timeseries",
                "Виміри з виправленим часом",
                "За секунду: годинник агента хибний, центр поставив вимір на його справжній час.",
                (Query(per_second(collector.POINTS_RETIMED), "{{site}}"),),
            ),
            Panel(
                "timeseries",
                "Втрачено на об'єктах",
                "За секунду: черга агента переповнилася. Має бути нуль.",
                (Query(_by(spool.SPOOL_DROPPED, "site"), "{{site}}"),),
            ),
            Panel(
                "timeseries",
                "Дивні відповіді пристроїв",
                "Зайві або зіпсовані відповіді SNMP за секунду.",
                (Query(_by(network.SNMP_ODD_ANSWERS, "reason"), "{{reason}}"),),
                width=12,
            ),
            Panel(
                "timeseries",
                "Повідомлення (traps) чужих",
                "За секунду, з адрес, яких немає в переліку: забутий пристрій або чужий.",
                (Query(_by(network.TRAPS_STRANGE, "site"), "{{site}}"),),
                width=12,
            ),
        ),
    )


def _store() -> Row:
    return Row(
        "Сховище вимірів",
        (
            Panel(
                "timeseries",
                "Місце під виміри",
                "Росте до межі [samples] cap_mb, далі зникають найдавніші.",
                (Query(series(store.SIZE), "виміри"),),
                unit="bytes",
            ),
            Panel(
                "timeseries",
                "Рядів вимірів",
                "Різкий ріст — якийсь пристрій щоразу називає порти інакше.",
                (Query(series(store.SERIES), "рядів"),),
            ),
            Panel(
                "stat",
                "Стерто до строку",
                "Скільки вимірів зникло, бо місце скінчилося: збільшіть cap_mb.",
                (Query(series(store.SACRIFICED), "{{reason}}"),),
                names=REASONS,
                steps=BAD_WHEN_ANY,
            ),
        ),
    )


def _sink() -> Row:
    return Row(
        "Зовнішня база",
        (
            Panel(
                "timeseries",
                "Прийняла база",
                "Виміри за секунду.",
                (Query(per_second(sinks.WRITTEN), "прийнято"),),
                width=6,
            ),
            Panel(
                "timeseries",
                "Черга",
                "Росте, коли база не відповідає; потім сама спадає.",
                (Query(series(sinks.WAITING), "чекає"),),
                unit="bytes",
                width=6,
            ),
            Panel(
                "timeseries",
                "Чекає найстаріший",
                "Понад 5 хвилин — база не відповідає.",
                (Query(series(sinks.LAG), "чекає"),),
                unit="s",
                width=6,
            ),
            Panel(
                "stat",
                "Дірка: скільки вимірів бракує",
                "Стільки вимірів база не має і не матиме. У самому Бекеті вони є.",
                (Query(series(sinks.DROPPED), "{{reason}}"),),
                names=REASONS,
                width=6,
                steps=BAD_WHEN_ANY,
            ),
            Panel(
                "stat",
                "Дірка: від якого часу",
                "Найдавніший вимір, якого базі бракує, за останні 30 днів.",
                (Query(f"{series(sinks.HOLE_SINCE)} * 1000", "від"),),
                unit="dateTimeAsIso",
                width=12,
                height=4,
            ),
            Panel(
                "stat",
                "Дірка: до якого часу",
                "Найновіший вимір, якого базі бракує, за останні 30 днів.",
                (Query(f"{series(sinks.HOLE_UNTIL)} * 1000", "до"),),
                unit="dateTimeAsIso",
                width=12,
                height=4,
            ),
        ),
    )


def _alerts() -> Row:
    return Row(
        "Тривоги й листи",
        (
            Panel(
                "timeseries",
                "Тривоги",
                "Про які сказано людям і які пояснює інша тривога.",
                (
                    Query(series(collector.ALERTS_FIRING), "сказано"),
                    Query(series(collector.ALERTS_INHIBITED), "пояснює інша"),
                ),
                width=6,
            ),
            Panel(
                "timeseries",
                "Тривалість перевірки",
                "Скільки триває одна перевірка всіх правил.",
                (Query(series(collector.ALERT_ROUND), "перевірка"),),
                unit="s",
                width=6,
            ),
            Panel(
                "timeseries",
                "Листи чекають",
                "Скільки листів у черзі.",
                (Query(series(collector.LETTERS_WAITING), "у черзі"),),
                width=6,
            ),
            Panel(
                "stat",
                "Найстаріший лист",
                "Понад 10 хвилин — поштовий сервер не приймає.",
                (Query(series(collector.LETTERS_OLDEST), "чекає"),),
                unit="s",
                width=6,
                steps=((None, "green"), (600, "red")),
            ),
            Panel(
                "stat",
                "Не доставлено",
                "Листи, від яких довелося відмовитися.",
                (Query(series(collector.LETTERS_DEAD), "листів"),),
                steps=BAD_WHEN_ANY,
            ),
            Panel(
                "stat",
                "Надіслано за добу",
                "Скільки листів пішло за останню добу.",
                (Query(f"sum(increase({series(collector.LETTERS_SENT)}[24h]))", "листів"),),
            ),
            Panel(
                "timeseries",
                "Невдалі спроби",
                "Спроби надіслати лист за секунду, за причиною.",
                (Query(_by(collector.LETTERS_FAILED, "reason"), "{{reason}}"),),
            ),
        ),
    )


def _by(counter: Metric, label: str) -> str:
    return folded("sum", per_second(counter), counter, [label])
