"""Owns the agent's side of trust: its own key, what it remembers of its centre, and how it answers a challenge.

Light to import: cryptography, msgspec and the kernel. The agent never signs a time: after a blackout its clock lies.
Files, both 0600 in one folder: `agent.key` (never leaves the machine) and `centre.json`.
Note: beket/access/design/0006-access-and-trust.md.
"""

from pathlib import Path

import msgspec

from beket.access.community_key import is_grant_genuine
from beket.access.join_token import JoinToken
from beket.access.messages import (
    Challenge,
    EnrolGrant,
    EnrolRequest,
    SessionRequest,
    challenge_answer,
    proof_of_possession,
)
from beket.access.signing import Purpose, SigningKey
from beket.kernel.durable_file import put_file
from beket.kernel.errors import DataLoss, InvalidConfig, NotFound, Unauthenticated
from beket.kernel.ids import AgentId, CommunityId, SiteId
from beket.kernel.text import say
from beket.kernel.wire import Hello

STATE_MAX_BYTES = 64 * 1024


class AgentKey(SigningKey):
    """The private key made on this machine, by which the centre knows it."""

    __slots__ = ()


class Enrolled(msgspec.Struct, frozen=True, kw_only=True):
    """What an enrolled agent remembers: who it is, and by what it knows its centre and its community."""

    agent: AgentId
    site: SiteId
    community: CommunityId
    centre_url: str
    pin: str
    community_key: str


def enrol_request(key: AgentKey, token: JoinToken, hello: Hello) -> EnrolRequest:
    """The message that joins; may be repeated unchanged when the answer was lost on the way."""
    secret = token.secret.reveal()
    proof = key.sign(Purpose.ENROL_REQUEST, proof_of_possession(key.public, secret))
    return EnrolRequest(secret=secret, public_key=key.public, proof=proof.hex(), hello=hello)


def accept_grant(key: AgentKey, token: JoinToken, grant: EnrolGrant) -> Enrolled:
    """What to remember after the centre said yes.

    Raises:
        Unauthenticated: the grant is for another key, or its signature is not the community's.
        ProtocolError: the grant names no key.
    """
    if grant.public_key != key.public or not is_grant_genuine(grant):
        raise Unauthenticated(
            say("Відповідь центру підписано не тим ключем.", "The centre's answer is signed by a wrong key."),
            subject=token.centre_url,
            hint=say("Попросіть новий рядок приєднання.", "Ask for a new join line."),
        )
    return Enrolled(
        agent=AgentId(grant.agent),
        site=SiteId(grant.site),
        community=CommunityId(grant.community),
        centre_url=token.centre_url,
        pin=token.pin,
        community_key=grant.community_key,
    )


def answer_challenge(key: AgentKey, enrolled: Enrolled, challenge: Challenge) -> SessionRequest:
    """The signed challenge, good for one session at this very centre."""
    message = challenge_answer(enrolled.agent, challenge.nonce, enrolled.pin)
    signature = key.sign(Purpose.AGENT_CHALLENGE, message)
    return SessionRequest(agent=enrolled.agent, nonce=challenge.nonce, signature=signature.hex())


def save_enrolled(path: Path, enrolled: Enrolled) -> None:
    """Keep `enrolled` in `path` (0600), whole or not at all, durable before this returns. Blocking."""
    put_file(path, msgspec.json.format(msgspec.json.encode(enrolled), indent=2) + b"\n")


def load_enrolled(path: Path) -> Enrolled:
    """What `save_enrolled` kept. Blocking.

    Raises:
        NotFound: this machine has not joined a centre.
        InvalidConfig: the file cannot be read.
        DataLoss: the file is not what was saved.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(STATE_MAX_BYTES)
    except FileNotFoundError:
        raise NotFound(
            say("Цей агент ще не приєднано до центру.", "This agent has not joined a centre yet."),
            subject=str(path),
            hint=say("Виконайте: beket agent join", "Run: beket agent join"),
        ) from None
    except OSError as error:
        raise InvalidConfig(
            say("Файл не читається: {why}.", "The file cannot be read: {why}.", why=error.strerror), subject=str(path)
        ) from error
    try:
        return msgspec.json.decode(raw, type=Enrolled)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DataLoss(
            say("Файл приєднання пошкоджено.", "The file of the enrolment is damaged."),
            subject=str(path),
            hint=say("Приєднайте агента знову.", "Join the agent again."),
        ) from error
