import contextlib
import datetime
import hashlib
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from beket.access.tls import pin_of_certificate, server_files
from beket.kernel.errors import InvalidConfig, ProtocolError

NAMES = ("centre.example", "10.0.0.5", "fd00::1")


def read(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_the_centre_makes_its_certificate_once(tmp_path: Path) -> None:
    cert_path, key_path, pin = server_files(tmp_path / "tls", NAMES)
    certificate = read(cert_path)
    assert stat.S_IMODE(key_path.stat().st_mode) == 0o600
    assert isinstance(certificate.public_key(), ec.EllipticCurvePublicKey)
    stated = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert stated.get_values_for_type(x509.DNSName) == ["centre.example"]
    assert [str(ip) for ip in stated.get_values_for_type(x509.IPAddress)] == ["10.0.0.5", "fd00::1"]
    # Valid by any calendar the centre may see: the dates do not come from its clock.
    assert certificate.not_valid_before_utc == datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    assert certificate.not_valid_after_utc.year == 2049
    before = cert_path.read_bytes()
    assert server_files(tmp_path / "tls", NAMES) == (cert_path, key_path, pin)
    assert cert_path.read_bytes() == before


def test_the_pin_is_the_hash_of_the_public_key_info(tmp_path: Path) -> None:
    cert_path, _, pin = server_files(tmp_path, NAMES)
    certificate = read(cert_path)
    spki = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert pin == hashlib.sha256(spki).hexdigest()
    assert pin == pin_of_certificate(certificate.public_bytes(serialization.Encoding.DER))


@pytest.mark.parametrize("what", ["names changed", "certificate lost", "certificate damaged", "certificate of another"])
def test_a_new_certificate_of_the_same_key_keeps_the_pin(tmp_path: Path, what: str) -> None:
    cert_path, _, pin = server_files(tmp_path / "a", NAMES)
    names = NAMES
    if what == "names changed":
        names = ("new.example",)
    elif what == "certificate lost":
        cert_path.unlink()
    elif what == "certificate damaged":
        cert_path.write_bytes(b"half")
    else:
        cert_path.write_bytes(server_files(tmp_path / "b", NAMES)[0].read_bytes())
    assert server_files(tmp_path / "a", names)[2] == pin
    stated = read(cert_path).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert stated.get_values_for_type(x509.DNSName) == [names[0]]
    assert pin_of_certificate(read(cert_path).public_bytes(serialization.Encoding.DER)) == pin


def test_a_damaged_key_is_refused_and_never_replaced(tmp_path: Path) -> None:
    _, key_path, _ = server_files(tmp_path, NAMES)
    key_path.write_text("-----BEGIN PRIVATE KEY-----\nsecret\n")
    with pytest.raises(InvalidConfig) as caught:
        server_files(tmp_path, NAMES)
    assert "secret" not in caught.value.sentence().en
    assert caught.value.__cause__ is None
    assert key_path.read_text().endswith("secret\n")


@given(st.binary(max_size=200))
def test_bytes_that_are_no_certificate_are_a_protocol_error(der: bytes) -> None:
    with pytest.raises(ProtocolError):
        pin_of_certificate(der)


# The library grumbles at some damage, such as a serial number that is not positive; that is no error of ours.
@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=4))
def test_a_damaged_certificate_is_a_protocol_error_or_has_some_pin(
    certificate_der: bytes, at: int, damage: bytes
) -> None:
    at %= len(certificate_der)
    damaged = certificate_der[:at] + damage + certificate_der[at + len(damage) :]
    with contextlib.suppress(ProtocolError):
        assert len(pin_of_certificate(damaged)) == 64


@pytest.fixture(scope="module")
def certificate_der(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    cert_path, _, _ = server_files(tmp_path_factory.mktemp("tls"), NAMES)
    return read(cert_path).public_bytes(serialization.Encoding.DER)
