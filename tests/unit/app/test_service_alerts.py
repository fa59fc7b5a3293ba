"""Alerts of services: what fails, what will, who can mend it, and what a dead line or a dark site explains."""

import msgspec
import pytest

from agents.services import metrics
from agents.services.states import ServiceState, service_states
from agents.services.trouble import Trouble
from agents.services.wording import TO_DO, WHAT, trouble_of
from beket.app.wiring.service_alerts import ServiceAlerts, conditions_of
from beket.kernel.clock import NS_PER_S, SimulatedClock
from beket.kernel.ids import ProviderId, ServiceId, SiteId
from beket.kernel.inventory import Inventory, Provider, Service, Site
from beket.kernel.metrics import Metric, Point
from beket.testing.inventories import COMMUNITY
from collector.rules.condition import Condition
from collector.rules.config import AlertsConfig

SITE = Site(id=SiteId("school"), name="Школа", village="Яр", provider="Степлінк")
STEPLINK = Provider(id=ProviderId("steplink"), name="Степлінк", phone="0 800 111", contract="№ 12 від 01.02.2024")
NOW_NS = 1_795_651_200 * NS_PER_S
CONFIG = AlertsConfig(contact="Секретар, 099")


def service(name: str, address: str) -> Service:
    return Service(id=ServiceId(name), site=SITE.id, name=name, address=address)


PAGE, LOCAL, LINE = (
    service("page", "https://rada.example.ua/"),
    service("local", "tcp://10.20.1.5:1433"),
    service("line", "ping://192.0.2.1"),
)
WHOLE = Inventory(version=1, community=COMMUNITY, sites=(SITE,), services=(PAGE, LOCAL, LINE), providers=(STEPLINK,))


def by_key(**states: ServiceState) -> dict[str, Condition]:
    return {one.key: one for one in conditions_of(WHOLE, states, CONFIG)}


def point(metric: Metric, probe: str, value: float, *, ago_s: float = 0, **more: str) -> Point:
    known = {"site": "school", "probe": probe, **more}
    return Point(metric.name, tuple((n, known[n]) for n in metric.labels), NOW_NS - round(ago_s * NS_PER_S), value)


def test_what_nobody_heard_of_is_neither_good_nor_bad() -> None:
    assert {one.holds for one in by_key().values()} == {None}
    assert {one.words for one in by_key().values()} == {None}


def test_a_service_that_fails_says_what_and_what_to_do() -> None:
    found = by_key(page=ServiceState(False, Trouble.CERTIFICATE_ENDED, 5))
    down, attention = found["service-down:page"], found["service-attention:page"]
    assert (down.holds, attention.holds) == (True, False)
    assert down.words is not None
    assert down.words.what.uk == ("«page» не працює, якщо дивитися з об'єкта «Школа (Яр)»: сертифікат закінчився.")
    assert "Поновіть сертифікат" in down.words.todo.uk
    assert down.words.call.uk == "Секретар, 099 Провайдер: Степлінк."


def test_one_that_works_with_a_trouble_is_told_in_its_own_time() -> None:
    found = by_key(page=ServiceState(True, Trouble.DOMAIN_ENDS, 5))
    down, attention = found["service-down:page"], found["service-attention:page"]
    assert (down.holds, attention.holds) == (False, True)
    assert attention.timing.for_s >= 1800
    assert attention.words is not None
    assert attention.words.what.uk == "«page» працює, але: домен скоро закінчиться."
    assert by_key(page=ServiceState(True, None, 5))["service-attention:page"].holds is False


def test_a_dead_line_explains_what_is_beyond_it_and_names_the_provider() -> None:
    found = by_key(line=ServiceState(False, Trouble.SILENT, 5), page=ServiceState(False, Trouble.NAME, 5))
    assert next(iter(found)) == "service-down:line"  # it is judged before those that it explains
    assert "service-down:line" in found["service-down:page"].parents
    assert "service-down:line" not in found["service-down:local"].parents
    assert found["service-down:line"].parents == ("site-silent:school", "site-dark:school")
    words = found["service-down:line"].words
    assert words is not None
    assert words.call.uk == "Провайдер: Степлінк, 0 800 111, № 12 від 01.02.2024"
    assert "Перезапустіть маршрутизатор" in words.todo.uk


def test_a_line_of_nobody_in_particular_goes_to_the_usual_contact() -> None:
    nobody = msgspec.structs.replace(WHOLE, sites=(msgspec.structs.replace(SITE, provider=""),), providers=())
    found = conditions_of(nobody, {"line": ServiceState(False, Trouble.SILENT, 5)}, CONFIG)
    assert next(one.words for one in found if one.words).call.uk == "Секретар, 099"  # type: ignore[union-attr]


def test_the_newest_samples_tell_the_state() -> None:
    points = [
        point(metrics.PROBE_UP, "page", 1, ago_s=30),
        point(metrics.PROBE_TROUBLE, "page", 1, ago_s=29.9, reason="certificate-ends-soon"),
        point(metrics.PROBE_TROUBLE, "page", 1, ago_s=300, reason="refused"),  # an agent that was restarted since
        point(metrics.PROBE_UP, "local", 0, ago_s=10),
        point(metrics.PROBE_TROUBLE, "local", 1, ago_s=9, reason="a-word-of-a-later-release"),
        point(metrics.PROBE_UP, "line", 1, ago_s=301),
        point(metrics.PROBE_UP, "mail", 1, ago_s=20),
        point(metrics.PROBE_TROUBLE, "mail", 1, ago_s=80, reason="silent"),  # over: not told with the last beat
    ]
    states = service_states(points, now_ns=NOW_NS, stale_after_s=300)
    assert {name: (one.is_up, one.trouble) for name, one in states.items()} == {
        "page": (True, Trouble.CERTIFICATE_ENDS),
        "local": (False, Trouble.OTHER),
        "line": (None, None),
        "mail": (True, None),
    }


def test_samples_are_asked_for_now_and_then_only() -> None:
    class Samples:
        asked = 0

        def latest(self, since_ns: int) -> list[Point]:
            self.asked += 1
            return [point(metrics.PROBE_UP, "page", 0), point(metrics.PROBE_TROUBLE, "page", 1, reason="silent")]

    class Known:
        def current(self) -> Inventory:
            return WHOLE

    samples, clock = Samples(), SimulatedClock(wall_ns=NOW_NS)
    alerts = ServiceAlerts(samples, Known(), CONFIG, clock=clock)
    for _ in range(3):
        assert {one.key for one in alerts.conditions() if one.holds} == {"service-down:page"}
    assert samples.asked == 1
    clock.pass_time(21)
    alerts.conditions()
    assert samples.asked == 2


@pytest.mark.parametrize("trouble", Trouble)
def test_every_trouble_has_its_words(trouble: Trouble) -> None:
    assert trouble_of(trouble.value) is trouble
    assert WHAT[trouble].uk
    assert TO_DO[trouble].uk.endswith(".")
