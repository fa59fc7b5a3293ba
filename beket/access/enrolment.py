"""Owns the centre's side of an agent's life: a join line, enrolment, challenges, sessions, revocation.

Join tokens and agents are rows; challenges and agents' sessions are in memory on the monotonic clock: after a restart
of the centre an agent answers a new challenge. `authenticate` and `challenge` never block; the rest does. Thread-safe.
Note: beket/access/design/0006-access-and-trust.md.
"""

import hashlib
import hmac
import secrets
import threading
from dataclasses import dataclass

import sqlalchemy as sa

from beket.access.access_time import AccessTime
from beket.access.community_key import CommunityKey
from beket.access.join_token import JoinToken, is_centre_url
from beket.access.journal import Event, Journal
from beket.access.messages import (
    Challenge,
    EnrolGrant,
    EnrolRequest,
    SessionGrant,
    SessionRequest,
    challenge_answer,
    proof_of_possession,
)
from beket.access.signing import Purpose, check_public_key, from_hex, verify
from beket.access.tables import agents, community_key, join_tokens
from beket.kernel.clock import NS_PER_S
from beket.kernel.database import Database
from beket.kernel.errors import InvalidArgument, InvalidConfig, NotFound, Unauthenticated
from beket.kernel.ids import AgentId, CommunityId, SiteId, check_slug
from beket.kernel.secrets import Secret
from beket.kernel.text import say
from beket.kernel.wire import check_version

JOIN_LIFE_S = 3 * 86_400
JOIN_TRIES_MAX = 5
CHALLENGE_LIFE_S = 60
SESSION_LIFE_S = 3600
# One agent cannot fill the memory: its oldest challenge or session makes room for the newest.
CHALLENGES_PER_AGENT = 8
SESSIONS_PER_AGENT = 16
SOFTWARE_MAX_CHARS = 64


@dataclass(frozen=True, slots=True)
class JoinTokenInfo:
    """A join token as IT sees it; the secret itself was shown once.

    Attributes:
        agent: who used it; "" when it is unused.
        left_s: how long it can still be used; 0 when spent, late, revoked or tried too often.
    """

    id: str
    site: SiteId
    created_ns: int
    agent: str
    left_s: int


@dataclass(frozen=True, slots=True)
class Agent:
    """An enrolled agent; `revoked_reason` is "" while it is trusted."""

    id: AgentId
    site: SiteId
    public_key: str
    software: str
    enrolled_ns: int
    revoked_reason: str


@dataclass(frozen=True, slots=True)
class AgentPrincipal:
    """Who is behind an agent's connection."""

    agent: AgentId
    site: SiteId
    community: CommunityId


@dataclass(frozen=True, slots=True)
class _AgentSession:
    principal: AgentPrincipal
    until_mono_ns: int


