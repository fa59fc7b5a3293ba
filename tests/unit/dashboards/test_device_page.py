"""The page of one device: what it says of itself with dates, what is measured now, and who may see it."""

import dataclasses
import re
from collections.abc import Sequence

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from agents.network import metrics as network
from beket.access.roles import CEILING, Action, Role
from beket.access.store import AccessStore
from beket.app import web_edge
from beket.kernel.clock import NS_PER_S, wall_ns_of
from beket.kernel.ids import DeviceId
from beket.kernel.inventory import Inventory
from beket.kernel.metrics import Point
from beket.sim.community import inventory
from beket.sim.places import MOHYLIV
from collector.devices.known import FactChange, KnownFact
from collector.store.samples import SeriesSamples
from dashboards.grafana.device import device as grafana_device
from dashboards.grafana.rest import names_in
from dashboards.web import device_now, pages
from dashboards.web.ports import DeviceBook
from tests.unit.dashboards.test_pages import ADDRESS, HERE, NOW_AT, enter, real_parts
from tests.unit.dashboards.test_pages import access as access

NOW_NS = wall_ns_of(NOW_AT)
MINUTE_MS = 60_000
KNOWN: Inventory = inventory(MOHYLIV)
SCHOOL = next(one for one in KNOWN.devices if one.site == "school-tsybulkivka")
ELSEWHERE = next(one for one in KNOWN.devices if one.site != "school-tsybulkivka")
DAY_NS = 86_400 * NS_PER_S


def fact(key: str, value: str, source: str = "snmp", *, seen_ns: int = NOW_NS) -> KnownFact:
    return KnownFact(SCHOOL.id, source, key, "text", value, 0, NOW_NS - DAY_NS, seen_ns)


FACTS = [
    fact("model", "hEX <b>S</b>"), fact("firmware", "6.49"), fact("firmware", "6.49", "ssh", seen_ns=NOW_NS - DAY_NS),
    fact("serial", "HC108"), fact("contact", "Іван, 0971234567"), fact("location", "серверна"),
    fact("neighbour/ge1", "не тут"), fact("processor", "MMIPS", "ssh"), fact("model", "RB760iGS", "ssh"),
]  # fmt: skip
CHANGES = [
    FactChange(SCHOOL.id, "snmp", "firmware", "6.48", "6.49", NOW_NS - 13 * DAY_NS),
    FactChange(SCHOOL.id, "snmp", "description", "a", "b", NOW_NS),
    FactChange(SCHOOL.id, "lldp", "neighbour/ge1", "a", "b", NOW_NS),
    FactChange(SCHOOL.id, "snmp", "contact", "", "x", NOW_NS),
]


def point(name: str, value: float, *, age_s: float = 20, **labels: str) -> Point:
    every = (("site", SCHOOL.site), ("device", SCHOOL.id), *labels.items())
    return Point(name, every, NOW_NS - round(age_s * NS_PER_S), value)


POINTS = [
    point("device_up_ratio", 1), point("device_snmp_up_ratio", 1), point("device_uptime_seconds", 90_000),
    point("device_cpu_ratio", 0.17), point("sensor_temperature_celsius", -4.5, part="board"),
    point("device_ping_latency_seconds", 0.0042), point("device_memory_ratio", 0.9, age_s=3000),
    point("ups_on_battery_ratio", 0), point("storage_used_bytes", 5 * 2**30, part="/"),
    *(point("port_up_ratio", n != 10, port=f"ge{n}") for n in (10, 2, 1)),
    point("port_speed_bps", 1e9, port="ge1"), point("port_speed_bps", 1e8, port="ge2"),
]  # fmt: skip


def history(name: str, device: DeviceId, start_ns: int, end_ns: int) -> Sequence[SeriesSamples]:
    assert device == SCHOOL.id
    assert start_ns < end_ns
    now_ms = NOW_NS // 1_000_000
    times = [now_ms - n * MINUTE_MS for n in range(10, -1, -1)]
    per_minute = {"ge1": 60 * 1_537_500, "ge2": 60 * 11_250_000}  # bytes: 12.3 and 90 Mbit/s
    if name == network.PORT_IN.name:
        return [
            SeriesSamples(name, (("port", port),), times, [n * step for n in range(11)])
            for port, step in per_minute.items()
        ]
    if name == network.PORT_IN_ERRORS.name:
        return [SeriesSamples(name, (("port", "ge1"),), times, [0] * 9 + [3, 7])]
    if name == network.DEVICE_POLL_INCOMPLETE.name:
        counts = {"timed_out": 2, "not_found": 3, "busy": 0}
        return [SeriesSamples(name, (("reason", why),), times, [0] * 10 + [n]) for why, n in counts.items()]
    return []


