"""Sealed copies: only the centre's key opens one, for its own device and moment alone."""

import random
from pathlib import Path

import pytest

from backup.configs.sealing import OpeningKey, seal
from beket.kernel.errors import DataLoss, InvalidConfig, ProtocolError

TEXT = '# by RouterOS\nadd password=hunter2 comment="сільрада"\n' * 50


@pytest.fixture
def key(tmp_path: Path) -> OpeningKey:
    return OpeningKey.load_or_create(tmp_path / "gear.key")


def test_what_was_sealed_opens_again_and_shows_nothing_meanwhile(key: OpeningKey, tmp_path: Path) -> None:
    sealed = seal(TEXT, public_key=key.public, device="router", taken_ns=5)
    assert b"hunter2" not in sealed
    assert b"RouterOS" not in sealed
    assert sealed != seal(TEXT, public_key=key.public, device="router", taken_ns=5)
    again = OpeningKey.load_or_create(tmp_path / "gear.key")
    assert again.open(sealed, device="router", taken_ns=5) == TEXT
    assert (tmp_path / "gear.key").stat().st_mode & 0o077 == 0


def test_a_copy_stands_for_its_device_and_moment_alone(key: OpeningKey, tmp_path: Path) -> None:
    sealed = seal(TEXT, public_key=key.public, device="router", taken_ns=5)
    another = OpeningKey.load_or_create(tmp_path / "another.key")
    for opener, device, taken_ns in ((key, "switch", 5), (key, "router", 6), (another, "router", 5)):
        with pytest.raises(DataLoss, match="does not open"):
            opener.open(sealed, device=device, taken_ns=taken_ns)


def test_every_changed_byte_is_found(key: OpeningKey) -> None:
    sealed = seal("short", public_key=key.public, device="r", taken_ns=1)
    rng = random.Random(3)
    for _ in range(300):
        damaged = bytearray(sealed)
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
        with pytest.raises(DataLoss):
            key.open(bytes(damaged[: rng.choice((len(damaged), rng.randrange(len(damaged))))]), device="r", taken_ns=1)


def test_what_is_no_key_is_told_without_quoting_it(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError):
        seal("x", public_key="00" * 31, device="r", taken_ns=1)
    with pytest.raises(ProtocolError):
        seal("x", public_key="00" * 32, device="r", taken_ns=1)
    file = tmp_path / "gear.key"
    file.write_text("rubbish\n")
    file.chmod(0o600)
    with pytest.raises(InvalidConfig) as caught:
        OpeningKey.load_or_create(file)
    assert "rubbish" not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_a_key_is_not_printed_and_not_pickled(key: OpeningKey) -> None:
    import pickle

    assert key.public in repr(key)
    with pytest.raises(TypeError):
        pickle.dumps(key)
