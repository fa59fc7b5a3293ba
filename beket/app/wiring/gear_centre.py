"""Puts the centre's side of gear configurations together: where copies lie, what alerts and pages know of them."""

import functools
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fastapi import APIRouter

from backup.configs import difference, view
from backup.configs.sealing import OpeningKey
from backup.configs.store import KEPT_AT_CENTRE, ConfigStore, Copy, LookOutcome
from backup.configs.view import Case, DeviceView, cases_near
from backup.configs.web import agent_router
from beket.app.config import CentreConfig
from beket.kernel.clock import Clock
from beket.kernel.database import Database
from beket.kernel.ids import SiteId
from beket.kernel.inventory import Site
from beket.kernel.ports import InventoryView
from beket.kernel.text import Text, say
from collector.rules import wording
from collector.rules.condition import Condition, Words, alert_key, said
from collector.rules.judge import SITE_DARK, SITE_SILENT
from collector.rules.standing import Timing
from collector.rules.store import AlertStore
from dashboards.web.ports import ChangeNote, GearBook

CHANGED, REFUSED, LATE = "gear-changed", "gear-refused", "gear-copy-late"
AT_ONCE = Timing(for_s=0, keep_firing_for_s=0, gap_max_s=120)
TIMING = Timing(for_s=60, keep_firing_for_s=60, gap_max_s=120)
# A change is news for a day.
NEWS_HOURS = 24
# Alerts stay on the page for a day after they are over; one that stands longer had its change looked at by then.
LINKED_DAYS = 7


class GearConfigurations:
    """Copies of configurations at the centre."""

    def __init__(
        self, store: ConfigStore, key: OpeningKey, alerts: AlertStore, inventory: InventoryView, *, clock: Clock
    ) -> None:
        self.store = store
        self.key = key
        self._alerts = alerts
        self._inventory = inventory
        self._clock = clock

    def agent_router(self, *, authenticate: Callable[..., Any]) -> APIRouter:
        """What agents call."""
        return agent_router(self.store, self.key, clock=self._clock, authenticate=authenticate)

    def for_pages(self) -> GearBook:
        """What pages ask."""
        changes = functools.partial(view.changes_of, self.store, find_cases=self.find_cases)
        return GearBook(views=self.views, changes=changes, changes_by_alert=self.changes_by_alert)

    def changes_by_alert(self) -> dict[str, ChangeNote]:
        """The change that each alert began near, by the alert's key; that of an alert about a change is its own.
        Blocking.
        """
        copies = self.store.since(self._clock.wall_ns() - LINKED_DAYS * 24 * view.NS_PER_HOUR)
        own = {alert_key(CHANGED, copy.device): copy for copy in reversed(copies)}
        names = {str(device.id): device.name for device in self._inventory.current().devices}
        return {
            key: ChangeNote(
                id=copy.id,
                site=copy.site,
                device=copy.device,
                name=names.get(copy.device, copy.device),
                taken_ns=copy.taken_ns,
                who=copy.who,
            )
            for key, copy in (view.changes_by_case(copies, self.find_cases) | own).items()
        }

    def views(self) -> list[DeviceView]:
        """How each device stands. Blocking."""
        return view.views_of(self.store, wall_ns=self._clock.wall_ns())

    def find_cases(self, subjects: Collection[str], from_ns: int, until_ns: int) -> list[Case]:
        """Alerts about these that began then; what rules of gear say themselves is left out. Blocking."""
        found = self._alerts.firing_between(from_wall_ns=from_ns, until_wall_ns=until_ns)
        return [
            Case(Text("{uk}", "{en}", {"uk": known.words.title.uk, "en": known.words.title.en}), wall_ns, known.key)
            for known, wall_ns in found
            if known.subject in subjects and known.words is not None and not known.rule.startswith("gear-")
        ]

    def conditions(self, *, contact: str) -> list[Condition]:
        """What the rules of configurations say now. Blocking."""
        current = self._inventory.current()
        sites = {str(site.id): site for site in current.sites}
        names = {str(device.id): device.name for device in current.devices}
        found = []
        for one in self.views():
            site = sites.get(one.site)
            if site is not None:
                found += self._about(one, site, names.get(one.device, one.device), contact)
        return found

    def _about(self, one: DeviceView, site: Site, name: str, contact: str) -> list[Condition]:
        wall_ns = self._clock.wall_ns()
        place = say("{name}, {site}", "{name}, {site}", name=name, site=wording.place(site))
        call = wording.whom_to_call(contact, site)
        dark = (alert_key(SITE_SILENT, one.site), alert_key(SITE_DARK, one.site))
        look = self.store.look(one.site, one.device)
        is_news = one.changed is not None and wall_ns - one.changed.taken_ns < NEWS_HOURS * view.NS_PER_HOUR
        is_late = look is not None and view.is_late(look, wall_ns=wall_ns)
        is_refused = one.outcome is LookOutcome.REFUSED

        def about(rule: str, holds: bool, timing: Timing, words: Callable[[], Words]) -> Condition:
            parents = dark if rule == LATE else ()
            return Condition(rule, one.device, SiteId(one.site), holds, timing, parents, words() if holds else None)

        return [
            about(CHANGED, is_news, AT_ONCE, lambda: self._changed(place, one.changed, call)),
            about(REFUSED, is_refused, TIMING, lambda: _refused(place, one, call)),
            about(LATE, is_late and not is_refused, TIMING, lambda: _late(place, one, call)),
        ]

    def _changed(self, place: Text, copy: Copy | None, call: Text) -> Words:
        before = self.store.before(copy) if copy is not None else None
        what = difference.summary(before.masked if before else "", copy.masked if copy else "")
        cases = cases_near(copy, self.find_cases) if copy is not None else ()
        return Words(
            title=said(say("Змінено налаштування — {place}", "A configuration was changed: {place}", place=place)),
            what=said(
                say(
                    "Рядків додано: {added}, прибрано: {removed}. {what}",
                    "Lines added: {added}, removed: {removed}. {what}",
                    added=copy.added if copy else 0,
                    removed=copy.removed if copy else 0,
                    what=what,
                )
            ),
            why=said(_why_changed(copy, cases)),
            todo=said(
                say(
                    "Якщо зміну робили ви, нічого не потрібно. Якщо ні, подивіться, що саме змінили.",
                    "If it was you, nothing is needed. If not, look at what was changed.",
                )
            ),
            call=said(call),
            over=said(
                say("Зміна налаштувань уже не новина — {place}", "The change is no news any more: {place}", place=place)
            ),
        )


