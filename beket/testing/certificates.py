"""Owns certificates for tests: an authority of our own, and what it signs for servers, with the dates a test wants."""

import contextlib
import datetime
import ipaddress
import ssl
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Authority:
    """An authority whose certificate lies in `file`; what trusts that file trusts what it signs."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def file(self) -> Path:
        """Its certificate, PEM."""
        return self.folder / "authority.pem"

    def server(self, name: str = "localhost", *, days_left: float = 365, own: bool = False) -> ssl.SSLContext:
        """A server's side of TLS, with a certificate for `name` that ends in `days_left`; `own`: signed by itself."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server_file(name, days_left=days_left, own=own))
        return context

    def server_file(self, name: str = "localhost", *, days_left: float = 365, own: bool = False) -> Path:
        """Key and certificate of a server in one file, as `server` uses them."""
        pem = self.folder / f"{name}-{days_left:g}-{own}.pem"
        pem.write_bytes(self._signed(name, days_left, own))
        return pem

    def trust(self) -> ssl.SSLContext:
        """A client's side of TLS that trusts this authority alone."""
        return ssl.create_default_context(cafile=str(self.file))

    def _signed(self, name: str, days_left: float, own: bool) -> bytes:
        key = ec.generate_private_key(ec.SECP256R1())
        ends_at = datetime.datetime.now(datetime.UTC) + days_left * DAY
        alternative: x509.GeneralName
        try:
            alternative = x509.IPAddress(ipaddress.ip_address(name))
        except ValueError:
            alternative = x509.DNSName(name)
        builder = _builder(name, key, ends_at).issuer_name(_named(name) if own else self.certificate.subject)
        builder = builder.add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        signed = builder.sign(key if own else self.key, hashes.SHA256())
        return _pem(key) + signed.public_bytes(serialization.Encoding.PEM)


@contextlib.contextmanager
def authority() -> Iterator[Authority]:
    """A fresh authority; its files go with the block."""
    with tempfile.TemporaryDirectory(prefix="beket-certificates-") as folder:
        key = ec.generate_private_key(ec.SECP256R1())
        ends_at = datetime.datetime.now(datetime.UTC) + 3650 * DAY
        name = "Test authority"
        builder = _builder(name, key, ends_at).issuer_name(_named(name))
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        made = Authority(Path(folder), key, builder.sign(key, hashes.SHA256()))
        made.file.write_bytes(made.certificate.public_bytes(serialization.Encoding.PEM))
        yield made


def _builder(name: str, key: ec.EllipticCurvePrivateKey, ends_at: datetime.datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(ends_at - 4000 * DAY)
        .not_valid_after(ends_at)
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
