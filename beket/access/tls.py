"""Owns TLS between agents and the centre: a self-signed certificate, trusted by the hash of its key and nothing else.

Dates and names in the certificate are advisory: an agent that woke from a blackout in the year 2000 must still reach
its centre. The pin is SHA-256 over SubjectPublicKeyInfo (RFC 7469 §2.4), so a re-issued certificate of the same key
keeps it. Light to import. Note: beket/access/design/0006-access-and-trust.md.
"""

import contextlib
import datetime
import hashlib
import hmac
import ipaddress
import ssl
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from beket.kernel.durable_file import put_file
from beket.kernel.errors import InvalidConfig, ProtocolError, Unauthenticated
from beket.kernel.secrets import Secret, read_secret_file, write_secret_file
from beket.kernel.text import say

# Fixed, not counted from now: at its first start the centre's clock may lie too.
VALID_FROM_AT = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
VALID_UNTIL_AT = datetime.datetime(2049, 12, 31, tzinfo=datetime.UTC)


def server_files(folder: Path, names: Sequence[str]) -> tuple[Path, Path, str]:
    """The centre's certificate file, its key file (0600) and the pin; made when absent. Blocking.

    The key is made once. The certificate is made anew from it when it is missing, or when `names` (host names and
    addresses under which the centre is called) have changed; the pin stays.

    Raises:
        InvalidConfig: the key file is readable by others, or holds no P-256 key.
    """
    cert_path, key_path = folder / "centre.crt", folder / "centre.key"
    if not key_path.exists():
        fresh = ec.generate_private_key(ec.SECP256R1())
        with contextlib.suppress(FileExistsError):  # another process was first: its key is the key
            write_secret_file(key_path, Secret(_key_pem(fresh)))
    key = _load_key(key_path)
    if not _is_current(cert_path, key, names):
        put_file(cert_path, _certificate(key, names).public_bytes(serialization.Encoding.PEM))
    return cert_path, key_path, _pin(key.public_key())


def pin_of_certificate(der: bytes) -> str:
    """The pin of a certificate in DER: 64 hex digits.

    Raises:
        ProtocolError: these bytes are not a certificate.
    """
    try:
        spki = (
            x509.load_der_x509_certificate(der)
            .public_key()
            .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
    except (ValueError, TypeError, x509.InvalidVersion, UnsupportedAlgorithm) as error:
        raise ProtocolError(say("Це не сертифікат.", "This is not a certificate.")) from error
    return hashlib.sha256(spki).hexdigest()


def client_context() -> ssl.SSLContext:
    """TLS for a pinned connection: encrypted, but nobody is trusted until `check_pin` has passed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def check_pin(connection: ssl.SSLSocket | ssl.SSLObject, pin: str) -> None:
    """Refuse a peer with another key. Call it after the handshake and before the first byte is sent.

    The handshake has proven that the peer holds the private half of the key it showed; OpenSSL checks that whatever the
    verify mode.

    Raises:
        Unauthenticated: the peer is not the centre that was pinned.
        ProtocolError: it showed no certificate.
    """
    der = connection.getpeercert(binary_form=True)
    if der is None:
        raise ProtocolError(say("Центр не показав сертифіката.", "The centre showed no certificate."))
    if not hmac.compare_digest(pin_of_certificate(der).encode(), pin.encode()):
        raise Unauthenticated(
            say(
                "Це не той центр: у нього інший ключ. З'єднання припинено.",
                "This is another centre: its key differs. The connection was dropped.",
            ),
            hint=say(
                "Якщо центр справді перевстановили, попросіть новий рядок приєднання.",
                "If the centre was really set up anew, ask for a new join line.",
            ),
        )


def _load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(read_secret_file(path).reveal().encode(), password=None)
    except (ValueError, TypeError):
        key = None  # without the cause: it may quote the file
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise InvalidConfig(say("У цьому файлі немає ключа TLS.", "This file holds no TLS key."), subject=str(path))
    return key


def _is_current(path: Path, key: ec.EllipticCurvePrivateKey, names: Sequence[str]) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        stated = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return False
    same_key = certificate.public_key() == key.public_key()
    return same_key and list(stated) == [_general_name(name) for name in names]


def _certificate(key: ec.EllipticCurvePrivateKey, names: Sequence[str]) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Beket centre")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(VALID_FROM_AT)
        .not_valid_after(VALID_UNTIL_AT)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )
    return builder.sign(key, hashes.SHA256())


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pin(key: ec.EllipticCurvePublicKey) -> str:
    spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).hexdigest()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
