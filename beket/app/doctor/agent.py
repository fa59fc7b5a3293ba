"""Owns what the doctor looks at on a site's agent: its join, its secrets, its centre, each camera, device, service."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

from agents.cameras.stream import open_stream
from agents.network.device_poll import DevicePolls
from agents.network.icmp import Pinger
from agents.network.module_files import load_shipped
from agents.network.snmp.backends import Backends
from agents.services.kinds import PROBES, WITHIN_S
from agents.services.probe import Outcome, Tools, read, target_of
from beket.app.config import AgentConfig
from beket.app.doctor.finding import Finding, bad, good, look, look_async, machine_findings, odd
from beket.app.wiring.agent_side import AgentFiles, Identity, connect, load_identity, open_inventory_cache
from beket.app.wiring.catalogue import full_catalogue
from beket.app.wiring.service_trust import trust
from beket.kernel.clock import Clock
from beket.kernel.errors import BeketError, NotFound, Unreachable
from beket.kernel.inventory import Camera, Device, Inventory, Service
from beket.kernel.secrets import Secret, SecretFolder
from beket.kernel.text import Text, plain, say
from beket.media.rtsp.digest import Credentials

AT_ONCE = 16


async def examine_agent(
    config: AgentConfig, config_file: Path, *, clock: Clock, rng: random.Random
) -> AsyncIterator[Finding]:
    """Look at everything that this agent depends on; cameras, devices and services side by side."""
    for finding in machine_findings(config_file):
        yield finding
    files = AgentFiles(config.data)
    joined = say("приєднання", "enrolment")
    try:
        identity = load_identity(files)
    except BeketError as error:
        yield bad(joined, error)
        return
    yield good(joined, say("об'єкт «{site}»", "site “{site}”", site=identity.enrolled.site))
    yield await look_async(say("центр", "centre"), lambda: _ask_centre(config, identity))
    cache = open_inventory_cache(files, identity.enrolled)
    if cache.problem:
        yield bad(say("опис об'єкта", "site's description"), cache.problem)
    try:
        inventory = cache.current()
    except NotFound as error:
        yield bad(say("опис об'єкта", "site's description"), error)
        return
    secrets = SecretFolder(config.secrets)
    for finding in await _examine_things(inventory, secrets, clock=clock, rng=rng):
        yield finding
    for finding in await examine_services(inventory, config, clock=clock, rng=rng):
        yield finding


async def _ask_centre(config: AgentConfig, identity: Identity) -> Text:
    def ask() -> None:
        with connect(identity, config.uplink) as connection:
            connection.request("GET", "/agent/v1/inventory?have=-1").raise_for_status(identity.enrolled.centre_url)

    await asyncio.to_thread(ask)
    return plain(identity.enrolled.centre_url)


async def _examine_things(
    inventory: Inventory, secrets: SecretFolder, *, clock: Clock, rng: random.Random
) -> list[Finding]:
    engine, pinger = Backends(clock=clock, rng=rng), Pinger(clock=clock, rng=rng)
    polls = DevicePolls(
        snmp=engine, pinger=pinger, modules=load_shipped(full_catalogue()), secrets=secrets, clock=clock
    )
    turn = asyncio.Semaphore(AT_ONCE)

    async def camera(one: Camera) -> Finding:
        async with turn:
            return await _examine_camera(one, secrets, clock)

    async def device(one: Device) -> Finding:
        async with turn:
            return await look_async(plain(one.name), lambda: _poll(polls, one))

    with closing(engine), closing(pinger):
        cameras = [camera(one) for one in inventory.cameras]
        devices = [device(one) for one in inventory.devices]
        return list(await asyncio.gather(*cameras, *devices))


async def examine_services(
    inventory: Inventory, config: AgentConfig, *, clock: Clock, rng: random.Random
) -> list[Finding]:
    """Ask each service of the site once; the sentences are the probes' own."""
    try:
        tls = trust(config.services)
    except BeketError as error:
        return [bad(plain("services.authority"), error)]
    with closing(Pinger(clock=clock, rng=rng)) as pinger:
        tools = Tools(clock, rng, pinger, SecretFolder(config.secrets), tls)
        turn = asyncio.Semaphore(config.services.at_once)

        async def service(one: Service) -> Finding:
            async with turn:
                return await _examine_service(one, tools, timeout_s=config.services.timeout_s)

        return list(await asyncio.gather(*map(service, inventory.services)))


async def _examine_service(service: Service, tools: Tools, *, timeout_s: float) -> Finding:
    name = plain(service.name)
    try:
        target = target_of(service, provider="")
    except BeketError as error:
        return bad(name, error)
    kind = target.address.kind
    reading = await read(PROBES[kind], target, tools, within_s=max(timeout_s, WITHIN_S.get(kind, 0)))
    if reading.outcome is Outcome.FAILS:
        return bad(name, Unreachable(reading.text))
    return odd(name, reading.text) if reading.outcome is Outcome.ATTENTION else good(name, reading.text)


async def _examine_camera(camera: Camera, secrets: SecretFolder, clock: Clock) -> Finding:
    name = plain(camera.name)
    if not camera.may_record():
        return odd(
            name,
            say(
                "не записує: немає мети, підстави, строку зберігання чи класу доступу",
                "does not record: purpose, basis, retention or class is missing",
            ),
        )
    login: list[Secret] = []
    if camera.secret:
        found = look(name, lambda: login.append(secrets.get(camera.secret)))
        if found.error:
            return found
    return await look_async(name, lambda: _open_stream(camera, login[0] if login else None, clock))


async def _open_stream(camera: Camera, login: Secret | None, clock: Clock) -> Text:
    credentials = None
    if login is not None:
        user, _, password = login.reveal().partition(":")
        credentials = Credentials(user, Secret(password))
    session = await open_stream(camera.url, credentials=credentials, clock=clock)
    session.close()
    return say("потік відкривається", "its stream opens")


async def _poll(polls: DevicePolls, device: Device) -> Text:
    reading = await polls.poll(device)
    if reading.error is not None:
        raise reading.error
    return say("відповідає, значень: {n}", "answers, values: {n}", n=len(reading.points))