WORDY = DeviceId("router-school")


def wordy_book(now_ns: int) -> DeviceBook:
    """A router that says a lot of itself, in one word; for whoever looks at the page in a browser."""
    values = {"model": "hEX S", "firmware": "6.49", "description": "x" * 512}
    facts = [KnownFact(WORDY, "snmp", key, "text", value, now_ns, now_ns, now_ns) for key, value in values.items()]
    changes = [FactChange(WORDY, "snmp", "firmware", "6.48" + "y" * 500, "6.49", now_ns)]
    return DeviceBook(facts=lambda _: facts, changes=lambda _: changes)


def wordy_points(now_ns: int) -> list[Point]:
    """Its port has the longest name that there is."""
    labels = (("site", "school-tsybulkivka"), ("device", WORDY), ("port", "p" * 64))
    return [Point(name, labels, now_ns, value) for name, value in (("port_up_ratio", 1.0), ("port_speed_bps", 1e9))]


def made(access: AccessStore, points: Sequence[Point] = POINTS, **changed: object) -> TestClient:
    class Samples:
        def latest(self, since_ns: int) -> Sequence[Point]:
            return points

    book = DeviceBook(facts=lambda _: FACTS, changes=lambda _: CHANGES, history=history)
    parts = dataclasses.replace(
        real_parts(access), samples=Samples(), **{"devices": book, **changed}  # type: ignore[arg-type]
    )  # fmt: skip
    app: FastAPI = web_edge.new_app()
    app.include_router(pages.router(parts))
    return TestClient(app, base_url=ADDRESS, client=HERE, follow_redirects=False)


def shown(client: TestClient) -> str:
    """The page, every space a plain one."""
    return re.sub(r"\s+", " ", client.get(f"/equipment/{SCHOOL.id}").text.replace("\u00a0", " ").replace("&nbsp;", " "))


@pytest.fixture
def page(access: AccessStore) -> str:
    client = made(access)
    enter(client, access, "it")
    return shown(client)


def test_each_fact_has_its_source_and_the_day_it_was_seen_last(page: str) -> None:
    assert "<b>hEX &lt;b&gt;S&lt;/b&gt;</b>" in page, "what a device says is text"
    assert "<b>RB760iGS</b><br><small>SSH, востаннє бачили" in page, "two sources that differ are both shown"
    assert page.count("<b>6.49</b>") == 1
    assert "SNMP, востаннє бачили 25 листопада, 14:00; SSH, востаннє бачили 24 листопада, 14:00" in page
    for value in ("HC108", "Іван, 0971234567", "серверна", "MMIPS"):
        assert value in page
    assert "не тут" not in page
    assert page.index("Модель") < page.index("Прошивка") < page.index("Серійний номер") < page.index("Процесор")


def test_a_changed_firmware_is_told_with_its_day_and_noise_is_not(page: str) -> None:
    assert "<b>Прошивку змінено 12 листопада, 14:00</b><small>6.48 → 6.49 (SNMP)</small>" in page
    assert page.count(" → ") == 1


