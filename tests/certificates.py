"""Self-signed certificates for tests of TLS and of its renewal."""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def make_pair(place: Path, name: str) -> tuple[Path, Path]:
    """A certificate for `name` and its key, verified by whoever is told to trust it."""
    return _write(place, name, x509.random_serial_number(), None)


def write_certificate(place: Path, serial: int, *, passphrase: bytes | None = None) -> tuple[Path, Path]:
    """A certificate for localhost that is told apart by its serial number, and its key."""
    return _write(place, "localhost", serial, passphrase)


def _write(place: Path, name: str, serial: int, passphrase: bytes | None) -> tuple[Path, Path]:
    """Both in PEM files that have the same names each time."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=3650))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    cert_file, key_file = place / "cert.pem", place / "key.pem"
    cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption))
    return cert_file, key_file


def trusting_nobody() -> ssl.SSLContext:
    """A client's context that takes any certificate: the tests look at which one it was."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def serial_of(certificate: bytes | None) -> int:
    """The serial number of a certificate in DER."""
    assert certificate is not None
    return x509.load_der_x509_certificate(certificate).serial_number