@contextmanager
def open_gear(
    config: CentreConfig, facts: Database, inventory: InventoryView, *, clock: Clock
) -> Iterator[GearConfigurations]:
    """The room at work. Blocking.

    Raises:
        InvalidConfig, DataLoss: the key or the database is not right.
    """
    store = ConfigStore(config.data / "configs.db", kept=KEPT_AT_CENTRE)
    try:
        key = OpeningKey.load_or_create(config.keys / "gear.key")
        yield GearConfigurations(store, key, AlertStore(facts), inventory, clock=clock)
    finally:
        store.close()


def _why_changed(copy: Copy | None, cases: Sequence[Case]) -> Text:
    who = (
        say("Останнім налаштування міняв «{who}».", "“{who}” was the last to change it.", who=copy.who)
        if copy is not None and copy.who
        else say("Хтось змінив налаштування пристрою.", "Somebody changed the device's configuration.")
    )
    if not cases:
        return who
    return say("{who} Після цього почалося: {case}.", "{who} After that began: {case}.", who=who, case=cases[0].title)


def _refused(place: Text, one: DeviceView, call: Text) -> Words:
    return Words(
        title=said(say("Пристрій не пускає по копію — {place}", "A device refuses a copy: {place}", place=place)),
        what=said(one.sentence),
        why=said(
            say(
                "Змінили пароль, замінили пристрій, або між ним і Бекетом хтось стоїть.",
                "Its password was changed, it was replaced, or somebody stands in between.",
            )
        ),
        todo=said(
            say(
                "На об'єкті: beket backup configs keys. Звірте ключ і пароль із самим пристроєм.",
                "At the site: beket backup configs keys. Compare key and password with the device itself.",
            )
        ),
        call=said(call),
        over=said(say("Пристрій знову пускає — {place}", "The device lets us in again: {place}", place=place)),
    )


def _late(place: Text, one: DeviceView, call: Text) -> Words:
    return Words(
        title=said(say("Немає свіжої копії налаштувань — {place}", "No fresh configuration: {place}", place=place)),
        what=said(one.sentence),
        why=said(say("Пристрій не відповідає або відповідає не повністю.", "It is away, or its answers are torn.")),
        todo=said(
            say(
                "На об'єкті: beket backup configs take {device}",
                "At the site: beket backup configs take {device}",
                device=one.device,
            )
        ),
        call=said(call),
        over=said(say("Копія налаштувань знову свіжа — {place}", "The configuration is fresh: {place}", place=place)),
    )
