"""Owns how the parts of access are put together over one access.db; the app builds one `AccessStore` and asks it.

Blocking throughout, save `Enrolment.authenticate` and `Enrolment.challenge`: call from a worker thread.
"""

from pathlib import Path

from beket.access.access_time import AccessTime
from beket.access.community_key import CommunityKey
from beket.access.enrolment import Enrolment
from beket.access.journal import Event, Journal
from beket.access.passwords import Passwords
from beket.access.permit import Actor, Decision, Resource, permit
from beket.access.relay_passwords import RelayPasswords
from beket.access.roles import JOURNALED_ACTIONS, Action
from beket.access.sessions import Session, Sessions
from beket.access.users import Users
from beket.kernel.clock import Clock
from beket.kernel.database import Database
from beket.kernel.errors import Forbidden
from beket.kernel.secrets import Secret

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
        self.relay_passwords = RelayPasswords(database, self.time, self.journal)
        self.enrolment = Enrolment(database, self.time, self.journal, key=community_key, community=community, pin=pin)

    def enter(self, token: Secret) -> tuple[Session, Actor]:
        """Who is behind a browser's token, with the grants of this moment and the reason stated in this session.

        Raises:
            Unauthenticated: the token opens nothing; the sentence says to log in.
        """
        session = self.sessions.find(token)
        return session, self.users.actor(session.user, reason=session.reason)

    def trust_clock(self, *, by: str) -> None:
        """Take the machine's date as the truth, because a person has looked at a calendar; recorded first.

        Belongs in the running centre: another process would be overwritten by it within a minute.
        """
        details = {"was_off_s": round(self.time.disagreement_s())}
        self.journal.append(Event(actor=by, action="trust-clock", details=details))
        self.time.trust_wall()

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
