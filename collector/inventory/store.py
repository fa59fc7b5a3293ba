"""Owns the community's one inventory: its versions in facts.db, who may follow whom, and the way back.

Blocking, except `current`: call it from a worker thread. Does not read files (transfer.py) nor decide who may change
what (access). Note: collector/design/0005-inventory-tables-migrations.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import sqlalchemy as sa

from beket.kernel.clock import Clock
from beket.kernel.database import Database
from beket.kernel.errors import Busy, DataLoss, InvalidArgument, InvalidConfig, NotFound
from beket.kernel.ids import UserId
from beket.kernel.inventory import Community, Inventory
from beket.kernel.text import say
from beket.kernel.wire import canonical
from collector.inventory.changes import THING_KINDS, Change, ThingKind, diff, site_of, things
from collector.inventory.draft import Draft, tidy
from collector.inventory.plan import ChangePlan, mass_removal, plan_change
from collector.inventory.tables import inventory_identity, inventory_version

Identities = dict[tuple[ThingKind, str], str]


class StalePlan(Busy):
    """Somebody else's change was accepted after this plan was made; plan anew."""


class MassRemoval(InvalidArgument):
    """Over half of the sites or cameras would go, and nobody said yes to that."""


@dataclass(frozen=True, slots=True)
class VersionInfo:
    """Who made a version, when and why; what changed is `InventoryStore.changes_of`."""

    version: int
    wall_ns: int
    actor: str
    reason: str
    restores: int | None


