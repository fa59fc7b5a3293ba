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
def open_facts(config: CentreConfig) -> Iterator[Database]:
    """The centre's facts.db: the inventory, alerts, letters that wait."""
    database = Database(config.data / "facts.db", migrations=FACTS_MIGRATIONS)
    try:
        yield database
    finally:
        database.close()


def inventory_in(facts: Database, config: CentreConfig, *, clock: Clock) -> InventoryStore:
    """The centre's inventory, its newest version loaded."""
    community = Community(id=CommunityId(config.community.id), name=config.community.name)
    return InventoryStore(facts, community=community, clock=clock)


@contextmanager
def open_inventory(config: CentreConfig, *, clock: Clock) -> Iterator[InventoryStore]:
    """The centre's inventory, for a command that needs nothing else of facts.db."""
    with open_facts(config) as facts:
        yield inventory_in(facts, config, clock=clock)