# Each metric that the device page in Grafana asks for: a value (of a counter, what the last minute brought), and the
# words with which it stands on this page.
MEASURED: dict[str, tuple[float, str]] = {
    "device_snmp_up_ratio": (1, "Пристрій відповідає на SNMP</dt><dd>так<"),
    "device_uptime_seconds": (90_000, "Скільки пристрій працює без перезапуску</dt><dd>1 доба 1 год<"),
    "device_ping_latency_seconds": (0.0042, "Час до пристрою й назад, середній</dt><dd>4,2 мс<"),
    "device_ping_jitter_seconds": (0.0011, "На скільки один пакет іде довше за інший</dt><dd>1,1 мс<"),
    "device_ping_loss_ratio": (0.05, "Частка втрачених пакетів</dt><dd>5 %<"),
    "device_cpu_ratio": (0.17, "Зайнятість процесора</dt><dd>17 %<"),
    "device_memory_ratio": (0.63, "Зайнята частка пам&#39;яті</dt><dd>63 %<"),
    "device_part_ok_ratio": (0, "Частина пристрою справна <b>psu1</b></dt><dd>ні<"),
    "device_poll_duration_seconds": (0.35, "Скільки тривало опитування</dt><dd>350 мс<"),
    "device_poll_values_count": (812, "Скільки значень прочитано за опитування</dt><dd>812<"),
    "device_poll_incomplete_total": (2, "не відповідає або відповідає надто повільно</dt><dd>2<"),
    "device_polls_missed_total": (3, "Опитування, на які не вистачило часу, за годину</dt><dd>3<"),
    "device_traps_total": (4, "Повідомлення (traps), які надіслав пристрій, за годину</dt><dd>4<"),
    "sensor_temperature_celsius": (-4.5, "Температура <b>psu1</b></dt><dd>−4,5 °C<"),
    "sensor_humidity_ratio": (0.41, "Вологість повітря <b>psu1</b></dt><dd>41 %<"),
    "sensor_voltage_volts": (12.1, "Напруга <b>psu1</b></dt><dd>12,1 В<"),
    "sensor_current_amperes": (1.5, "Струм <b>psu1</b></dt><dd>1,5 А<"),
    "sensor_power_watts": (18, "Потужність <b>psu1</b></dt><dd>18 Вт<"),
    "sensor_fan_rpm": (4200, "Оберти вентилятора за хвилину <b>psu1</b></dt><dd>4200 об/хв<"),
    "sensor_light_dbm": (-21.3, "Рівень світла в оптиці <b>psu1</b></dt><dd>−21,3 дБм<"),
    "storage_size_bytes": (8 * 2**30, "Місткість диска чи пам&#39;яті <b>psu1</b></dt><dd>8,0 ГіБ<"),
    "storage_used_bytes": (5 * 2**30, "Зайнято на диску чи в пам&#39;яті <b>psu1</b></dt><dd>5,0 ГіБ<"),
    "port_up_ratio": (1, "<b>є</b>"),
    "port_speed_bps": (1e9, "<small>1 Гбіт/с</small>"),
    "port_discontinuity_seconds": (82_800, "лічильники почалися наново 2 год тому"),
    "port_in_bytes_total": (60 * 1_537_500, 'data-label="отримує">12,3 Мбіт/с<'),
    "port_out_bytes_total": (60 * 112_500, 'data-label="надсилає">900 кбіт/с<'),
    # One column holds both ways: 3 + 4, and 20 + 31.
    "port_in_errors_total": (3, 'data-label="зіпсовано">7<'),
    "port_out_errors_total": (4, 'data-label="зіпсовано">7<'),
    "port_in_discards_total": (20, 'data-label="відкинуто">51<'),
    "port_out_discards_total": (31, 'data-label="відкинуто">51<'),
}
ELSEWHERE_ON_THE_PAGE = {
    "device_info": "model and firmware stand under «Що це за пристрій», from facts with sources and dates",
    "device_up_ratio": "it is the state beside the heading, with the age of what is known",
}


def test_every_number_of_the_device_page_in_grafana_is_here(access: AccessStore) -> None:
    assert MEASURED.keys() | ELSEWHERE_ON_THE_PAGE.keys() == names_in([grafana_device()])
    known = {metric.name: metric for metric in network.METRICS}
    here = {"port": "ge1", "part": "psu1", "reason": "timed_out"}

    def own_labels(name: str) -> dict[str, str]:
        return {label: here[label] for label in known[name].labels if label in here}

    def past(name: str, device: DeviceId, start_ns: int, end_ns: int) -> Sequence[SeriesSamples]:
        if name not in MEASURED or known[name].type != "counter":
            return []
        now_ms = NOW_NS // 1_000_000
        brought = MEASURED[name][0]
        return [SeriesSamples(name, tuple(own_labels(name).items()), [now_ms - MINUTE_MS, now_ms], [9, 9 + brought])]

    points = [
        point(name, value, **own_labels(name)) for name, (value, _) in MEASURED.items() if known[name].type != "counter"
    ]
    book = DeviceBook(facts=lambda _: FACTS, history=past)
    client = made(access, [*points, point("device_up_ratio", 1)], devices=book)
    enter(client, access, "it")
    page = shown(client)
    for name, (_, words) in MEASURED.items():
        assert words in page, name
    for words in ("<dt>Модель</dt>", "<dt>Прошивка</dt>", 'data-state="works"'):
        assert words in page.partition("<h2>Порти</h2>")[0], words


