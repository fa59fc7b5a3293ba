"""Alerts of gear configurations: what changed and by whom, who refuses, what is late; and what began after a change."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from backup.configs.store import Look, LookOutcome
from beket.app.config import CentreConfig
from beket.app.wiring.gear_centre import GearConfigurations, open_gear
from beket.kernel.clock import SimulatedClock
from beket.kernel.database import Database
from beket.kernel.inventory import Inventory
from beket.kernel.text import say
from beket.sim.community import inventory
from beket.sim.places import MOHYLIV
from collector.inventory.tables import FACTS_MIGRATIONS
from collector.rules.condition import Condition
from collector.rules.standing import Standing
from collector.rules.tables import alert, alert_transition
from tests.unit.backup.configs.test_store import copy_of

KNOWN = inventory(MOHYLIV)
SITE = next(site for site in KNOWN.sites if site.id == "school-tsybulkivka")
DEVICE = next(device for device in KNOWN.devices if device.site == SITE.id)
NOW_NS = 1_800_000_000_000_000_000
HOUR_NS = 3_600_000_000_000


class Whole:
    def current(self) -> Inventory:
        return KNOWN


@pytest.fixture
def facts(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "facts.db", migrations=FACTS_MIGRATIONS)
    yield database
    database.close()


@pytest.fixture
def gear(tmp_path: Path, facts: Database) -> Iterator[GearConfigurations]:
    config = CentreConfig(data=tmp_path / "data", keys=tmp_path / "keys")
    with open_gear(config, facts, Whole(), clock=SimulatedClock(wall_ns=NOW_NS)) as gear:
        yield gear


def look(outcome: LookOutcome, *, good_h: int = 0) -> Look:
    return Look(
        site=SITE.id,
        device=DEVICE.id,
        family="mikrotik",
        looked_ns=NOW_NS,
        good_ns=NOW_NS - good_h * HOUR_NS,
        outcome=outcome,
        reason=say("Ключ змінився.", "The key changed."),
    )


def change(gear: GearConfigurations, *, hours_ago: int) -> None:
    for number in (1, 2):
        taken_ns = NOW_NS - (hours_ago + 2 - number) * HOUR_NS
        made = copy_of(number)
        copy = type(made)(
            **{name: getattr(made, name) for name in made.__slots__}
            | {"site": SITE.id, "device": DEVICE.id, "taken_ns": taken_ns}
            | {"since_ns": taken_ns - HOUR_NS if number == 2 else None}
        )
        gear.store.keep_copy(copy, look(LookOutcome.CHANGED))


def holding(gear: GearConfigurations) -> dict[str, Condition]:
    found = gear.conditions(contact="Ірина, 050")
    assert len(found) == 3
    assert all((one.words is None) is not one.holds for one in found)
    return {one.rule: one for one in found if one.holds}


def test_all_well_is_silence(gear: GearConfigurations) -> None:
    gear.store.keep_look(look(LookOutcome.UNCHANGED))
    assert holding(gear) == {}


def test_a_change_is_news_for_a_day_with_lines_and_author(gear: GearConfigurations) -> None:
    change(gear, hours_ago=1)
    words = holding(gear)["gear-changed"].words
    assert words is not None
    assert DEVICE.name in words.title.uk
    assert "додано: 1, прибрано: 1. − line 1; + line 2" in words.what.uk
    assert "petrenko" in words.why.uk
    assert "Після цього" not in words.why.uk
    assert "050" in words.call.uk


def test_an_old_change_is_no_news(gear: GearConfigurations) -> None:
    change(gear, hours_ago=30)
    assert holding(gear) == {}


def test_refusals_and_lateness_have_their_own_words(gear: GearConfigurations) -> None:
    gear.store.keep_look(look(LookOutcome.REFUSED, good_h=100))
    (refused,) = holding(gear).values()
    assert (refused.rule, refused.subject) == ("gear-refused", DEVICE.id)
    assert refused.words is not None
    assert "Ключ змінився." in refused.words.what.uk
    gear.store.keep_look(look(LookOutcome.AWAY, good_h=100))
    (late,) = holding(gear).values()
    assert late.rule == "gear-copy-late"
    assert late.parents  # a dark site explains it


def test_what_began_after_a_change_stands_beside_it(gear: GearConfigurations, facts: Database) -> None:
    change(gear, hours_ago=2)
    words = holding(gear)["gear-changed"].words
    assert words is not None
    _began(facts, "device-down", DEVICE.id, NOW_NS - HOUR_NS, "Комутатор мовчить")
    _began(facts, "device-down", "another", NOW_NS - HOUR_NS, "Інший мовчить")
    _began(facts, "gear-refused", DEVICE.id, NOW_NS - HOUR_NS, "Про саме себе")
    _began(facts, "site-silent", SITE.id, NOW_NS - 9 * HOUR_NS, "Раніше")
    (case,) = gear.find_cases((DEVICE.id, SITE.id), NOW_NS - 3 * HOUR_NS, NOW_NS)
    assert (case.title.uk, case.began_ns) == ("Комутатор мовчить", NOW_NS - HOUR_NS)
    assert case.key == f"device-down:{DEVICE.id}"
    words = holding(gear)["gear-changed"].words
    assert words is not None
    assert "Після цього почалося: Комутатор мовчить." in words.why.uk
    assert gear.for_pages().changes(SITE.id, DEVICE.id)[0].cases == [case]


def test_each_alert_leads_to_the_change_before_it_and_no_other_does(gear: GearConfigurations, facts: Database) -> None:
    change(gear, hours_ago=2)
    _began(facts, "device-down", DEVICE.id, NOW_NS - HOUR_NS, "Комутатор мовчить")
    _began(facts, "site-silent", SITE.id, NOW_NS - 2 * HOUR_NS, "Об'єкт мовчить")
    _began(facts, "device-down", "another", NOW_NS - HOUR_NS, "Інший мовчить")
    _began(facts, "camera-down", DEVICE.id, NOW_NS - 9 * HOUR_NS, "Раніше")
    newest = gear.store.newest(SITE.id, DEVICE.id)
    assert newest is not None
    links = gear.for_pages().changes_by_alert()
    assert set(links) == {f"device-down:{DEVICE.id}", f"site-silent:{SITE.id}", f"gear-changed:{DEVICE.id}"}
    assert {note.id for note in links.values()} == {newest.id}
    note = links[f"device-down:{DEVICE.id}"]
    assert (note.site, note.device, note.name, note.who) == (SITE.id, DEVICE.id, DEVICE.name, "petrenko")
    back = {case.key for one in gear.for_pages().changes(SITE.id, DEVICE.id) for case in one.cases}
    assert back == set(links) - {f"gear-changed:{DEVICE.id}"}


def test_a_first_copy_is_no_change_that_an_alert_leads_to(gear: GearConfigurations, facts: Database) -> None:
    first = copy_of(1)
    fields = {name: getattr(first, name) for name in first.__slots__}
    fields |= {"site": SITE.id, "device": DEVICE.id, "taken_ns": NOW_NS - HOUR_NS, "since_ns": None}
    gear.store.keep_copy(type(first)(**fields), look(LookOutcome.FIRST))
    _began(facts, "device-down", DEVICE.id, NOW_NS, "Комутатор мовчить")
    assert gear.for_pages().changes_by_alert() == {}


def _began(facts: Database, rule: str, subject: str, wall_ns: int, title: str) -> None:
    said = {"uk": title, "en": title}
    words = dict.fromkeys(("title", "what", "why", "todo", "call", "over"), said)

    def work(connection: sa.Connection) -> None:
        key = f"{rule}:{subject}"
        connection.execute(
            sa.insert(alert).values(
                key=key, rule=rule, subject=subject, site=SITE.id, revision=1, state="firing",
                standing=msgspec.json.encode(Standing()), words=msgspec.json.encode(words), changed_wall_ns=wall_ns,
            )
        )  # fmt: skip
        connection.execute(
            sa.insert(alert_transition).values(
                key=key, episode=1, before="pending", after="firing", reason="seen", boot_id="b", mono_ns=0,
                wall_ns=wall_ns,
            )
        )  # fmt: skip

    facts.write(work)
