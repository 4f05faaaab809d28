"""Certificates as the internal authority makes them: P-256, whose DER every Station finds its way through."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from ipaddress import ip_address
from typing import TYPE_CHECKING

import msgspec
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from veldnet.domain.errors import InvalidField

if TYPE_CHECKING:
    # Loaded by who makes or reads a certificate: its names and tables take a thirtieth of a start.
    from cryptography import x509


# Base stations without a battery for their clock begin in the past.
_BEFORE = datetime.timedelta(days=1)
_DAY = 86_400.0
AUTHORITY_DAYS, STATION_DAYS, SERVER_DAYS = 3650, 730, 397


class Issued(msgspec.Struct, frozen=True):
    """A certificate and its private key, DER; `expires_at` in Unix milliseconds."""

    certificate: bytes
    key: bytes
    serial: str
    expires_at: int

    @property
    def certificate_file(self) -> str:
        return pem(self.certificate)

    @property
    def key_file(self) -> str:
        """In the form that Station and OpenSSL read."""
        key = serialization.load_der_private_key(self.key, None)
        return key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        ).decode()


class Signer(msgspec.Struct, frozen=True):
    """An authority that can sign, DER."""

    ref: int
    certificate: bytes
    key: bytes


def pem(certificate: bytes) -> str:
    from cryptography import x509

    loaded = x509.load_der_x509_certificate(certificate)
    return loaded.public_bytes(serialization.Encoding.PEM).decode()


def new_authority(name: str, days: int, now: float) -> Issued:
    """A self-signed authority. Raises `InvalidField`."""
    from cryptography import x509

    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(name)
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        _builder(subject, subject, key.public_key(), days, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return _issued(builder.sign(key, hashes.SHA256()), key)


def issue_to_station(signer: Signer, eui: str, days: int, now: float) -> Issued:
    """A client certificate; its common name is the EUI of the base station, in small letters as in the topics
    of a broker that takes it for the name of a user."""
    from cryptography.x509.oid import ExtendedKeyUsageOID

    return _sign(signer, eui.lower(), [ExtendedKeyUsageOID.CLIENT_AUTH], None, days, now)


def issue_to_server(signer: Signer, names: list[str], days: int, now: float) -> Issued:
    """A certificate of a server with these names or addresses, which may present it to brokers, too. Raises
    `InvalidField`."""
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    if not names or any(not each or len(each) > 253 or not each.isascii() for each in names):
        raise InvalidField("a server certificate needs host names or addresses of at most 253 characters")
    alternative = x509.SubjectAlternativeName([_general(each) for each in names])
    uses = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    return _sign(signer, names[0][:64], uses, alternative, days, now)


def revocation_list(signer: Signer, revoked: Iterable[tuple[str, int]], days: int, now: float) -> str:
    """The list (CRL, PEM) of certificates that an authority has taken back, by serial number and when in Unix
    milliseconds; it is good for so many days."""
    from cryptography import x509

    authority = x509.load_der_x509_certificate(signer.certificate)
    key = serialization.load_der_private_key(signer.key, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    at = datetime.datetime.fromtimestamp(int(now), datetime.UTC)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.subject)
        .last_update(at)
        .next_update(at + datetime.timedelta(days=days))
        .add_extension(x509.CRLNumber(int(now)), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
    )
    for serial, revoked_at in revoked:
        entry = x509.RevokedCertificateBuilder(
            int(serial, 16), datetime.datetime.fromtimestamp(revoked_at // 1000, datetime.UTC)
        )
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def _sign(
    signer: Signer,
    name: str,
    uses: list[x509.ObjectIdentifier],
    alternative: x509.SubjectAlternativeName | None,
    days: int,
    now: float,
) -> Issued:
    from cryptography import x509

    authority = x509.load_der_x509_certificate(signer.certificate)
    authority_key = serialization.load_der_private_key(signer.key, None)
    assert isinstance(authority_key, ec.EllipticCurvePrivateKey)
    # Nothing outlives the authority.
    left = (authority.not_valid_after_utc.timestamp() - now) / _DAY
    if left < 1:
        raise InvalidField("the certificate authority has expired; create another one")
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _builder(_name(name), authority.subject, key.public_key(), min(days, int(left)), now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
        )
    )
    if alternative is not None:
        builder = builder.add_extension(alternative, critical=False)
    return _issued(builder.sign(authority_key, hashes.SHA256()), key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int, now: float
) -> x509.CertificateBuilder:
    from cryptography import x509

    if not 1 <= days <= 36_500:
        raise InvalidField("a certificate is valid for 1 to 36500 days")
    at = datetime.datetime.fromtimestamp(int(now), datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - _BEFORE)
        .not_valid_after(at + datetime.timedelta(days=days))
    )


def _name(text: str) -> x509.Name:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    if not 1 <= len(text.strip()) <= 64:
        raise InvalidField("the name of a certificate has 1 to 64 characters")
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text.strip())])


def _general(name: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _issued(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Issued:
    return Issued(
        certificate.public_bytes(serialization.Encoding.DER),
        key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        ),
        _serial(certificate.serial_number),
        int(certificate.not_valid_after_utc.timestamp() * 1000),
    )


def _serial(number: int) -> str:
    """As TLS names it: whole octets."""
    return number.to_bytes((number.bit_length() + 7) // 8 or 1, "big").hex().upper()
