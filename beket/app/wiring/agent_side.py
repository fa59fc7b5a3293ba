"""Puts together what both processes of a site agent share: who it is, its inventory, its way to the centre."""

import contextlib
import functools
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from agents.inventory.cache import InventoryCache
from agents.uplink.config import UplinkConfig
from agents.uplink.connection import CentreConnection, PinnedConnection
from beket.access.agent_key import (
    AgentKey,
    Enrolled,
    accept_grant,
    enrol_request,
    load_enrolled,
    save_enrolled,
)
from beket.access.join_token import parse_join_token
from beket.access.messages import EnrolGrant
from beket.access.signing import Purpose, verify
from beket.app.machine import hello
from beket.kernel.clock import Clock
from beket.kernel.errors import NotFound
from beket.kernel.ids import CommunityId
from beket.kernel.inventory import Community, Inventory


@dataclass(frozen=True, slots=True)
class AgentFiles:
    """Where an agent keeps what must survive."""

    data: Path

    @property
    def key(self) -> Path:
        """Its private key, 0600."""
        return self.data / "identity" / "agent.key"

    @property
    def enrolled(self) -> Path:
        """Who it is and which centre it believes."""
        return self.data / "identity" / "centre.json"

    @property
    def inventory(self) -> Path:
        """Folder of the signed copy."""
        return self.data / "inventory"

    @property
    def bulk_memory(self) -> Path:
        """What each device bears at once."""
        return self.data / "snmp-bulk.json"

    @property
    def known_devices(self) -> Path:
        """Which modules each device has."""
        return self.data / "known-devices.json"

    @property
    def run_mark(self) -> Path:
        """What the capture process was when it ran last."""
        return self.data / "capture-run.json"

    @property
    def maintenance(self) -> Path:
        """Until when people work on the cameras."""
        return self.data / "maintenance.json"

    def facts(self, part: str) -> Path:
        """What one process knows of its devices besides samples."""
        return self.data / f"facts-{part}.json"

    def spool(self, part: str) -> Path:
        """Folder of the queue of points that one process keeps."""
        return self.data / f"spool-{part}"


@dataclass(frozen=True, slots=True)
class Identity:
    """An agent that has joined a centre."""

    key: AgentKey
    enrolled: Enrolled


def load_identity(files: AgentFiles) -> Identity:
    """Who this agent is.

    Raises:
        NotFound: it has not joined a centre; the hint says how.
    """
    enrolled = load_enrolled(files.enrolled)
    return Identity(AgentKey.load_or_create(files.key), enrolled)


def open_inventory_cache(files: AgentFiles, enrolled: Enrolled) -> InventoryCache:
    """The copy of the inventory as it lies on disk now."""
    verify_part = functools.partial(verify, enrolled.community_key, Purpose.INVENTORY_PART)
    return InventoryCache(files.inventory, site=enrolled.site, community=enrolled.community, verify=verify_part)


def connect(identity: Identity, config: UplinkConfig) -> AbstractContextManager[CentreConnection]:
    """One connection to the centre, opened at its first request and closed with the block; every thread its own."""
    return contextlib.closing(CentreConnection(identity.key, identity.enrolled, timeout_s=config.timeout_s))


def join(files: AgentFiles, line: str, *, clock: Clock) -> Enrolled:
    """Let this machine into the centre that the join line names; what it needs for good is durable. Blocking.

    Raises:
        InvalidArgument: the line is none, or damaged.
        Unauthenticated: the centre refuses it, or is another than the line says.
        Unreachable, TimedOut: no way to the centre.
    """
    token = parse_join_token(line)
    key = AgentKey.load_or_create(files.key)
    request = enrol_request(key, token, hello(clock, community=CommunityId("")))
    with contextlib.closing(PinnedConnection(token.centre_url, token.pin)) as connection:
        grant = connection.ask("/agent/v1/enrol", request, EnrolGrant)
    enrolled = accept_grant(key, token, grant)
    save_enrolled(files.enrolled, enrolled)
    return enrolled


class InventoryOnDisk:
    """The signed copy as another process of this agent keeps it; a `kernel.ports.InventoryView`.

    `reload` reads the files, and blocks; `current` does not. Before the first copy came there is nothing here.
    """

    def __init__(self, files: AgentFiles, enrolled: Enrolled) -> None:
        self._files = files
        self._enrolled = enrolled
        community = Community(id=enrolled.community, name=enrolled.community)
        self._current = Inventory(version=0, community=community)
        self.reload()

    def reload(self) -> bool:
        """Take up what lies on disk now; True when it is another version."""
        try:
            newest = open_inventory_cache(self._files, self._enrolled).current()
        except NotFound:
            return False
        before, self._current = self._current, newest
        return newest.version != before.version

    def current(self) -> Inventory:
        """See `InventoryView.current`."""
        return self._current
