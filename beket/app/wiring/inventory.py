"""Puts the inventory together for one centre: facts.db and its store. Blocking."""

from collections.abc import Iterator
from contextlib import contextmanager

from beket.app.config import CentreConfig
from beket.kernel.clock import Clock
from beket.kernel.database import Database
from beket.kernel.ids import CommunityId
from beket.kernel.inventory import Community
from collector.inventory.store import InventoryStore
from collector.inventory.tables import FACTS_MIGRATIONS


@contextmanager
def open_inventory(config: CentreConfig, *, clock: Clock) -> Iterator[InventoryStore]:
    """The centre's inventory, its newest version loaded."""
    database = Database(config.data / "facts.db", migrations=FACTS_MIGRATIONS)
    community = Community(id=CommunityId(config.community.id), name=config.community.name)
    try:
        yield InventoryStore(database, community=community, clock=clock)
    finally:
        database.close()
