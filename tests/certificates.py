"""Certificates for tests: self-signed, or of an authority made for the purpose."""

from __future__ import annotations

import datetime
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


class Pair(NamedTuple):
    """The files of a certificate and its key."""

    certificate: Path
    key: Path


def write_pair(
    folder: Path,
    *,
    name: str = "veldnet.example",
    days: float = 90.0,
    age: float = 1.0,
    at: float | None = None,
) -> Pair:
    """A self-signed certificate for `name` and 127.0.0.1 that expires in so many days from now, or from `at`,
    over files that may be there."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = (
        datetime.datetime.now(datetime.UTC)
        if at is None
        else datetime.datetime.fromtimestamp(at, datetime.UTC)
    )
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    names = x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=age))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    return _write(folder, certificate, key)


def write_signed(
    folder: Path, authority: Pair, name: str, *, address: str = "127.0.0.1", expired: bool = False
) -> Pair:
    """A certificate for `name` and an IP address of an authority that `write_pair` has made, over files that
    may be there."""
    folder.mkdir(exist_ok=True)
    ours = x509.load_pem_x509_certificate(authority.certificate.read_bytes())
    by = serialization.load_pem_private_key(authority.key.read_bytes(), None)
    assert isinstance(by, ec.EllipticCurvePrivateKey)
    key, names = (
        ec.generate_private_key(ec.SECP256R1()),
        [x509.DNSName(name), x509.IPAddress(ip_address(address))],
    )
    begins = ours.not_valid_before_utc
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .issuer_name(ours.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + datetime.timedelta(hours=1) if expired else ours.not_valid_after_utc)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(by, hashes.SHA256())
    )
    return _write(folder, certificate, key)


def _write(folder: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    pair = Pair(folder / "fullchain.pem", folder / "privkey.pem")
    pair.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pair.key.touch(mode=0o600)
    pair.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return pair
