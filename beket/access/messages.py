"""Owns the messages by which an agent joins and proves itself; golden files in tests/fixtures/wire/<version>/.

Light to import: msgspec and the kernel. Binary values are hex text. What carries a secret does not print it.
"""

import msgspec

from beket.kernel.wire import Hello, canonical

# Far more than any of these needs; the door through which they come passes it to `wire.decode`.
ACCESS_MESSAGE_MAX_BYTES = 16 * 1024


class EnrolRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Agent to centre, once: the one-time secret, the agent's new public key and a proof that it holds the key."""

    secret: str
    public_key: str
    proof: str
    hello: Hello

    def __repr__(self) -> str:
        return f"EnrolRequest(public_key={self.public_key!r})"


class EnrolGrant(msgspec.Struct, frozen=True, kw_only=True):
    """Centre to agent: who it is from now on, signed by the community's key."""

    agent: str
    site: str
    community: str
    community_key: str
    public_key: str
    signature: str = ""


class ChallengeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Agent to centre, before each session."""

    agent: str


class Challenge(msgspec.Struct, frozen=True, kw_only=True):
    """Centre to agent: bytes to sign once, within `life_s`."""

    nonce: str
    life_s: int


class SessionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Agent to centre: the signed challenge."""

    agent: str
    nonce: str
    signature: str


class SessionGrant(msgspec.Struct, frozen=True, kw_only=True):
    """Centre to agent: the token for its connections during `life_s`."""

    token: str
    life_s: int

    def __repr__(self) -> str:
        return f"SessionGrant(life_s={self.life_s})"


def proof_of_possession(public_key: str, secret: str) -> bytes:
    """What the agent signs (`Purpose.ENROL_REQUEST`), so that nobody enrols a key that is not theirs."""
    return canonical({"public_key": public_key, "secret": secret})


def challenge_answer(agent: str, nonce: str, pin: str) -> bytes:
    """What the agent signs (`Purpose.AGENT_CHALLENGE`); with the pin, so that it is worth nothing at another centre."""
    return canonical({"agent": agent, "nonce": nonce, "pin": pin})


def grant_bytes(grant: EnrolGrant) -> bytes:
    """What the community signs (`Purpose.ENROL_GRANT`): every field but the signature."""
    return canonical(msgspec.structs.replace(grant, signature=""))
