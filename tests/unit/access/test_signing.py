import pickle
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from beket.access.agent_key import AgentKey
from beket.access.community_key import CommunityKey, is_grant_genuine
from beket.access.messages import EnrolGrant
from beket.access.signing import Purpose, SigningKey, check_public_key, from_hex, verify
from beket.kernel.errors import InvalidConfig, ProtocolError


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    return SigningKey.load_or_create(tmp_path_factory.mktemp("keys") / "a.key")


@pytest.mark.parametrize("key_type", [AgentKey, CommunityKey])
def test_a_key_is_made_once_and_kept_to_its_owner(tmp_path: Path, key_type: type[SigningKey]) -> None:
    path = tmp_path / "keys" / "x.key"
    made = key_type.load_or_create(path)
    assert isinstance(made, key_type)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert key_type.load_or_create(path).public == made.public
    assert key_type.load_or_create(tmp_path / "other.key").public != made.public


@pytest.mark.parametrize("content", ["", "x", "ab" * 31, "ab" * 33, "zz" * 32])
def test_a_file_without_a_key_is_refused_and_never_replaced(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.key"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(InvalidConfig) as caught:
        SigningKey.load_or_create(path)
    assert path.read_text() == content
    assert len(content) < 2 or content not in repr(caught.value) + str(caught.value.__cause__)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.key"
    SigningKey.load_or_create(path)
    path.chmod(0o640)
    with pytest.raises(InvalidConfig, match="Others can read"):
        SigningKey.load_or_create(path)


@given(st.binary(max_size=200), st.sampled_from(Purpose))
def test_a_signature_is_good_for_its_purpose_and_message_only(
    key: SigningKey, message: bytes, purpose: Purpose
) -> None:
    signature = key.sign(purpose, message)
    assert verify(key.public, purpose, message, signature)
    assert not verify(key.public, purpose, message + b"\0", signature)
    assert [p for p in Purpose if verify(key.public, p, message, signature)] == [purpose]


@given(st.binary(max_size=80))
def test_any_bytes_as_a_signature_prove_nothing(key: SigningKey, signature: bytes) -> None:
    assert not verify(key.public, Purpose.ENROL_GRANT, b"m", signature)


@given(st.text(max_size=80) | st.binary(min_size=32, max_size=32).map(lambda raw: raw.hex().upper() + " "))
def test_any_text_as_a_public_key_is_a_protocol_error(text: str) -> None:
    with pytest.raises(ProtocolError):
        check_public_key(text)


def test_a_weak_public_key_is_no_key() -> None:
    weak = "00" * 32
    signature = bytes(64)
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(weak)).verify(signature, b"any message")  # OpenSSL believes it
    for point in (weak, "01" + "00" * 31, "ec" + "ff" * 31):
        with pytest.raises(ProtocolError):
            verify(point, Purpose.ENROL_GRANT, b"any message", signature)


def test_hex_that_is_none_becomes_no_bytes() -> None:
    assert from_hex("abcd") == b"\xab\xcd"
    assert from_hex("xyz") == from_hex("ї") == b""


def test_a_private_key_is_not_pickled_nor_shown(key: SigningKey) -> None:
    with pytest.raises(TypeError):
        pickle.dumps(key)
    assert repr(key) == f"SigningKey(public={key.public})"


def test_the_community_signs_grants(tmp_path: Path) -> None:
    community = CommunityKey.load_or_create(tmp_path / "community.key")
    grant = EnrolGrant(agent="a", site="s", community="mohyliv", community_key="", public_key="k")
    signed = community.sign_grant(grant)
    assert is_grant_genuine(signed)
    for field in ("agent", "site", "community", "public_key"):
        changed = {name: getattr(signed, name) for name in EnrolGrant.__struct_fields__} | {field: "x"}
        assert not is_grant_genuine(EnrolGrant(**changed))
