"""Owns what a demo needs on disk before anything starts: configurations, secrets, the inventory, accounts, documents.

All in one folder, so that removing it removes the demo. Every start writes the configurations anew (ports may have been
taken meanwhile) and keeps what was recorded. Blocking.
"""

import os
import secrets
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from agents.cameras.config import CamerasConfig
from agents.network.config import NetworkConfig
from agents.services.config import ServicesConfig
from agents.uplink.config import UplinkConfig
from backup.config import BackupConfig, PlanConfig
from backup.configs.config import GearCopiesConfig
from backup.repository import server
from backup.repository.config import RepositoriesConfig, ServiceConfig, WalkConfig
from backup.repository.remote import AT_CENTRE
from beket.access.agent_key import load_enrolled
from beket.app import listen
from beket.app.config import (
    AgentConfig,
    AgentsListenConfig,
    CentreConfig,
    CommunityConfig,
    LogsConfig,
    PagesListenConfig,
)
from beket.app.demo.people import PEOPLE, put_people
from beket.app.machine import operator
from beket.app.pc_config import PcConfig
from beket.app.wiring.access import open_access
from beket.app.wiring.agent_side import AgentFiles, join
from beket.app.wiring.inventory import open_inventory
from beket.app.wiring.join_line import join_line
from beket.kernel.clock import Clock
from beket.kernel.config import spell
from beket.kernel.errors import NotFound
from beket.kernel.ids import DeviceId, ServiceId, SiteId, UserId
from beket.kernel.inventory import Service
from beket.kernel.secrets import Secret, read_secret_file, write_secret_file
from beket.sim.community import inventory, new_logins, new_shells
from beket.sim.computers import COMPUTERS
from beket.sim.shell_access import ShellAccess, new_host_key
from beket.sim.specs import SimulatedCommunity
from collector.rules.config import AlertsConfig
from dashboards.config import WebConfig
from vms.config import RecordingsConfig
from vms.relay.config import RelayConfig

HOST = "127.0.0.1"
PAGES_PORTS = range(8080, 8180)
AGENTS_PORTS = range(8443, 8543)
# Short, so that a newcomer sees the first recording within seconds.
SEGMENT_S = 10
POLL_EVERY_S = 2
SERVICES_EVERY_S = 10
GEAR_EVERY_S = 6
CENTRE_CERTIFICATE = "centre.crt"  # the demo's agents trust it, as those of a community trust their own authority
# Impatient, so that a newcomer who switches the light off sees the alert at once.
ALERTS = AlertsConfig(
    every_s=3,
    site_silent_after_s=20,
    dark_for_s=0,
    device_for_s=20,
    camera_for_s=20,
    keep_firing_for_s=10,
    stale_after_s=60,
    contact="Відповідальний за ІТ (навчальний), 067 000 00 00",
)
REPOSITORY_PORTS = range(8544, 8644)
RELAY_PORTS = range(8654, 8754)
VIEWER, OFFICER = "deputy", "police"
BACKED_UP = SiteId("council-mohyliv")
PLAN, PLAN_NAME = "documents", "Документи сільради"
DOCUMENTS = {
    "Рішення ради": "Рішення сільської ради про впорядкування вулиць.",
    "Бюджет": "Видатки на освітлення, тис. грн: 120,5.",
    "Господарська книга": "Запис господарської книги, номер об'єкта.",
}


@dataclass(frozen=True, slots=True)
class Stage:
    """One demo on disk.

    Attributes:
        logins: of the simulated cameras, by the name of the secret.
        shells: ways into gear that has a command line.
        light_line: the socket by which the pages reach the light switches.
        password: of the account `VIEWER`, new at each start.
    """

    folder: Path
    community: SimulatedCommunity
    centre: CentreConfig
    agents: dict[SiteId, AgentConfig]
    logins: dict[str, Secret]
    shells: dict[DeviceId, ShellAccess]
    password: Secret
    light_line: Path
    has_restic: bool

    @property
    def centre_file(self) -> Path:
        """The centre's configuration."""
        return self.folder / "centre.toml"

    def agent_file(self, site: SiteId) -> Path:
        """A site agent's configuration."""
        return self.folder / f"agent-{site}.toml"

    @property
    def pages_url(self) -> str:
        """Where pages and `/metrics` are."""
        return f"http://{HOST}:{self.centre.pages.port}"

    @property
    def relay_url(self) -> str:
        """Where the police relay is; `/<camera>` follows."""
        return f"rtsp://{HOST}:{self.centre.relay.port}"

    @property
    def relay_password_file(self) -> Path:
        """The relay password of `OFFICER`, new at each start."""
        return self.folder / "secrets" / "relay-police"

    def log(self, name: str) -> Path:
        """Where a process of the demo writes its log lines."""
        return self.folder / "logs" / f"{name}.log"