class InventoryStore:
    """All versions of the inventory; implements `kernel.ports.InventoryView`."""

    def __init__(self, database: Database, *, community: Community, clock: Clock) -> None:
        """Load the newest version.

        Args:
            database: facts.db.
            community: whose inventory this is; names version 0, before the first change.
            clock: stamps each version.

        Raises:
            InvalidConfig: the database holds the inventory of another community.
            DataLoss: the newest version cannot be read.
        """
        self._database = database
        self._clock = clock
        self._empty = Inventory(version=0, community=community)
        self._current = self._empty
        self.refresh()
        if self._current.community.id != community.id:
            raise InvalidConfig(
                say(
                    "У цій базі опис громади «{theirs}», а в налаштуваннях — «{ours}».",
                    "This database describes the community “{theirs}”; the configuration says “{ours}”.",
                    theirs=self._current.community.id,
                    ours=community.id,
                ),
                subject=str(database.path),
            )

    def current(self) -> Inventory:
        """See `InventoryView.current`; from memory, safe on any thread or loop."""
        return self._current

    def refresh(self) -> bool:
        """Look for a version that another process accepted; True when there is a newer one."""
        with self._database.read() as connection:
            newest = _newest_version(connection)
            if newest <= self._current.version:
                return False
            self._current = self._load(connection, newest)
            return True

    # Changing ---------------------------------------------------------------------------------------------------------

    def propose(self, new: Inventory | Draft) -> ChangePlan:
        """The dry run: what accepting `new` would change. Its own version number does not matter.

        Raises:
            InventoryMistakes: it cannot be accepted; every mistake is listed with its place.
        """
        self.refresh()
        draft = new if isinstance(new, Draft) else Draft(new)
        with self._database.read() as connection:
            return plan_change(draft, self._current, _identities(connection))

    def propose_rollback(self, version: int) -> ChangePlan:
        """The dry run of going back to what `version` said, by a new version equal to it.

        Raises:
            NotFound: there was no such version.
            InventoryMistakes: today's rules refuse what it said.
        """
        self.refresh()
        with self._database.read() as connection:
            old = self._load(connection, version)
            return plan_change(Draft(old), self._current, _identities(connection), restores=version)

    def accept(self, plan: ChangePlan, *, actor: UserId, reason: str, confirm_mass_removal: bool = False) -> Inventory:
        """Put the plan in force and return the new version, durable; a plan without changes makes none.

        Raises:
            StalePlan: another change came first.
            MassRemoval: over half of the sites or cameras would go and `confirm_mass_removal` is False.
            InventoryMistakes: the plan was made by other rules than today's.
            InvalidArgument: no actor or no reason.
        """
        actor_said, reason_said = tidy(actor), tidy(reason)
        if not actor_said or not reason_said:
            raise InvalidArgument(say("Вкажіть, хто і чому змінює.", "Say who changes this and why."))

        def work(connection: sa.Connection) -> Inventory:
            return self._accept_in(connection, plan, actor_said, reason_said, confirm_mass_removal)

        accepted = self._database.write(work)
        if accepted.version > self._current.version:
            self._current = accepted
        return accepted

    def _accept_in(
        self, connection: sa.Connection, plan: ChangePlan, actor: str, reason: str, confirmed: bool
    ) -> Inventory:
        newest = _newest_version(connection)
        if newest != plan.base_version:
            raise StalePlan(
                say(
                    "Поки ви дивилися, хтось змінив опис: версія вже {newest}, а не {base}.",
                    "Someone changed the inventory meanwhile: it is at version {newest}, no longer {base}.",
                    newest=newest,
                    base=plan.base_version,
                ),
                hint=say("Перегляньте зміни ще раз.", "Look through the changes again."),
            )
        base = self._load(connection, newest)
        identities = _identities(connection)
        # The plan may have come from a page or a file: what it claims is worked out again here.
        checked = plan_change(Draft(plan.new), base, identities, restores=plan.restores)
        if not checked.changes:
            return base
        if (loss := mass_removal(checked.changes, base)) and not confirmed:
            raise MassRemoval(
                loss, hint=say("Якщо це справді так, підтвердьте окремо.", "If so, confirm it explicitly.")
            )
        connection.execute(
            inventory_version.insert().values(
                version=checked.new.version,
                accepted_wall_ns=self._clock.wall_ns(),
                actor=actor,
                reason=reason,
                restores=plan.restores,
                document=canonical(checked.new),
            )
        )
        _remember_identities(connection, checked.new, identities)
        return checked.new

    # Looking back -----------------------------------------------------------------------------------------------------

    def version(self, version: int) -> Inventory:
        """What the inventory said at `version`; 0 is the empty one.

        Raises:
            NotFound: there was no such version.
        """
        with self._database.read() as connection:
            return self._load(connection, version)

    def changes_of(self, version: int) -> tuple[Change, ...]:
        """What `version` changed in the one before it.

        Raises:
            NotFound: there was no such version, or it is 0.
        """
        with self._database.read() as connection:
            return diff(self._load(connection, version - 1), self._load(connection, version))

    def history(self, limit: int, *, before_version: int | None = None) -> Sequence[VersionInfo]:
        """Up to `limit` versions, the newest first; `before_version` continues an earlier page."""
        columns = [column for column in inventory_version.c if column.name != "document"]
        query = sa.select(*columns).order_by(inventory_version.c.version.desc()).limit(limit)
        if before_version is not None:
            query = query.where(inventory_version.c.version < before_version)
        with self._database.read() as connection:
            return [
                VersionInfo(row.version, row.accepted_wall_ns, row.actor, row.reason, row.restores)
                for row in connection.execute(query)
            ]

    def _load(self, connection: sa.Connection, version: int) -> Inventory:
        if version == 0:
            return self._empty
        query = sa.select(inventory_version.c.document).where(inventory_version.c.version == version)
        document = connection.execute(query).scalar_one_or_none()
        if document is None:
            raise NotFound(say("Версії {n} опису немає.", "There is no version {n} of the inventory.", n=version))
        try:
            return msgspec.json.decode(document, type=Inventory)
        except msgspec.MsgspecError as error:
            raise DataLoss(
                say("Версія {n} опису не читається.", "Version {n} of the inventory cannot be read.", n=version),
                subject=str(self._database.path),
            ) from error


def _newest_version(connection: sa.Connection) -> int:
    return connection.execute(sa.select(sa.func.max(inventory_version.c.version))).scalar_one() or 0


def _identities(connection: sa.Connection) -> Identities:
    columns = inventory_identity.c
    rows = connection.execute(sa.select(columns.kind, columns.id, columns.site))
    return {(ThingKind(row.kind), row.id): row.site for row in rows}


def _remember_identities(connection: sa.Connection, new: Inventory, known: Identities) -> None:
    rows = [
        {"kind": kind.value, "id": thing.id, "site": site_of(thing), "since_version": new.version}
        for kind in THING_KINDS
        for thing in things(new, kind)
        if (kind, thing.id) not in known
    ]
    if rows:
        connection.execute(inventory_identity.insert(), rows)
