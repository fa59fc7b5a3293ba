"""Owns what the doctor looks at on the centre's machine: databases, keys, the recordings' disk, ports, silent agents.

Works beside a running centre: it opens the databases as one more reader and takes no port that is in use.
"""

import contextlib
import http.client
import shutil
from collections.abc import Iterator
from pathlib import Path

from beket.access import tls
from beket.app import listen
from beket.app.config import CentreConfig
from beket.app.doctor.finding import Finding, bad, good, look, machine_findings, odd
from beket.app.doctor.repositories import examine_repositories
from beket.app.wiring.access import open_access
from beket.app.wiring.inventory import open_inventory
from beket.app.wiring.recordings import look_into_recordings
from beket.kernel.clock import Clock
from beket.kernel.errors import BeketError, Busy, NoSpace
from beket.kernel.ids import CommunityId
from beket.kernel.text import Text, plain, say
from beket.kernel.units import spell_bytes

ANSWERS_WITHIN_S = 2


def examine_centre(config: CentreConfig, config_file: Path, *, clock: Clock) -> Iterator[Finding]:
    """Look at everything that the centre depends on."""
    yield from machine_findings(config_file)
    yield from _examine_people(config, clock)
    yield from _examine_inventory(config, clock)
    yield look(say("записи", "recordings"), lambda: _examine_recordings(config))
    yield from examine_repositories(config, clock=clock)
    yield _examine_port(config.agents.host, config.agents.port, "agents.port", is_tls=True)
    yield _examine_port(config.pages.host, config.pages.port, "pages.port", is_tls=False)


def _examine_people(config: CentreConfig, clock: Clock) -> Iterator[Finding]:
    subject = say("доступ", "access")
    try:
        with open_access(config, clock=clock) as access:
            users = [user for user in access.users.all() if not user.disabled_reason]
            agents = [agent for agent in access.enrolment.agents() if not agent.revoked_reason]
    except BeketError as error:
        yield bad(subject, error)
        return
    yield good(subject, say("користувачів: {n}, агентів: {m}", "users: {n}, agents: {m}", n=len(users), m=len(agents)))
    if not users:
        yield odd(
            subject,
            say(
                "ніхто не може увійти: створіть користувача (beket user add)",
                "nobody can log in: make a user (beket user add)",
            ),
        )


def _examine_inventory(config: CentreConfig, clock: Clock) -> Iterator[Finding]:
    subject = say("опис громади", "inventory")
    try:
        with open_inventory(config, clock=clock) as store:
            current = store.current()
    except BeketError as error:
        yield bad(subject, error)
        return
    yield good(
        subject,
        say(
            "версія {v}: об'єктів {s}, пристроїв {d}, камер {c}",
            "version {v}: sites {s}, devices {d}, cameras {c}",
            v=current.version,
            s=len(current.sites),
            d=len(current.devices),
            c=len(current.cameras),
        ),
    )
    for camera in current.cameras:
        if not camera.may_record():
            yield odd(
                plain(camera.name),
                say(
                    "не записує: немає мети, підстави, строку зберігання чи класу доступу",
                    "does not record: purpose, basis, retention or class is missing",
                ),
            )


def _examine_recordings(config: CentreConfig) -> Text:
    community = CommunityId(config.community.id)
    with look_into_recordings(config.recordings, database=config.data / "video.db", community=community):
        free_bytes = shutil.disk_usage(config.recordings.folder).free
    if free_bytes < config.recordings.free_floor_bytes:
        raise NoSpace(
            say(
                "На диску лишилося {free}, а має бути {floor}.",
                "{free} are free on the disk; {floor} should be.",
                free=spell_bytes(free_bytes),
                floor=spell_bytes(config.recordings.free_floor_bytes),
            ),
            subject=str(config.recordings.folder),
            hint=say("Додайте диск або скоротіть строк зберігання.", "Add a disk or shorten the retention."),
        )
    return say("вільно {free}", "{free} free", free=spell_bytes(free_bytes))


def _examine_port(host: str, port: int, place: str, *, is_tls: bool) -> Finding:
    subject = plain(place)
    try:
        listen.bind(host, port, place=place).close()
    except Busy as error:
        # A running centre holds its own ports, and that is as it should be.
        if _is_beket(host, port, is_tls=is_tls):
            return good(subject, say("на порту {port} працює центр", "the centre works on port {port}", port=port))
        return bad(subject, error)
    except BeketError as error:
        return bad(subject, error)
    return good(subject, say("порт {port} вільний", "port {port} is free", port=port))


def _is_beket(host: str, port: int, *, is_tls: bool) -> bool:
    address = "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104 - compared, not bound
    asked = (
        http.client.HTTPSConnection(address, port, timeout=ANSWERS_WITHIN_S, context=tls.client_context())
        if is_tls
        else http.client.HTTPConnection(address, port, timeout=ANSWERS_WITHIN_S)
    )
    try:
        with contextlib.closing(asked) as connection:
            connection.request("HEAD", "/")
            return connection.getresponse().headers.get("Server") == listen.SERVER
    except (OSError, http.client.HTTPException):
        return False