def prepare(
    folder: Path, community: SimulatedCommunity, *, clock: Clock, light_line: Path, restic: str, ports_skipped: int = 0
) -> Stage:
    """Set the stage in `folder`, which may hold an earlier demo. `restic`: the program, "" where there is none.

    `ports_skipped`: so many of each range of ports are left to other stages that are being set at this moment.

    Raises:
        Busy: no port of the demo's range is free.
    """
    folder = folder.absolute()
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    centre = CentreConfig(
        data=folder / "centre",
        keys=folder / "keys",
        community=CommunityConfig(id=community.id, name=community.name),
        agents=AgentsListenConfig(
            host=HOST, port=_free_port(AGENTS_PORTS[ports_skipped:], "agents.port"), names=(HOST,)
        ),
        pages=PagesListenConfig(host=HOST, port=_free_port(PAGES_PORTS[ports_skipped:], "pages.port")),
        recordings=RecordingsConfig(folder=folder / "video" / "centre", free_floor_gib=1),
        alerts=ALERTS,
        repositories=_repositories_config(folder, REPOSITORY_PORTS[ports_skipped:], has_restic=bool(restic)),
        web=WebConfig(
            training=True,
            one_click_logins=tuple(trainee.login for trainee in PEOPLE),
            light_line=os.fspath(light_line),
        ),
        relay=RelayConfig(enabled=True, interface="lo", port=_free_port(RELAY_PORTS[ports_skipped:], "relay.port")),
        logs=LogsConfig(),
    )
    sites = [spec.site.id for spec in community.sites]
    stage = Stage(
        folder=folder,
        community=community,
        centre=centre,
        agents={site: _agent_config(folder, site, centre, restic=restic) for site in sites},
        logins=_kept_logins(folder / "secrets", community),
        shells=_kept_shells(folder / "secrets", community),
        password=Secret(secrets.token_urlsafe(16)),
        light_line=light_line,
        has_restic=bool(restic),
    )
    stage.centre_file.write_text(spell(centre))
    for site, config in stage.agents.items():
        for address in (config.data / "repository").glob("*/address"):
            address.unlink()  # the server may have another port now; the agent asks for a new way in
        stage.agent_file(site).write_text(spell(config))
    _put_inventory(stage, clock)
    _put_accounts(stage, clock)
    return stage


def join_agents(stage: Stage, *, clock: Clock) -> None:
    """Let each agent into the running centre that has not joined it yet, or knew it under another address."""
    url = f"https://{HOST}:{stage.centre.agents.port}"
    for site, config in stage.agents.items():
        _join(stage, AgentFiles(config.data), site, url, clock)


def join_computers(stage: Stage, *, clock: Clock) -> list[list[str]]:
    """Let the community's computers in too; the command line by which each tells of itself. Blocking."""
    url = f"https://{HOST}:{stage.centre.agents.port}"
    commands = []
    for computer in COMPUTERS:
        config = PcConfig(data=stage.folder / f"pc-{computer.name.lower()}")
        _join(stage, AgentFiles(config.data), computer.site, url, clock)
        file, recording = config.data / "pc.toml", config.data / "recording.jsonl"
        file.write_text(spell(config))
        recording.write_bytes(computer.recording())
        commands.append(["pc", "--config", os.fspath(file), "once", "--recording", os.fspath(recording)])
    return commands


def _join(stage: Stage, files: AgentFiles, site: SiteId, url: str, clock: Clock) -> None:
    if not _has_joined(files, url):
        files.key.unlink(missing_ok=True)  # a key is good for one enrolment
        join(files, join_line(stage.centre, site, url), clock=clock)


def _repositories_config(folder: Path, ports: range, *, has_restic: bool) -> RepositoriesConfig:
    # Without a server the copies of the demo go into a folder, and cannot be looked into from the pages.
    serves = has_restic and any(shutil.which(program) for program in server.PROGRAMS)
    port = _free_port(ports, "repositories.service.port") if serves else ports[0]
    return RepositoriesConfig(
        folder=folder / "repositories",
        look_every_s=5,
        measure_every_s=60,
        service=ServiceConfig(enabled=serves, host=HOST, port=port),
        walk=WalkConfig(from_hour=0, until_hour=0),
    )


