"""Owns the page of one device: how it is now, what it says of itself and since when, what changed, and its ports.

Whoever sees the state of the device's site sees this. What a device says comes from outside: it is shown as text.
"""

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response

from beket.access.roles import CEILING, Action
from beket.kernel.clock import NS_PER_S, utc
from beket.kernel.errors import Forbidden, NotFound
from beket.kernel.ids import DeviceId
from beket.kernel.inventory import Device, Site
from beket.kernel.text import Text, say
from collector.devices import sheet
from dashboards.web import device_now, states
from dashboards.web.gear import may_read
from dashboards.web.links import neighbours_of
from dashboards.web.look import device_states
from dashboards.web.person import Person, person_of, sites_by_id
from dashboards.web.ports import Parts
from dashboards.web.rendering import Renderer, language_of, moment_writer
from dashboards.web.wording import DEVICE_WORDS

TURNS_SHOWN = 20
LOOK_BACK_S = 3600


def router(parts: Parts, pages: Renderer) -> APIRouter:
    """Routes of the page of a device."""
    routes = APIRouter(route_class=pages.route_class())

    @routes.get("/equipment/{device}")
    async def one_device(request: Request, device: str) -> Response:
        person = await asyncio.to_thread(person_of, parts.access, request)
        values = await asyncio.to_thread(_device, parts, person, device)
        moment = moment_writer(language_of(request), utc(parts.clock.wall_ns()))
        return pages.page(request, "device.html", **person.page_values(), **values, moment=moment, utc=utc)

    return routes


def state_line(device: Device, known: states.Known, ports: list[device_now.PortNow]) -> Text:
    """The one sentence over the page."""
    if known.state is states.State.UNKNOWN:
        return say("Свіжих даних про «{name}» немає.", "There is no fresh data about “{name}”.", name=device.name)
    if known.state is states.State.SILENT:
        return say(
            "«{name}» не відповідає. Перевірте, чи є там світло і чи ввімкнено пристрій.",
            "“{name}” does not answer. Check that there is power and that it is on.",
            name=device.name,
        )
    busy = [port.name for port in ports if port.is_busy]
    if busy:
        return say(
            "«{name}» працює, але майже заповнені порти: {ports}.",
            "“{name}” works, but these ports are nearly full: {ports}.",
            name=device.name,
            ports=", ".join(busy[:5]),
        )
    return say("«{name}» працює.", "“{name}” works.", name=device.name)


def _device(parts: Parts, person: Person, asked: str) -> dict[str, Any]:
    device, site = _may_see(parts, person, asked)
    now_ns = parts.clock.wall_ns()
    points = parts.samples.latest(now_ns - LOOK_BACK_S * NS_PER_S)
    known = states.known(device_states(parts), device.id)
    ports = device_now.ports(points, device.id, now_ns=now_ns, history=parts.devices.history)
    facts = parts.devices.facts(device.id)
    return {
        "device": device,
        "site": site,
        "kind": DEVICE_WORDS[device.kind],
        "known": known,
        "state_words": states.STATE_WORDS,
        "state_line": state_line(device, known, ports),
        "lines": sheet.lines(facts),
        "turns": sheet.turns(parts.devices.changes(device.id))[:TURNS_SHOWN],
        "readings": device_now.readings(points, device.id, now_ns=now_ns, history=parts.devices.history),
        "ports": ports,
        "neighbours": neighbours_of(parts, person, device),
        "bps": device_now.spell_bps,
        "copied": may_read(person) and any(
            (view.site, view.device) == (site.id, device.id) for view in parts.backups.gear.views()
        ),
    }  # fmt: skip


def _may_see(parts: Parts, person: Person, asked: str) -> tuple[Device, Site]:
    """The device and its site.

    Raises:
        Forbidden: the person sees no equipment, or not that of its site.
        NotFound: there is no such device.
    """
    refusal = Forbidden(say("Ваша роль цього не дозволяє.", "Your role does not allow this."))
    if Action.SEE_STATUS not in CEILING[person.actor.role]:
        raise refusal
    inventory = parts.inventory.current()
    device = next((one for one in inventory.devices if one.id == DeviceId(asked)), None)
    if device is None:
        raise NotFound(say("Такого пристрою немає.", "There is no such device."))
    site = sites_by_id(inventory)[device.site]
    if not person.sees_site(site):
        raise refusal
    return device, site