class Enrolment:
    """Agents of one centre, in access.db."""

    def __init__(
        self, database: Database, time: AccessTime, journal: Journal, *, key: CommunityKey, community: str, pin: str
    ) -> None:
        """`pin` is the centre's own, from `tls.server_files`. Blocking.

        Raises:
            InvalidConfig: `key` is not the key that agents of this database believe.
        """
        self._database = database
        self._time = time
        self._journal = journal
        self._key = key
        self._community = CommunityId(community)
        self._pin = pin
        self._lock = threading.Lock()  # over the memory; held for moments only
        self._changing = threading.Lock()  # over database and memory together
        self._known: set[str] = set()
        self._challenges: dict[str, dict[str, int]] = {}
        self._sessions: dict[bytes, _AgentSession] = {}
        database.write(self._check_community_key)
        with database.read() as connection:
            trusted = sa.select(agents.c.id).where(agents.c.revoked_ns.is_(None))
            self._known.update(connection.execute(trusted).scalars())

    # Joining ----------------------------------------------------------------------------------------------------------

    def create_join_token(self, site: SiteId, *, centre_url: str, by: str) -> JoinToken:
        """A line for one new agent of `site`, good once within three days. Only its secret's hash is kept.

        Raises:
            InvalidArgument: the site is no slug, or the URL is not `https://host[:port]`.
        """
        check_slug(site, place="site")
        if not is_centre_url(centre_url):
            raise InvalidArgument(
                say(
                    "Адреса центру має бути виду https://ім'я:порт.",
                    "The centre's URL must look like https://host:port.",
                ),
                subject=centre_url[:200],
            )
        token_id, secret = secrets.token_hex(4), secrets.token_urlsafe(24)
        row = {"id": token_id, "site": site, "secret_hash": _hash_of(secret), "created_ns": self._time.wall_ns()}
        until_ns = self._time.elapsed_ns() + JOIN_LIFE_S * NS_PER_S

        def work(connection: sa.Connection) -> None:
            connection.execute(sa.insert(join_tokens).values(**row, until_elapsed_ns=until_ns, tries=0))
            event = Event(actor=by, action="create-join-token", subject=site, details={"token": token_id})
            self._journal.append_in(connection, event)

        self._database.write(work)
        return JoinToken(centre_url, self._pin, Secret(f"{token_id}.{secret}"))

    def join_tokens(self) -> list[JoinTokenInfo]:
        """All join tokens, newest first."""
        now_ns = self._time.elapsed_ns()
        with self._database.read() as connection:
            rows = connection.execute(sa.select(join_tokens).order_by(join_tokens.c.until_elapsed_ns.desc())).all()
        return [
            JoinTokenInfo(
                row.id,
                SiteId(row.site),
                row.created_ns,
                row.agent or "",
                0 if row.agent or not _is_usable(row, now_ns) else (row.until_elapsed_ns - now_ns) // NS_PER_S,
            )
            for row in rows
        ]

    def revoke_join_token(self, token: str, *, by: str) -> None:
        """Make an unused join line worthless.

        Raises:
            NotFound: there is no such token.
        """

        def work(connection: sa.Connection) -> None:
            change = sa.update(join_tokens).where(join_tokens.c.id == token).values(revoked_ns=self._time.wall_ns())
            if connection.execute(change).rowcount == 0:
                raise NotFound(say("Такого рядка приєднання немає.", "There is no such join token."), subject=token)
            self._journal.append_in(connection, Event(actor=by, action="revoke-join-token", details={"token": token}))

        self._database.write(work)

    def enrol(self, request: EnrolRequest) -> EnrolGrant:
        """Let an agent in by its one-time secret. The same agent asking again, because the answer was lost, gets the
        same grant.

        Raises:
            Unauthenticated: wrong, spent or late secret, in one and the same sentence; or no proof of the key.
            ProtocolError: the public key is none, or the agent's release cannot be served.
        """
        check_version(request.hello)
        public_key = check_public_key(request.public_key)
        message = proof_of_possession(public_key, request.secret)
        if not verify(public_key, Purpose.ENROL_REQUEST, message, from_hex(request.proof)):
            raise Unauthenticated(
                say("Агент не довів, що ключ його.", "The agent did not prove that it holds the key.")
            )
        token_id, _, secret = request.secret.partition(".")
        if not self._count_try(token_id, secret):
            raise _wrong_join_token()
        with self._changing:
            agent, site = self._database.write(lambda connection: self._enrol_in(connection, token_id, request))
            with self._lock:
                self._known.add(agent)
        unsigned = EnrolGrant(
            agent=agent, site=site, community=self._community, community_key="", public_key=public_key
        )
        return self._key.sign_grant(unsigned)

    def _count_try(self, token_id: str, secret: str) -> bool:
        # A wrong secret costs the token a try, in a transaction of its own: the refusal must not undo it.
        def work(connection: sa.Connection) -> bool:
            row = connection.execute(sa.select(join_tokens).where(join_tokens.c.id == token_id)).one_or_none()
            if row is None or not _is_usable(row, self._time.elapsed_ns()):
                return False
            if hmac.compare_digest(row.secret_hash, _hash_of(secret)):
                return True
            tries = sa.update(join_tokens).where(join_tokens.c.id == token_id)
            connection.execute(tries.values(tries=join_tokens.c.tries + 1))
            return False

        return self._database.write(work)

    def _enrol_in(self, connection: sa.Connection, token_id: str, request: EnrolRequest) -> tuple[AgentId, SiteId]:
        token = connection.execute(sa.select(join_tokens).where(join_tokens.c.id == token_id)).one()
        known = connection.execute(sa.select(agents).where(agents.c.public_key == request.public_key)).one_or_none()
        if token.agent is not None:
            if known is None or known.id != token.agent or known.revoked_ns is not None:
                raise _wrong_join_token()
            return AgentId(known.id), SiteId(known.site)
        if known is not None:
            raise Unauthenticated(
                say("Цей агент уже приєднаний або вилучений.", "This agent has joined before or was removed."),
                subject=known.id,
                hint=say("Створіть на агенті новий ключ.", "Make a new key on the agent."),
            )
        agent = AgentId(f"{token.site[:50].rstrip('-')}-{secrets.token_hex(4)}")
        software = "".join(c for c in request.hello.software[:SOFTWARE_MAX_CHARS] if c.isprintable())
        connection.execute(
            sa.insert(agents).values(
                id=agent,
                site=token.site,
                public_key=request.public_key,
                software=software,
                enrolled_ns=self._time.wall_ns(),
                revoked_reason="",
            )
        )
        connection.execute(sa.update(join_tokens).where(join_tokens.c.id == token_id).values(agent=agent))
        details = {"site": token.site, "token": token_id, "public_key": request.public_key}
        event = Event(actor=f"agent:{agent}", action="enrol-agent", subject=agent, details=details)
        self._journal.append_in(connection, event)
        return agent, SiteId(token.site)

    # Sessions ---------------------------------------------------------------------------------------------------------

    def challenge(self, agent: AgentId) -> Challenge:
        """Bytes for the agent to sign. An unknown agent gets some too, and learns nothing."""
        nonce = secrets.token_hex(32)
        now_ns = self._time.mono_ns()
        with self._lock:
            if agent in self._known:
                mine = self._challenges.setdefault(agent, {})
                mine[nonce] = now_ns + CHALLENGE_LIFE_S * NS_PER_S
                while len(mine) > CHALLENGES_PER_AGENT:
                    del mine[next(iter(mine))]
        return Challenge(nonce=nonce, life_s=CHALLENGE_LIFE_S)

    def open_session(self, request: SessionRequest) -> SessionGrant:
        """Exchange a signed challenge for a token; each challenge is good once.

        Raises:
            Unauthenticated: unknown or revoked agent, unknown or late challenge, or wrong signature.
        """
        now_ns = self._time.mono_ns()
        with self._lock:
            until_ns = self._challenges.get(request.agent, {}).pop(request.nonce, 0)
        if until_ns <= now_ns:
            raise _not_recognised(request.agent)
        with self._changing:
            # Read anew, not remembered: a command in another process may have revoked the agent.
            with self._database.read() as connection:
                trusted = (agents.c.id == request.agent) & agents.c.revoked_ns.is_(None)
                row = connection.execute(sa.select(agents).where(trusted)).one_or_none()
            message = challenge_answer(request.agent, request.nonce, self._pin)
            signature = from_hex(request.signature)
            if row is None or not verify(row.public_key, Purpose.AGENT_CHALLENGE, message, signature):
                raise _not_recognised(request.agent)
            token = secrets.token_urlsafe(32)
            principal = AgentPrincipal(AgentId(row.id), SiteId(row.site), self._community)
            with self._lock:
                self._make_room(principal.agent, now_ns)
                self._sessions[_hash_of(token)] = _AgentSession(principal, now_ns + SESSION_LIFE_S * NS_PER_S)
        return SessionGrant(token=token, life_s=SESSION_LIFE_S)

    def authenticate(self, token: Secret) -> AgentPrincipal:
        """Who holds this token. Does not block: the token's hash is looked up in memory.

        Raises:
            Unauthenticated: unknown, late or revoked; the agent must answer a new challenge.
        """
        now_ns = self._time.mono_ns()
        with self._lock:
            session = self._sessions.get(_hash_of(token.reveal()))
        if session is None or session.until_mono_ns <= now_ns:
            raise Unauthenticated(say("Сеанс агента закінчився.", "The agent's session has ended."))
        return session.principal

    def revoke(self, agent: AgentId, *, reason: str, by: str) -> None:
        """Trust an agent no longer: its sessions end at once and its key is never accepted again.

        Raises:
            NotFound: no trusted agent has this id.
        """

        def work(connection: sa.Connection) -> None:
            trusted = (agents.c.id == agent) & agents.c.revoked_ns.is_(None)
            values = {"revoked_ns": self._time.wall_ns(), "revoked_reason": reason or "revoked"}
            if connection.execute(sa.update(agents).where(trusted).values(**values)).rowcount == 0:
                raise NotFound(say("Такого агента немає.", "There is no such agent."), subject=agent[:80])
            details = {"reason": reason}
            event = Event(actor=by, action="revoke-agent", subject=agent, details=details)
            self._journal.append_in(connection, event)

        with self._changing:
            self._database.write(work)
            with self._lock:
                self._known.discard(agent)
                self._challenges.pop(agent, None)
                self._sessions = {h: s for h, s in self._sessions.items() if s.principal.agent != agent}

    def agents(self) -> list[Agent]:
        """All agents that ever enrolled, by id; revoked ones too."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(agents).order_by(agents.c.id)).all()
        return [
            Agent(AgentId(r.id), SiteId(r.site), r.public_key, r.software, r.enrolled_ns, r.revoked_reason)
            for r in rows
        ]

    def public_key_of(self, agent: AgentId) -> str:
        """The key (hex) that the agent enrolled with; "" of one that never did."""
        with self._database.read() as connection:
            return connection.execute(sa.select(agents.c.public_key).where(agents.c.id == agent)).scalar() or ""

    def _make_room(self, agent: AgentId, now_ns: int) -> None:
        mine = [h for h, s in self._sessions.items() if s.principal.agent == agent]
        late = [h for h in mine if self._sessions[h].until_mono_ns <= now_ns]
        crowded = mine[: max(0, len(mine) - SESSIONS_PER_AGENT + 1)]
        for token_hash in {*late, *crowded}:
            del self._sessions[token_hash]

    def _check_community_key(self, connection: sa.Connection) -> None:
        known = connection.execute(sa.select(community_key.c.public_key)).scalar_one_or_none()
        if known is None:
            values = {"public_key": self._key.public, "first_used_ns": self._time.wall_ns()}
            connection.execute(sa.insert(community_key).values(**values))
        elif known != self._key.public:
            raise InvalidConfig(
                say(
                    "Ключ громади не той, якому вірять агенти.", "The community key is not the one that agents believe."
                ),
                subject="community.key",
                hint=say(
                    "Відновіть файл ключа з паперової копії в сейфі; нового не створюйте.",
                    "Restore the key file from the printed copy in the safe; do not make a new one.",
                ),
            )


def _is_usable(row: sa.Row[tuple[object, ...]], now_ns: int) -> bool:
    return row.revoked_ns is None and row.until_elapsed_ns > now_ns and row.tries < JOIN_TRIES_MAX


def _hash_of(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="replace")).digest()


def _not_recognised(agent: str) -> Unauthenticated:
    return Unauthenticated(
        say("Агента не впізнано.", "The agent is not recognised."),
        subject=agent[:80],
        hint=say("Якщо його вилучили, приєднайте знову.", "If it was removed, join it again."),
    )


def _wrong_join_token() -> Unauthenticated:
    return Unauthenticated(
        say("Рядок приєднання вже не діє.", "This join line is no longer valid."),
        hint=say("Попросіть новий: він діє три дні й один раз.", "Ask for a new one: it lasts three days, once."),
    )
