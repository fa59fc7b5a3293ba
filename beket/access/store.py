"""Owns how the parts of access are put together over one access.db; the app builds one `AccessStore` and asks it.

Blocking throughout, save `Enrolment.authenticate` and `Enrolment.challenge`: call from a worker thread.
"""

from pathlib import Path

from beket.access.access_time import AccessTime
from beket.access.community_key import CommunityKey
from beket.access.enrolment import Enrolment
from beket.access.journal import Journal
from beket.access.passwords import Passwords
from beket.access.permit import Actor, Decision, Resource, permit
from beket.access.roles import JOURNALED_ACTIONS, Action
from beket.access.sessions import Sessions
from beket.access.users import Users
from beket.kernel.clock import Clock
from beket.kernel.database import Database
from beket.kernel.errors import Forbidden

MIGRATIONS = Path(__file__).parent / "migrations"


def open_access_db(path: Path) -> Database:
    """Open access.db, bringing its tables up to date; the caller closes it. Blocking.

    Raises:
        DataLoss: the file is not a healthy database.
        InvalidConfig: the file was written by a newer Beket.
    """
    return Database(path, migrations=MIGRATIONS)


class AccessStore:
    """Everything about access at one centre."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        boot_id: str,
        community: str,
        community_key: CommunityKey,
        pin: str,
        passwords: Passwords | None = None,
    ) -> None:
        """`pin` and `community_key` come from `tls.server_files` and `CommunityKey.load_or_create`."""
        self.time = AccessTime(database, clock=clock, boot_id=boot_id)
        self.journal = Journal(database, self.time)
        self.users = Users(database, self.time, self.journal, passwords or Passwords())
        self.sessions = Sessions(database, self.time, self.journal)
        self.enrolment = Enrolment(database, self.time, self.journal, key=community_key, community=community, pin=pin)

    def demand(self, actor: Actor, action: Action, resource: Resource) -> Decision:
        """Ask `permit`, record the question and its answer where the journal wants it, and return a yes.

        When this returns, the entry is durable and the act may begin.

        Raises:
            Forbidden: the answer is no; the sentence says why.
        """
        decision = permit(actor, action, resource, self.time.now_at())
        if action in JOURNALED_ACTIONS:
            self.journal.record(actor, action, resource, decision)
        if not decision:
            raise Forbidden(decision.reason, subject=resource.name)
        return decision
