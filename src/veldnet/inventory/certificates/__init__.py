"""The internal certificate authority: certificates of base stations and servers, issued and taken back."""

from .issuing import (
    AUTHORITY_DAYS,
    SERVER_DAYS,
    STATION_DAYS,
    Issued,
    Signer,
    issue_to_server,
    issue_to_station,
    new_authority,
    pem,
)
from .records import (
    Authority,
    Certificate,
    KnownCertificate,
    add_authority,
    known_certificates,
    list_authorities,
    list_certificates,
    record,
    revoke_certificate,
    revoke_serial,
)

__all__ = [
    "AUTHORITY_DAYS",
    "SERVER_DAYS",
    "STATION_DAYS",
    "Authority",
    "Certificate",
    "Issued",
    "KnownCertificate",
    "Signer",
    "add_authority",
    "issue_to_server",
    "issue_to_station",
    "known_certificates",
    "list_authorities",
    "list_certificates",
    "new_authority",
    "pem",
    "record",
    "revoke_certificate",
    "revoke_serial",
]
