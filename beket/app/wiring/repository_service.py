"""Puts the repository server together: the program, whom it lets in, and what makes it refuse a host again."""

import asyncio
import functools
import logging
import random
from collections.abc import Awaitable, Callable

from backup.repository import leftovers, second_copy, server, upkeep
from backup.repository.accounts import Suspension
from backup.repository.keyring import Keyring
from backup.repository.ledger import Ledger
from backup.repository.second_copy import SecondPlace
from backup.repository.server import Serving
from backup.repository.service import Service
from backup.restic.link import Link
from backup.restic.run import find_restic
from beket.access import tls
from beket.access.journal import Event
from beket.access.store import AccessStore
from beket.app.config import CentreConfig
from beket.kernel.clock import Clock
from beket.kernel.errors import NotFound
from beket.kernel.ids import AgentId
from beket.kernel.supervise import keep_running
from beket.kernel.units import GIB

log = logging.getLogger(__name__)

REVOKED_EVERY_S = 60
# A host that has freed a twentieth of its allowance may come in again.
QUOTA_RETURN_RATIO = 0.95
BYTES_PER_S_A_KBPS = 1000 / 8


async def open_keyring(config: CentreConfig, ledger: Ledger, *, clock: Clock) -> Keyring:
    """The centre's keys to its repositories.

    Raises:
        NotFound: restic is not installed.
    """
    secrets = config.keys / "repositories"
    await asyncio.to_thread(secrets.mkdir, mode=0o700, parents=True, exist_ok=True)
    restic = await find_restic("restic", clock=clock)
    return Keyring(config.repositories.folder, secrets, restic, ledger, clock, asyncio.Lock())


async def open_service(config: CentreConfig, access: AccessStore, ledger: Ledger, *, clock: Clock) -> Service | None:
    """The service for hosts; None where the configuration has none.

    Raises:
        NotFound: restic or the server's program is not installed.
    """
    chosen = config.repositories.service
    if not chosen.enabled:
        return None
    server.find_program(chosen.program)
    keyring = await open_keyring(config, ledger, clock=clock)
    certificate, _, _ = await asyncio.to_thread(tls.server_files, config.keys, config.agents.names)

    def record(agent: AgentId) -> None:
        access.journal.append(Event(actor=f"agent:{agent}", action="enter-repository", subject=agent))

    return Service(keyring, keyring.secrets / "accounts", certificate, chosen.port, record)


async def service_if_it_can(
    config: CentreConfig, access: AccessStore, ledger: Ledger, *, clock: Clock
) -> Service | None:
    """As `open_service`; a centre that lacks a program for backups still records, and says what it lacks."""
    try:
        return await open_service(config, access, ledger, clock=clock)
    except NotFound as error:
        log.error("backups are not taken: %s", error.sentence().en)  # noqa: TRY400 - a sentence, not a trace
        return None


def service_units(
    config: CentreConfig, service: Service | None, access: AccessStore, *, clock: Clock, rng: random.Random
) -> dict[str, Awaitable[None]]:
    """What runs beside the centre's servers; nothing without a service."""
    if service is None:
        return {}
    certificate, key, _ = tls.server_files(config.keys, config.agents.names)
    chosen = config.repositories.service
    serving = Serving(config.repositories.folder, chosen.host, chosen.port, service.accounts_file, certificate, key)
    service.keyring.repositories.mkdir(mode=0o700, parents=True, exist_ok=True)
    service.write_accounts()
    works: dict[str, Callable[[], Awaitable[None]]] = {
        "repository server": lambda: server.serve(server.find_program(chosen.program), serving, clock=clock),
        "repository accounts": functools.partial(_follow_revoked, service, access, clock=clock),
        "repository leftovers": functools.partial(leftovers.keep_clear, service.keyring),
    }
    keeping = functools.partial(upkeep.keep_up, service.keyring, config.repositories.keep, config.repositories.walk)
    works["repository upkeep"] = keeping
    if config.repositories.second.is_on:
        every_hours = config.repositories.second.every_hours
        place = second_place(config)
        copying = functools.partial(second_copy.keep_copying, service.keyring, place, every_hours=every_hours)
        works["second copy"] = copying
    return {name: keep_running(name, work, clock=clock, rng=rng) for name, work in works.items()}


def second_place(config: CentreConfig) -> SecondPlace:
    """Where the configuration wants second copies."""
    second = config.repositories.second
    limit_bytes_per_s = second.rate_kbps * BYTES_PER_S_A_KBPS if second.rate_kbps else None
    return SecondPlace(second.folder, second.address_file, second.ca_file, Link(limit_bytes_per_s=limit_bytes_per_s))


def watch_quota(service: Service, host: str, size_bytes: int, *, quota_gib: float) -> float | None:
    """Let in no longer a host that has used up its allowance; the share used, None without an allowance. Blocking."""
    if not quota_gib:
        return None
    ratio = size_bytes / (quota_gib * GIB)
    suspended = {one.host: one.suspended for one in service.keyring.ledger.hosts()}.get(host, "")
    if ratio >= 1 and not suspended:
        log.warning("%s has used up its allowance of %g GiB and is let in no longer", host, quota_gib)
        service.suspend(host, Suspension.QUOTA)
    elif ratio < QUOTA_RETURN_RATIO and suspended == Suspension.QUOTA:
        service.suspend(host, "")
    return ratio


async def _follow_revoked(service: Service, access: AccessStore, *, clock: Clock) -> None:
    while True:
        await asyncio.to_thread(_suspend_revoked, service, access)
        await clock.sleep(REVOKED_EVERY_S)


def _suspend_revoked(service: Service, access: AccessStore) -> None:
    revoked = {agent.id for agent in access.enrolment.agents() if agent.revoked_reason}
    for host in service.keyring.ledger.hosts():
        if host.host in revoked and host.suspended != Suspension.REVOKED:
            service.suspend(host.host, Suspension.REVOKED)
