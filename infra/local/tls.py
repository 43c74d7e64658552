"""Certificates: the owner's, or one of our own making, kept in the data directory until it is about to expire."""

import ipaddress
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from infra.local.platform_calls import make_private_folder, write_private_file

_LIFETIME = timedelta(days=397)
_RENEW_BEFORE = timedelta(days=30)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class TlsError(Exception):
    """The certificate or its key cannot be used."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Paths of a certificate and its key in PEM, and of what clients must trust when no public CA signed it."""

    certificate: Path
    key: Path
    ca_bundle: Path | None = None


def owners_files(certificate: Path, key: Path) -> TlsFiles:
    """A certificate that the owner brings. Raises TlsError when the pair cannot be loaded."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except FileNotFoundError as error:
        raise TlsError(f"there is no file {error.filename or f'{certificate} or {key}'}") from None
    except (OSError, ssl.SSLError) as error:
        raise TlsError(f"{certificate} and {key} are no certificate with its key in PEM: {error}") from None
    return TlsFiles(certificate, key)


def self_signed(folder: Path, hosts: Iterable[str], now: datetime | None = None) -> TlsFiles:
    """A certificate of our own for loopback and these hosts; the one in the folder while it serves and is not old."""
    now = now or datetime.now(UTC)
    names = [*dict.fromkeys([*_LOOPBACK, *hosts])]
    files = TlsFiles(folder / "certificate.pem", folder / "key.pem", folder / "certificate.pem")
    if not _still_good(files, names, now):
        make_private_folder(folder)
        certificate, key = _make(names, now)
        write_private_file(files.key, key)
        write_private_file(files.certificate, certificate)
    return files


def _still_good(files: TlsFiles, names: Iterable[str], now: datetime) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
        key = serialization.load_pem_private_key(files.key.read_bytes(), None)
    except (OSError, ValueError, TypeError):
        return False
    alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return (
        key.public_key() == certificate.public_key()
        and certificate.not_valid_before_utc <= now
        and now + _RENEW_BEFORE < certificate.not_valid_after_utc
        and all(_general_name(name) in alternatives for name in names)
    )


def _make(names: list[str], now: datetime) -> tuple[bytes, bytes]:
    """A certificate, its own authority, and its key, both in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Chorale")])
    public = key.public_key()
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .sign(key, hashes.SHA256())
    )
    return (
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name.strip("[]")))
    except ValueError:
        return x509.DNSName(name)
