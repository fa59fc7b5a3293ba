"""Puts the pages together for the centre: what they ask of access, inventory, recordings, samples and alerts."""

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter

from agents.cameras import metrics as cameras
from agents.network import metrics as network
from beket.app.config import CentreConfig
from beket.app.light_line import LightLine
from beket.app.wiring.alerts import CentreParts
from beket.app.wiring.own_troubles import own_troubles
from beket.kernel.clock import Clock, wall_ns_of
from beket.kernel.text import Text
from collector.alerts_view import AlertBody, AlertsView
from collector.assets.view import ComputersView
from collector.rules.condition import Said
from collector.rules.standing import State
from collector.topology.derive import Topology
from dashboards.web import pages
from dashboards.web.ports import AlertLine, Archive, Backups, ChangeNote, DeviceBook, HoldBook, Parts, Sees
from vms.hold_news import HoldNews
from vms.recordings.forecast import Forecaster
from vms.recordings.holds import Holds


@dataclass(frozen=True, slots=True)
class PageParts:
    """What pages ask of the rooms."""

    archive: Archive
    alerts: AlertsView
    backups: Backups
    holds: HoldBook
    computers: ComputersView
    devices: DeviceBook
    topology: Callable[[], Topology]


def pages_router(config: CentreConfig, centre: CentreParts, asked: PageParts, *, clock: Clock) -> APIRouter:
    """Every page of the centre; of a training community also its light switch and its entry by one click."""
    return pages.router(
        Parts(
            access=centre.access,
            inventory=centre.inventory,
            archive=asked.archive,
            samples=centre.samples,
            clock=clock,
            camera_up=cameras.UP.name,
            device_up=network.DEVICE_UP.name,
            alerts=alert_lines(asked.alerts, asked.backups.gear.changes_by_alert),
            backups=asked.backups,
            holds=asked.holds,
            computers=asked.computers,
            devices=asked.devices,
            topology=asked.topology,
            power=LightLine(Path(config.web.light_line)) if config.web.light_line else None,
            own_troubles=own_troubles(
                centre.samples,
                lambda: centre.instruments.read(clock.wall_ns()),
                asked.alerts.mail,
                centre.inventory,
            ),
            one_click_logins=config.web.one_click_logins,
            training=config.web.training,
            stale_after_s=config.web.stale_after_s,
        )
    )


def hold_book(holds: Holds, news: HoldNews, forecaster: Forecaster) -> HoldBook:
    """What the pages say of holds and of how long recordings are kept."""

    def outlook() -> list[Text]:
        ahead = forecaster.newest()
        return [text for text in (ahead.sentence(), ahead.holds_sentence()) if text is not None]

    return HoldBook(
        holds=holds,
        unaware=news.unaware,
        outlook=outlook,
        cost_days=lambda size_bytes: forecaster.newest().days_lost(size_bytes),
        kept_days=lambda days: int(forecaster.newest().share() * days),
    )


def alert_lines(
    view: AlertsView, changes_by_alert: Callable[[], Mapping[str, ChangeNote]]
) -> Callable[[Sees], Sequence[AlertLine]]:
    """The alerts as pages show them; those that nobody was told of yet are left out."""

    def lines(sees: Sees) -> list[AlertLine]:
        told = [body for body in view.listing(sees).alerts if body.state != State.PENDING]
        changes = changes_by_alert() if told else {}
        return [_line(body, changes.get(body.key)) for body in told]

    return lines


def _line(body: AlertBody, change: ChangeNote | None) -> AlertLine:
    words = body.words
    title, what, why, todo, call = (
        (words.over if body.ended_at else words.title, words.what, words.why, words.todo, words.call)
        if words
        else (Said(body.rule, body.rule), *(Said("—", "—"),) * 4)
    )
    return AlertLine(
        title=_text(title),
        what=_text(what),
        why=_text(why),
        todo=_text(todo),
        call=_text(call),
        is_firing=body.state == State.FIRING,
        since_wall_ns=_wall_ns(body.began_at),
        ended_wall_ns=_wall_ns(body.ended_at),
        key=body.key,
        change=change,
    )


def _text(said: Said) -> Text:
    return Text("{words_uk}", "{words_en}", {"words_uk": said.uk, "words_en": said.en})


def _wall_ns(iso: str | None) -> int | None:
    return None if iso is None else wall_ns_of(datetime.datetime.fromisoformat(iso))
