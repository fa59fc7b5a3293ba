"""Owns the root of each process's configuration file; every room declares its own section beside its code.

One TOML file a process. What is left out has the default that `beket config example` prints.
"""

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from agents.cameras.config import CamerasConfig
from agents.hosts.config import HostsConfig
from agents.network.config import NetworkConfig
from agents.services.config import ServicesConfig
from agents.spool.config import SpoolConfig
from agents.uplink.config import UplinkConfig
from backup.config import BackupConfig
from backup.configs.config import GearCopiesConfig
from backup.repository.config import RepositoriesConfig
from beket.kernel.errors import InvalidConfig
from beket.kernel.ids import check_slug
from beket.kernel.logs import LogFormat, LogLevel
from beket.kernel.text import say
from collector.assets.config import ComputersConfig
from collector.config import SamplesConfig, SinksConfig
from collector.notify.config import MailConfig
from collector.rules.config import AlertsConfig
from dashboards.config import WebConfig
from vms.config import RecordingsConfig
from vms.relay.config import RelayConfig


class LogsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Рядки журналу роботи програми; секретів у них немає."""

    level: Annotated[LogLevel, Meta(description="Що писати: debug, info, warning або error.")] = "info"
    style: Annotated[LogFormat, Meta(description="text — для людей, json — для збирачів журналів.")] = "text"


class CommunityConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Громада, якій служить цей центр."""

    id: Annotated[str, Meta(description="Незмінний ідентифікатор: a-z, 0-9, дефіс.")] = "hromada"
    name: Annotated[str, Meta(description="Назва, як її бачать люди.")] = "Громада"

    def __post_init__(self) -> None:
        check_slug(self.id, place="id")


class AgentsListenConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Куди телефонують агенти об'єктів (завжди TLS)."""

    host: Annotated[str, Meta(description="Адреса, на якій слухати.")] = "0.0.0.0"  # noqa: S104 - agents come from outside
    port: Annotated[int, Meta(ge=0, le=65535, description="Порт; 0 — будь-який вільний.")] = 8443
    names: Annotated[
        tuple[str, ...],
        Meta(description="Імена й адреси, за якими агенти знаходять центр; перше — у рядку приєднання."),
    ] = ("localhost",)

    def __post_init__(self) -> None:
        if not self.names:
            raise InvalidConfig(say("потрібне хоча б одне ім'я.", "at least one name is needed."))


class PagesListenConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Сторінки й /metrics; без TLS — лише для цієї машини або для VPN."""

    host: Annotated[str, Meta(description="Адреса, на якій слухати.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Порт; 0 — будь-який вільний.")] = 8080


class CentreConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file of `beket centre`.

    Attributes:
        keys: kept apart from `data`, so that a backup of the data does not carry the keys to it.
    """

    data: Annotated[Path, Meta(description="Тека з базами центру.")] = Path("/var/lib/beket/centre")
    keys: Annotated[Path, Meta(description="Тека з ключами центру; не всередині data.")] = Path("/etc/beket/keys")
    community: CommunityConfig = CommunityConfig()
    agents: AgentsListenConfig = AgentsListenConfig()
    pages: PagesListenConfig = PagesListenConfig()
    web: WebConfig = WebConfig()
    recordings: RecordingsConfig = RecordingsConfig()
    samples: SamplesConfig = SamplesConfig()
    sinks: SinksConfig = SinksConfig()
    repositories: RepositoriesConfig = RepositoriesConfig()
    computers: ComputersConfig = ComputersConfig()
    alerts: AlertsConfig = AlertsConfig()
    mail: MailConfig = MailConfig()
    relay: RelayConfig = RelayConfig()
    logs: LogsConfig = LogsConfig()

    def __post_init__(self) -> None:
        if self.keys.absolute().is_relative_to(self.data.absolute()):
            raise InvalidConfig(say("keys не може лежати всередині data.", "keys cannot lie inside data."))


class AgentConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file of `beket agent`."""

    data: Annotated[Path, Meta(description="Тека агента: черга вимірів, список пристроїв, приєднання.")] = Path(
        "/var/lib/beket/agent"
    )
    secrets: Annotated[
        Path, Meta(description="Тека з паролями камер і пристроїв: один файл — один секрет, chmod 600.")
    ] = Path("/etc/beket/secrets")
    cameras: CamerasConfig = CamerasConfig()
    recordings: RecordingsConfig = RecordingsConfig()
    network: NetworkConfig = NetworkConfig()
    services: ServicesConfig = ServicesConfig()
    spool: SpoolConfig = SpoolConfig()
    uplink: UplinkConfig = UplinkConfig()
    backup: BackupConfig = BackupConfig()
    hosts: HostsConfig = HostsConfig()
    gear_copies: GearCopiesConfig = GearCopiesConfig()
    logs: LogsConfig = LogsConfig()
