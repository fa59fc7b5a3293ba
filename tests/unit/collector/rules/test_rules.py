"""Rules over a simulated clock, written samples and an inventory; the store is real."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from beket.kernel.clock import NS_PER_S, SimulatedClock
from beket.kernel.database import Database
from beket.kernel.ids import CameraId, CommunityId, DeviceId, SiteId
from beket.kernel.inventory import AccessClass, Camera, Community, Device, DeviceKind, Inventory, Site
from beket.kernel.metrics import Point
from collector.inventory.tables import FACTS_MIGRATIONS
from collector.rules.evaluator import Evaluator, plan
from collector.rules.judge import Rules, judge
from collector.rules.picture import Patience, Watch
from collector.rules.standing import Moment, State, Timing
from collector.rules.store import AlertStore, Move

SCHOOL = Site(id=SiteId("school"), name="Школа", village="Цибульківка", provider="Лінк")
TICK_S = 10


def device(name: str, kind: DeviceKind, title: str) -> Device:
    return Device(id=DeviceId(name), site=SCHOOL.id, name=title, kind=kind, address="10.0.0.2")


def camera(name: str, title: str, *, purpose: str = "порядок") -> Camera:
    return Camera(
        id=CameraId(name),
        site=SCHOOL.id,
        name=title,
        url="rtsp://10.0.0.9/1",
        purpose=purpose,
        basis="рішення № 1",
        retention_days=30,
        access=AccessClass.STREET,
    )


INVENTORY = Inventory(
    version=1,
    community=Community(id=CommunityId("dolyna"), name="Долинська громада"),
    sites=(SCHOOL,),
    devices=(
        device("router", DeviceKind.ROUTER, "Маршрутизатор"),
        device("switch", DeviceKind.SWITCH, "Комутатор"),
        device("ups", DeviceKind.UPS, "ДБЖ"),
    ),
    cameras=(camera("yard", "Двір"), camera("gate", "Брама"), camera("idle", "Без мети", purpose="")),
)
MAINS = frozenset({"switch", "yard", "gate"})
ALL = MAINS | {"router", "ups"}


class Village:
    """An agent that reports every tick, and the centre that looks every tick."""

    def __init__(self, folder: Path) -> None:
        self.clock = SimulatedClock()
        self.database = Database(folder / "facts.db", migrations=FACTS_MIGRATIONS)
        self.alerts = AlertStore(self.database)
        self.inventory = INVENTORY
        self.points: dict[str, Point] = {}
        self.taken = 0.0
        self.light: float | None = None
        self.told: list[tuple[str, str]] = []
        self.restart()

    def restart(self, *, boot_id: str = "boot") -> None:
        timing = Timing(20, 20, 30)
        self.evaluator = Evaluator(
            inventory=self,
            samples=self,
            arrivals=lambda: {SCHOOL.id: self.taken},
            alerts=self.alerts,
            watch=Watch(
                Patience(60, 120),
                device_up="device_up_ratio",
                camera_up="camera_up_ratio",
                light="site_light_ratio",
                incomplete="device_poll_incomplete_total",
            ),
            rules=Rules(Timing(0, 20, 30), Timing(10, 20, 30), timing, timing, contact="Петро, 067"),
            boot_id=boot_id,
        )

    def current(self) -> Inventory:
        return self.inventory

    def latest(self, since_ns: int) -> list[Point]:
        return [point for point in self.points.values() if point.wall_ns >= since_ns]

    def post(self, _: sa.Connection, move: Move) -> None:
        self.told.append((move.known.key, move.after.state.value))

    def live(self, ticks: int, *, down: frozenset[str] = frozenset(), mute: frozenset[str] = frozenset()) -> None:
        """Let time pass; things in `down` report 0, things in `mute` are not reported at all."""
        for _ in range(ticks):
            self.clock.pass_time(TICK_S)
            self.report(down=down, mute=mute)
            self.look()

    def report(self, *, down: frozenset[str] = frozenset(), mute: frozenset[str] = frozenset()) -> None:
        self.taken += 1
        if self.light is not None:
            self.points["light"] = Point("site_light_ratio", (("site", SCHOOL.id),), self.clock.wall_ns(), self.light)
        for kind, things in (("device", INVENTORY.devices), ("camera", INVENTORY.cameras[:2])):
            for thing in things:
                if thing.id not in mute:
                    labels = (("site", SCHOOL.id), (kind, thing.id))
                    value = float(thing.id not in down)
                    self.points[thing.id] = Point(f"{kind}_up_ratio", labels, self.clock.wall_ns(), value)

    def silence(self, ticks: int) -> None:
        for _ in range(ticks):
            self.clock.pass_time(TICK_S)
            self.look()

    def look(self) -> None:
        self.evaluator.run_once(self.post, clock=self.clock)

    def states(self) -> dict[str, str]:
        return {k: v.standing.state.value for k, v in self.alerts.known().items() if v.standing.state is not State.OK}


@pytest.fixture
def village(tmp_path: Path) -> Iterator[Village]:
    made = Village(tmp_path)
    made.live(3)
    yield made
    made.database.close()


def test_a_camera_that_does_not_record_is_one_alert_and_one_end(village: Village) -> None:
    village.live(10, down=frozenset({"yard"}))
    assert village.told == [("camera-down:yard", "firing")]
    village.live(5)
    assert village.told[1:] == [("camera-down:yard", "resolved")]
    known = village.alerts.known()["camera-down:yard"]
    assert known.lasted_ns is not None
    assert 100 <= known.lasted_ns / NS_PER_S <= 140
    history = [(t.before.value, t.after.value, t.reason.value) for t in village.alerts.history(known.key, limit=9)]
    assert history == [
        ("firing", "resolved", "gone"),
        ("pending", "firing", "lasted"),
        ("ok", "pending", "seen"),
    ]


def test_a_dark_site_is_one_alert_and_what_stays_down_is_told_after_it(village: Village) -> None:
    village.live(12, down=MAINS)
    assert village.told == [("site-dark:school", "firing")]
    assert village.states() == {
        "site-dark:school": "firing",
        "device-down:switch": "inhibited",
        "camera-down:yard": "inhibited",
        "camera-down:gate": "inhibited",
    }
    village.live(2, down=frozenset({"yard"}))
    assert village.told[1:] == []
    village.live(8, down=frozenset({"yard"}))
    assert village.told[1:] == [("site-dark:school", "resolved"), ("camera-down:yard", "firing")]
    words = village.alerts.known()["site-dark:school"].words
    assert words is not None
    assert "Школа (Цибульківка)" in words.title.uk
    assert "Двір, Брама, Комутатор" in words.what.uk
    assert "Маршрутизатор, ДБЖ" in words.why.uk
    assert words.call.uk == "Петро, 067 Провайдер: Лінк."


def test_what_gear_says_of_the_light_makes_a_site_dark_although_its_ups_carries_all(village: Village) -> None:
    village.light = 0.0
    village.live(4)
    assert village.told == [("site-dark:school", "firing")]
    words = village.alerts.known()["site-dark:school"].words
    assert words is not None
    assert words.title.uk.startswith("Немає світла — ")
    assert words.what.uk == "Поки що все працює від ДБЖ."
    village.live(10, down=frozenset({"yard", "switch"}))
    assert village.told == [("site-dark:school", "firing")]  # one alert, whatever falls silent meanwhile
    village.light = 1.0
    village.live(10)
    assert village.told[1:] == [("site-dark:school", "resolved")]


def test_that_there_is_light_does_not_excuse_a_site_where_all_is_silent_at_once(village: Village) -> None:
    village.light = 1.0
    village.live(10, down=MAINS)
    assert village.told == [("site-dark:school", "firing")]


def test_an_old_word_of_the_light_says_nothing_of_now(village: Village) -> None:
    village.light = 0.0
    village.report()
    village.light = None
    village.clock.pass_time(121)
    village.live(10)
    assert village.told == []


def test_a_router_alone_does_not_make_a_site_dark(village: Village) -> None:
    village.live(10, down=frozenset({"router"}))
    assert village.told == [("device-down:router", "firing")]


def test_a_silent_site_is_one_alert_and_nothing_else(village: Village) -> None:
    village.silence(40)
    assert village.told == [("site-silent:school", "firing")]
    village.live(5)
    assert village.told[1:] == [("site-silent:school", "resolved")]


def test_a_site_that_never_spoke_alarms_nobody(tmp_path: Path) -> None:
    village = Village(tmp_path)
    village.evaluator._arrivals = dict
    village.silence(40)
    assert village.told == []
    village.database.close()


def test_a_site_that_fell_silent_while_the_centre_was_off_is_told(village: Village) -> None:
    village.points.clear()
    village.clock.pass_time(86_400)
    village.restart(boot_id="next")
    village.evaluator._arrivals = dict
    village.silence(8)
    assert village.told == [("site-silent:school", "firing")]


def test_a_step_of_the_wall_clock_alarms_nobody(village: Village) -> None:
    for leap_s in (3600, -7200, 3600):
        village.clock.step_wall(leap_s)
        village.live(8)
    assert village.told == []


def test_the_backlog_of_an_outage_alarms_nobody(village: Village) -> None:
    village.silence(40)
    for age_s in range(390, 120, -10):
        village.clock.step_wall(-age_s)
        village.report(down=ALL)
        village.clock.step_wall(age_s)
        village.clock.pass_time(1)
        village.look()
    village.live(5)
    assert village.told == [("site-silent:school", "firing"), ("site-silent:school", "resolved")]


def test_a_device_nobody_polls_is_told_while_its_agent_speaks(village: Village) -> None:
    village.points.pop("router")
    village.live(30, mute=frozenset({"router"}))
    assert village.told == [("device-down:router", "firing")]
    words = village.alerts.known()["device-down:router"].words
    assert words is not None
    assert words.title.uk == "Бекет не опитує «Маршрутизатор» — Школа (Цибульківка)"
    assert "невідомо" in words.what.uk
    assert words.todo.uk.startswith("Вимикати пристрій не треба.")
    assert "beket doctor agent" in words.todo.uk


@pytest.mark.parametrize("reason", ["not_found", "timed_out"])
def test_a_device_whose_secret_is_missing_is_not_to_be_switched_off(village: Village, reason: str) -> None:
    labels = (("site", SCHOOL.id), ("device", "router"), ("reason", reason))
    for count in range(12):
        name = "device_poll_incomplete_total"
        village.points["incomplete"] = Point(name, labels, village.clock.wall_ns() + TICK_S * NS_PER_S, float(count))
        village.live(1, down=frozenset({"router"}))
    assert village.told == [("device-down:router", "firing")]
    words = village.alerts.known()["device-down:router"].words
    assert words is not None
    assert ("Вимкніть на 10 секунд" in words.todo.uk) == (reason == "timed_out")
    assert ("beket doctor agent" in words.todo.uk) == (reason == "not_found")


def test_a_secret_that_was_missing_once_is_forgotten_when_it_is_there_again(village: Village) -> None:
    labels = (("site", SCHOOL.id), ("device", "router"), ("reason", "not_found"))
    for count in (1, 2):
        name = "device_poll_incomplete_total"
        village.points["incomplete"] = Point(name, labels, village.clock.wall_ns(), float(count))
        village.live(1)
    village.live(20)
    village.points["incomplete"] = Point(name, labels, village.clock.wall_ns(), 2.0)
    village.live(10, down=frozenset({"router"}))
    words = village.alerts.known()["device-down:router"].words
    assert words is not None
    assert "Вимкніть на 10 секунд" in words.todo.uk


def test_a_silent_recording_program_is_one_alert(village: Village) -> None:
    village.live(40, mute=frozenset({"yard", "gate"}))
    assert village.told == [("capture-silent:school", "firing")]


def test_what_leaves_the_inventory_ends_its_alert(village: Village) -> None:
    village.live(10, down=frozenset({"router"}))
    village.inventory = Inventory(version=2, community=INVENTORY.community, sites=(SCHOOL,))
    village.live(1)
    assert village.told[-1] == ("device-down:router", "resolved")
    words = village.alerts.known()["device-down:router"].words
    assert words is not None
    assert words.over.uk.startswith("Більше не в переліку.")


def test_a_restart_forgets_nothing_and_tells_nothing_twice(village: Village) -> None:
    village.live(10, down=frozenset({"yard"}))
    village.restart()
    village.live(3, down=frozenset({"yard"}))
    village.restart(boot_id="next")
    village.live(3, down=frozenset({"yard"}))
    assert village.told == [("camera-down:yard", "firing")]
    village.live(6)
    assert village.told[1:] == [("camera-down:yard", "resolved")]


def test_of_two_workers_that_see_the_same_only_one_tells(village: Village) -> None:
    village.live(2, down=frozenset({"yard"}))
    now = Moment("boot", village.clock.mono_ns() + 20 * NS_PER_S, village.clock.wall_ns())
    watch = village.evaluator._watch
    conditions = judge(
        watch.picture(INVENTORY, {SCHOOL.id}, mono_ns=now.mono_ns, wall_ns=now.wall_ns), village.evaluator._rules
    )
    moves = plan(conditions, village.alerts.known(), now)
    assert [move.after.state for move in moves] == [State.FIRING]
    assert len(village.alerts.move(moves, village.post)) == 1
    assert village.alerts.move(moves, village.post) == []
    assert village.told == [("camera-down:yard", "firing")]


def test_if_the_post_fails_the_alert_has_not_moved(village: Village) -> None:
    def broken(_: sa.Connection, __: Move) -> None:
        raise ValueError("no")

    village.live(2, down=frozenset({"yard"}))
    village.clock.pass_time(TICK_S)
    village.report(down=frozenset({"yard"}))
    with pytest.raises(ValueError):
        village.evaluator.run_once(broken, clock=village.clock)
    assert village.states() == {"camera-down:yard": "pending"}
    assert len(village.alerts.history("camera-down:yard", limit=9)) == 1
    village.look()
    assert village.told == [("camera-down:yard", "firing")]


def test_random_failures_always_tell_beginning_and_end_in_turn(village: Village) -> None:
    rng = random.Random(7)
    for _ in range(60):
        if rng.random() < 0.2:
            village.restart(boot_id=str(rng.random()))
        village.live(rng.randint(1, 5), down=frozenset(rng.sample(sorted(ALL), rng.randint(0, 5))))
    for key in {key for key, _ in village.told}:
        states = [state for told, state in village.told if told == key]
        assert states == (["firing", "resolved"] * len(states))[: len(states)]