def _agent_config(folder: Path, site: SiteId, centre: CentreConfig, *, restic: str) -> AgentConfig:
    has_plan = bool(restic) and site == BACKED_UP
    return AgentConfig(
        data=folder / f"agent-{site}",
        secrets=folder / "secrets",
        cameras=CamerasConfig(segment_s=SEGMENT_S),
        recordings=RecordingsConfig(folder=folder / "video" / site, free_floor_gib=1),
        network=NetworkConfig(interval_s=POLL_EVERY_S, ping_proves_life=False),
        services=ServicesConfig(interval_s=SERVICES_EVERY_S, authority=centre.keys / CENTRE_CERTIFICATE),
        uplink=UplinkConfig(rate_kbps=20_000),
        backup=_backup_config(folder, site, centre, restic) if has_plan else BackupConfig(),
        gear_copies=GearCopiesConfig(every_hours=GEAR_EVERY_S / 3600, look_every_s=GEAR_EVERY_S, random_delay_s=0),
    )


def _backup_config(folder: Path, site: SiteId, centre: CentreConfig, restic: str) -> BackupConfig:
    serves = centre.repositories.service.enabled
    return BackupConfig(
        repository=AT_CENTRE if serves else os.fspath(folder / "repositories" / site),
        password_file=folder / "secrets" / "backup-password",
        program=restic,
        look_every_s=5,
        random_delay_s=0,
        drill_every_days=1,
        plans=(PlanConfig(id=PLAN, name=PLAN_NAME, paths=(_put_documents(folder / "documents"),), every_hours=1),),
    )


def _free_port(ports: range, place: str) -> int:
    sock: socket.socket = listen.bind_first_free(HOST, ports, place=place)
    with sock:
        return int(sock.getsockname()[1])


def _kept_logins(folder: Path, community: SimulatedCommunity) -> dict[str, Secret]:
    # New at each start, as the cameras that ask for them are.
    logins = new_logins(community)
    for name, login in logins.items():
        _put_secret(folder / name, login)
    return logins


def _kept_shells(folder: Path, community: SimulatedCommunity) -> dict[DeviceId, ShellAccess]:
    # Host keys stay, as a device's do, or each start would change the inventory; passwords are new.
    host_keys = {}
    for thing in (thing for spec in community.sites for thing in spec.gear if thing.shell):
        file = folder / f"host-key-{thing.id}"
        if not file.exists():
            write_secret_file(file, new_host_key())
        host_keys[DeviceId(thing.id)] = read_secret_file(file)
    shells = new_shells(community, host_keys)
    for thing in (thing for spec in community.sites for thing in spec.gear if thing.shell):
        _put_secret(folder / thing.shell_secret, shells[DeviceId(thing.id)].password)
    return shells


def _put_secret(path: Path, secret: Secret) -> None:
    path.unlink(missing_ok=True)
    write_secret_file(path, secret)


def _put_inventory(stage: Stage, clock: Clock) -> None:
    with open_inventory(stage.centre, clock=clock) as store:
        known = inventory(stage.community, shells=stage.shells)
        services = (*known.services, *_services_of_the_centre(stage))
        plan = store.propose(msgspec.structs.replace(known, services=services))
        store.accept(plan, actor=UserId(operator()), reason="навчальна громада")


def _services_of_the_centre(stage: Stage) -> Iterator[Service]:
    """The centre's own doors, as the first site sees them."""
    site = stage.community.sites[0].site.id
    yield Service(
        id=ServiceId("centre-pages"),
        site=site,
        name="Сторінки Бекета",
        address=f"http://{HOST}:{stage.centre.pages.port}/login",
    )
    yield Service(
        id=ServiceId("centre-certificate"),
        site=site,
        name="Сертифікат центру",
        address=f"tls://{HOST}:{stage.centre.agents.port}",
    )


def _put_accounts(stage: Stage, clock: Clock) -> None:
    with open_access(stage.centre, clock=clock) as access:
        put_people(access, inventory(stage.community))
        officer = access.users.find(OFFICER)
        _put_secret(stage.relay_password_file, access.relay_passwords.renew(officer, by=operator()))
        access.users.set_password(access.users.find(VIEWER).id, stage.password, by=operator())


def _put_documents(folder: Path) -> Path:
    """What the council's plan copies: some invented documents, the same at each start."""
    folder.mkdir(exist_ok=True)
    for name, line in DOCUMENTS.items():
        (folder / f"{name}.txt").write_text(f"{name} (навчальний документ)\n" + f"{line}\n" * 400)
    return folder


def _has_joined(files: AgentFiles, url: str) -> bool:
    try:
        return load_enrolled(files.enrolled).centre_url == url
    except NotFound:
        return False
