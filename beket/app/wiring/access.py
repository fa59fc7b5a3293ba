"""Puts the room of access together for one centre: keys, certificate, access.db. Blocking."""

from collections.abc import Iterator
from contextlib import contextmanager

from beket.access import tls
from beket.access.community_key import CommunityKey
from beket.access.store import AccessStore, open_access_db
from beket.app.config import CentreConfig
from beket.kernel.clock import Clock, read_boot_id


@contextmanager
def open_access(config: CentreConfig, *, clock: Clock) -> Iterator[AccessStore]:
    """The centre's access store; keys are made at the first call and never again."""
    community_key = CommunityKey.load_or_create(config.keys / "community.key")
    _, _, pin = tls.server_files(config.keys, config.agents.names)
    database = open_access_db(config.data / "access.db")
    try:
        yield AccessStore(
            database,
            clock=clock,
            boot_id=read_boot_id(),
            community=config.community.id,
            community_key=community_key,
            pin=pin,
        )
    finally:
        database.close()
