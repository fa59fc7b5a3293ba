"""What the equipment page says of services."""

import msgspec

from agents.services import metrics
from beket.kernel.clock import NS_PER_S, SimulatedClock
from beket.kernel.ids import ServiceId, SiteId
from beket.kernel.inventory import Inventory, Service
from beket.kernel.metrics import Metric, Point
from beket.sim.community import inventory
from beket.sim.places import MOHYLIV
from dashboards.web.ports import Parts
from dashboards.web.services import ServiceRow, service_rows
from dashboards.web.states import State

SCHOOL, COUNCIL = SiteId("school-tsybulkivka"), SiteId("council-mohyliv")
NOW_NS = 1_795_651_200 * NS_PER_S


def service(name: str, site: SiteId = SCHOOL) -> Service:
    return Service(id=ServiceId(name), site=site, name=name.title(), address="https://rada.example.ua/")


KNOWN: Inventory = msgspec.structs.replace(
    inventory(MOHYLIV), services=(service("page"), service("mail"), service("clock"), service("other", COUNCIL))
)


class Samples:
    """A page that works with a trouble, mail that fails, a clock of which nothing was heard for long."""

    def latest(self, since_ns: int) -> list[Point]:
        def point(metric: Metric, probe: str, value: float, ago_s: float, reason: str = "") -> Point:
            known = {"site": "school-tsybulkivka", "probe": probe, "reason": reason}
            return Point(
                metric.name, tuple((n, known[n]) for n in metric.labels), NOW_NS - int(ago_s * NS_PER_S), value
            )

        return [
            point(metrics.PROBE_UP, "page", 1, 70),
            point(metrics.PROBE_TROUBLE, "page", 1, 70, "certificate-ends-soon"),
            point(metrics.PROBE_UP, "mail", 0, 10),
            point(metrics.PROBE_TROUBLE, "mail", 1, 10, "refused"),
            point(metrics.PROBE_UP, "clock", 1, 2000),
        ]


def rows(*seen: SiteId) -> dict[SiteId, list[ServiceRow]]:
    clock = SimulatedClock(wall_ns=NOW_NS)
    parts = Parts(
        access=None,  # type: ignore[arg-type]
        inventory=None,  # type: ignore[arg-type]
        archive=None,  # type: ignore[arg-type]
        samples=Samples(),
        clock=clock,
        camera_up="",
        device_up="",
    )
    return service_rows(parts, KNOWN, seen)


def test_each_service_has_its_state_and_its_trouble_in_a_phrase() -> None:
    found = {row.service.id: row for row in rows(SCHOOL)[SCHOOL]}
    assert list(found) == ["clock", "mail", "page"]
    assert (found[ServiceId("page")].known.state, found[ServiceId("page")].known.age_s) == (State.WORKS, 70)
    assert str(found[ServiceId("page")].trouble) == "сертифікат скоро закінчиться"
    assert found[ServiceId("mail")].known.state is State.SILENT
    assert str(found[ServiceId("mail")].trouble) == "вузол є, але служба вимкнена"
    assert (found[ServiceId("clock")].known.state, found[ServiceId("clock")].trouble) == (State.UNKNOWN, None)


def test_nobody_sees_services_of_other_sites() -> None:
    assert rows(COUNCIL)[COUNCIL][0].known.state is State.UNKNOWN
    assert list(rows(COUNCIL)) == [COUNCIL]
    assert rows() == {}