def test_a_reading_of_an_hour_ago_is_not_how_it_is_now(page: str) -> None:
    assert "Зайнятість процесора</dt><dd>17 %" in page
    assert "Зайнята частка" not in page


def test_why_polls_are_not_complete_is_told_in_words(page: str) -> None:
    for words in (
        "Неповні опитування за годину: не відповідає або відповідає надто повільно</dt><dd>2<",
        "Неповні опитування за годину: на комп&#39;ютері Бекета немає його пароля читання</dt><dd>3<",
    ):
        assert words in page
    assert page.count("Неповні опитування") == 2


def test_when_a_port_counts_anew_is_told_only_where_the_device_ran_on() -> None:
    def anew_s(began_s: float, uptime_s: float) -> float | None:
        points = [point("port_discontinuity_seconds", began_s, port="ge1"), point("device_uptime_seconds", uptime_s)]
        (port,) = device_now.ports(points, SCHOOL.id, now_ns=NOW_NS, history=history)
        return port.anew_s

    assert [anew_s(0, 500), anew_s(400, 500), anew_s(600, 500)] == [None, 100, None]


def test_ports_stand_as_people_count_with_honest_rates(page: str) -> None:
    ports = page.partition("<h2>Порти</h2>")[2]
    assert re.findall(r'<th scope="row">(\w+)</th>', ports) == ["ge1", "ge2", "ge10"]
    first, second, third = re.findall(r"<tr><th scope=\"row\">.*?</tr>", ports)
    assert "12,3 Мбіт/с" in first
    assert "1 Гбіт/с" in first
    assert 'data-label="зіпсовано">7<' in first
    assert "90 %" in second
    assert "#i-alert" in second
    assert "нічого не під’єднано" in third
    assert "майже заповнені порти: ge2" in page


@pytest.mark.parametrize("role", list(Role))
def test_who_sees_the_site_sees_its_devices_and_nobody_else(access: AccessStore, role: Role) -> None:
    client = made(access)
    enter(client, access, role.value)
    sees = Action.SEE_STATUS in CEILING[role]
    assert client.get(f"/equipment/{SCHOOL.id}").status_code == (200 if sees else 403)
    assert client.get("/equipment/absent").status_code == (404 if sees else 403)
    if client.get("/equipment").status_code == 200:
        assert f'href="/equipment/{SCHOOL.id}"' in client.get("/equipment").text


def test_a_site_of_others_stays_closed(access: AccessStore) -> None:
    client = made(access, devices=DeviceBook())
    enter(client, access, "institution-head")
    assert client.get(f"/equipment/{ELSEWHERE.id}").status_code == 403
    assert client.get(f"/equipment/{SCHOOL.id}").status_code == 200
    assert "ще нічого про себе не сказав" in client.get(f"/equipment/{SCHOOL.id}").text


def test_english_stays_english(access: AccessStore) -> None:
    client = made(access)
    enter(client, access, "it")
    page = client.get(f"/equipment/{SCHOOL.id}?lang=en").text
    assert "seen last" in page
    assert "The firmware changed" in page
    body = page.partition("<main")[2].partition("</main>")[0]
    found = re.findall(r"[А-Яа-яІіЇїЄєҐґ]{4,}", body)
    ours = {SCHOOL.name, "Іван", "серверна"} | {site.name for site in KNOWN.sites} | {s.village for s in KNOWN.sites}
    assert not [word for word in found if not any(word in known for known in ours)]


def test_rates_in_words() -> None:
    assert [device_now.spell_bps(n).en for n in (999, 1500)] == ["999\u00a0bit/s", "1.5\u00a0kbit/s"]
