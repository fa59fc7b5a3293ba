"""Host keys: nothing is believed at first sight, a changed key is refused, a given fingerprint outweighs all."""

import base64
from pathlib import Path

import pytest

from agents.hosts.host_keys import ChangedHostKey, HostKey, HostKeys, UnknownHostKey
from beket.kernel.errors import InvalidArgument, InvalidConfig, NotFound
from beket.kernel.ids import DeviceId

ROUTER = DeviceId("router")
OLD = HostKey("ssh-ed25519", base64.b64encode(b"old").decode())
NEW = HostKey("ssh-rsa", base64.b64encode(b"new").decode())


def test_the_first_key_is_remembered_and_refused_until_somebody_approves_it(tmp_path: Path) -> None:
    keys = HostKeys(tmp_path)
    with pytest.raises(UnknownHostKey) as caught:
        keys.check(ROUTER, OLD, wall_ns=7)
    assert OLD.fingerprint() in caught.value.sentence().uk
    assert keys.of(ROUTER).offered == OLD
    assert keys.of(ROUTER).offered_ns == 7
    with pytest.raises(NotFound):
        keys.approve(ROUTER, NEW.fingerprint())
    assert keys.approve(ROUTER, OLD.fingerprint()) == OLD
    keys.check(ROUTER, OLD, wall_ns=8)


def test_a_changed_key_is_refused_with_both_fingerprints_and_can_be_approved(tmp_path: Path) -> None:
    keys = HostKeys(tmp_path)
    keys.know(ROUTER, OLD)
    with pytest.raises(ChangedHostKey) as caught:
        keys.check(ROUTER, NEW, wall_ns=1)
    assert OLD.fingerprint() in caught.value.message.en
    assert NEW.fingerprint() in caught.value.message.en
    keys.check(ROUTER, OLD, wall_ns=2)  # the old one still counts
    keys.approve(ROUTER, NEW.fingerprint())
    keys.check(ROUTER, NEW, wall_ns=3)
    with pytest.raises(ChangedHostKey):
        keys.check(ROUTER, OLD, wall_ns=4)


def test_a_given_fingerprint_needs_no_approval_and_outweighs_one(tmp_path: Path) -> None:
    keys = HostKeys(tmp_path)
    keys.check(ROUTER, OLD, given=OLD.fingerprint(), wall_ns=1)
    assert keys.of(ROUTER).approved == OLD
    with pytest.raises(ChangedHostKey):
        keys.check(ROUTER, OLD, given=NEW.fingerprint(), wall_ns=1)


def test_a_fingerprint_is_spelt_as_ssh_keygen_spells_it() -> None:
    assert OLD.fingerprint().startswith("SHA256:")
    assert len(OLD.fingerprint()) == len("SHA256:") + 43
    with pytest.raises(InvalidConfig):
        HostKey("ssh-rsa", "no base64!").fingerprint()


def test_a_damaged_file_is_told_and_a_strange_device_is_refused(tmp_path: Path) -> None:
    (tmp_path / "router.json").write_text("{")
    with pytest.raises(InvalidConfig, match="damaged"):
        HostKeys(tmp_path).of(ROUTER)
    with pytest.raises(InvalidArgument):
        HostKeys(tmp_path).of(DeviceId("../router"))
