"""Owns the page of the lines from sites to the centre: what goes over them, what waits, what they do not carry."""

from agents.spool import metrics as spool
from agents.uplink import metrics as uplink
from beket.kernel.metrics import Metric
from collector import metrics as collector
from dashboards.grafana.choices import BAD_WHEN_ANY, BAD_WHEN_BELOW_ONE, community_and_site
from dashboards.grafana.panels import Dashboard, Panel, Query, Row
from dashboards.grafana.queries import folded, per_second, series
from vms import metrics as vms
from vms.live import metrics as live


def uplink_budget() -> Dashboard:
    """The page «Бекет: канали об'єктів»."""
    return Dashboard(
        uid="beket-uplink",
        title="Бекет: канали об'єктів",
        help="На що йде вузький канал об'єкта: записи, живі картинки, виміри; що чекає і що не вміщається.",
        variables=community_and_site(),
        rows=(_recordings(), _live(), _samples()),
    )


def _recordings() -> Row:
    received = folded("sum", f"{per_second(vms.RECEIVED_BYTES)} * 8", vms.RECEIVED_BYTES, ["site"])
    today = folded("sum", f"increase({series(vms.RECEIVED_BYTES)}[24h])", vms.RECEIVED_BYTES, ["site"])
    return Row(
        "Записи",
        (
            Panel(
                "timeseries",
                "Записи по каналу",
                "Порівняйте з [uplink] rate_kbps об'єкта: довго на межі — каналу бракує.",
                (Query(received, "{{site}}"),),
                unit="bps",
                width=16,
            ),
            Panel(
                "stat",
                "Надійшло за добу",
                "Скільки записів центр отримав за останню добу.",
                (Query(today, "{{site}}"),),
                unit="bytes",
            ),
        ),
    )


def _live() -> Row:
    return Row(
        "Живі картинки",
        (
            Panel(
                "stat",
                "Живі лінії",
                "Один — об'єкт на живому зв'язку.",
                (Query(series(live.SITES), "{{site}}"),),
                steps=BAD_WHEN_BELOW_ONE,
            ),
            Panel(
                "timeseries",
                "Дивляться",
                "Скільки картинок відкрито наживо.",
                (Query(series(live.WATCHERS), "глядачі {{site}}"), Query(series(live.WATCHED), "камери {{site}}")),
            ),
            Panel(
                "timeseries",
                "Кадри наживо",
                "За секунду: надіслані об'єктом та отримані центром.",
                (
                    Query(_by_site(uplink.LIVE_SENT), "надіслав {{site}}"),
                    Query(_by_site(live.RECEIVED_FRAMES), "отримано {{site}}"),
                ),
            ),
            Panel(
                "timeseries",
                "Пропущено, бо лінія об'єкта не встигає",
                "Кадри за секунду. Більше нуля — для живого перегляду каналу бракує.",
                (Query(_by_site(uplink.LIVE_DROPPED), "{{site}}"),),
                width=12,
            ),
            Panel(
                "timeseries",
                "Пропущено, бо глядач не встигає",
                "Кадри за секунду. Більше нуля — поганий зв'язок у глядача.",
                (Query(_by_site(live.VIEWER_DROPPED), "{{site}}"),),
                width=12,
            ),
        ),
    )


def _samples() -> Row:
    return Row(
        "Виміри",
        (
            Panel(
                "timeseries",
                "Черги на об'єктах",
                "Ростуть, коли зв'язку немає; після відновлення самі спадають.",
                (Query(folded("sum", series(spool.SPOOL_SIZE), spool.SPOOL_SIZE, ["site"]), "{{site}}"),),
                unit="bytes",
            ),
            Panel(
                "timeseries",
                "Надходять до центру",
                "Виміри за секунду. Нуль — об'єкт мовчить.",
                (Query(_by_site(collector.POINTS_ACCEPTED), "{{site}}"),),
            ),
            Panel(
                "stat",
                "Втрачено за добу",
                "Виміри, що не вмістилися в чергу об'єкта.",
                (Query(f"sum(increase({series(spool.SPOOL_DROPPED)}[24h]))", "вимірів"),),
                steps=BAD_WHEN_ANY,
            ),
        ),
    )


def _by_site(counter: Metric) -> str:
    return folded("sum", per_second(counter), counter, ["site"])
