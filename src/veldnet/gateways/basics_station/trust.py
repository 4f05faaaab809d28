"""Whose client certificates are taken: the authorities of a file and the internal ones, and what their
revocation lists take back."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature

from veldnet.texts import Text

if TYPE_CHECKING:
    # Loaded by who makes or reads a certificate: its names and tables take a thirtieth of a start.
    from cryptography import x509


_LIST = re.compile(rb"-----BEGIN X509 CRL-----.+?-----END X509 CRL-----", re.DOTALL)
_LARGEST = 32 * 1_048_576


class Trust:
    """A state of it; a new one is made when something changes. Raises `OSError`, and `ValueError` for files
    that cannot be used."""

    def __init__(self, authorities: str | None, revoked: str | None, internal: Iterable[bytes]) -> None:
        self.internal = frozenset(internal)
        self._authorities = (
            _certificates(self.internal, authorities) if self.internal or authorities is not None else []
        )
        self._revoked: set[tuple[bytes, int]] = set()
        self._lists_end: datetime | None = None
        if revoked is not None:
            self._read_lists(Path(revoked))

    def _read_lists(self, file: Path) -> None:
        from cryptography import x509

        if file.stat().st_size > _LARGEST:
            raise ValueError(f"{file} is larger than {_LARGEST // 1_048_576} MB")
        content = file.read_bytes()
        found = [x509.load_pem_x509_crl(each) for each in _LIST.findall(content)]
        for each in found or [x509.load_der_x509_crl(content)]:
            if not any(_signed(each, authority) for authority in self._authorities):
                raise ValueError(
                    f"the revocation list of {each.issuer.rfc4514_string()} in {file} is of none of the "
                    "authorities, or its signature is wrong"
                )
            issuer = each.issuer.public_bytes()
            self._revoked.update((issuer, entry.serial_number) for entry in each)
            end = each.next_update_utc
            if end is not None:
                self._lists_end = end if self._lists_end is None else min(end, self._lists_end)

    @property
    def empty(self) -> bool:
        return not self._authorities

    def issued(self, certificate: bytes) -> bool:
        """Whether one of the authorities has signed a certificate itself; DER."""
        from cryptography import x509

        read = x509.load_der_x509_certificate(certificate)
        return any(_issued(read, authority) for authority in self._authorities)

    def has_revoked(self, certificate: bytes) -> bool:
        """Whether a certificate stands in a revocation list; DER."""
        if not self._revoked:
            return False
        from cryptography import x509

        read = x509.load_der_x509_certificate(certificate)
        return (read.issuer.public_bytes(), read.serial_number) in self._revoked

    def problem(self, now: float) -> str | None:
        """A revocation list that should have been replaced counts on, for a base station is not to go dark
        because nobody did."""
        if self._lists_end is None or self._lists_end.timestamp() > now:
            return None
        end = self._lists_end.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
        return Text("the revocation list of base stations' certificates was to be replaced by {end}", end=end)


def _certificates(internal: Iterable[bytes], file: str | None) -> list[x509.Certificate]:
    from cryptography import x509

    found = [x509.load_der_x509_certificate(each) for each in internal]
    return found if file is None else found + x509.load_pem_x509_certificates(Path(file).read_bytes())


def _signed(revoked: x509.CertificateRevocationList, authority: x509.Certificate) -> bool:
    if revoked.issuer != authority.subject:
        return False
    try:
        return revoked.is_signature_valid(authority.public_key())  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False


def _issued(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
