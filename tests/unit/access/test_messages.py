"""Golden messages of wire version 1: what a peer of this release sends must be read by every later release."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beket.access.messages import (
    Challenge,
    ChallengeRequest,
    EnrolGrant,
    EnrolRequest,
    SessionGrant,
    SessionRequest,
    challenge_answer,
    grant_bytes,
    proof_of_possession,
)
from beket.kernel.errors import ProtocolError
from beket.kernel.wire import Hello, decode, encode

GOLDEN = Path(__file__).parents[2] / "fixtures" / "wire" / "1"
HELLO = Hello(
    version=1,
    software="beket 0.1.0",
    community="",
    boot_id="7d0f5a1c-0000-4000-8000-000000000001",
    wall_ns=946_684_800_000_000_000,
    features=("live",),
)
GRANT = EnrolGrant(
    agent="school-tsybulkivka-1f2e3d4c",
    site="school-tsybulkivka",
    community="mohyliv",
    community_key="cd" * 32,
    public_key="ab" * 32,
    signature="ef" * 64,
)
MESSAGES: dict[str, msgspec.Struct] = {
    "enrol-request": EnrolRequest(secret="1f2e3d4c.Zk9v", public_key="ab" * 32, proof="12" * 64, hello=HELLO),
    "enrol-grant": GRANT,
    "challenge-request": ChallengeRequest(agent=GRANT.agent),
    "challenge": Challenge(nonce="34" * 32, life_s=60),
    "session-request": SessionRequest(agent=GRANT.agent, nonce="34" * 32, signature="56" * 64),
    "session-grant": SessionGrant(token="Zk9vX-_q", life_s=3600),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_is_spelled_as_in_its_golden_file(name: str) -> None:
    golden = (GOLDEN / f"{name}.json").read_bytes()
    assert decode(golden, type(MESSAGES[name])) == MESSAGES[name]
    assert msgspec.json.format(encode(MESSAGES[name]), indent=2) + b"\n" == golden


@pytest.mark.parametrize("name", MESSAGES)
def test_a_field_of_a_newer_release_is_ignored(name: str) -> None:
    newer = msgspec.json.decode((GOLDEN / f"{name}.json").read_bytes()) | {"of_a_later_release": [1]}
    assert decode(msgspec.json.encode(newer), type(MESSAGES[name])) == MESSAGES[name]


@given(st.binary(max_size=100), st.sampled_from(sorted(MESSAGES)))
def test_hostile_bytes_are_a_protocol_error(data: bytes, name: str) -> None:
    with pytest.raises(ProtocolError):
        decode(data, type(MESSAGES[name]))


def test_what_is_signed_has_one_spelling() -> None:
    # Both sides must hash these very bytes for ever; a change here locks every enrolled agent out.
    assert proof_of_possession("ab", "s") == b'{"public_key":"ab","secret":"s"}'
    assert challenge_answer("a", "n", "p") == b'{"agent":"a","nonce":"n","pin":"p"}'
    assert grant_bytes(GRANT) == (
        b'{"agent":"school-tsybulkivka-1f2e3d4c","community":"mohyliv","community_key":"%s","public_key":"%s",'
        b'"signature":"","site":"school-tsybulkivka"}' % (b"cd" * 32, b"ab" * 32)
    )
