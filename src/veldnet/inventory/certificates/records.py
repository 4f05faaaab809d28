"""The authorities of the installation, and what they have issued and taken back."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, and_, insert, select, update

from veldnet.domain.errors import BadRequest, InvalidField, NotFound
from veldnet.inventory import changes
from veldnet.inventory.rows import inserted_ref, ref_of
from veldnet.store import moment
from veldnet.store.schema import (
    authorities,
    base_station_updates,
    base_stations,
    certificates,
    revoked_serials,
)

from .issuing import Issued


class Authority(msgspec.Struct, frozen=True):
    """An internal authority; `certificate` is DER, `created_at` in Unix milliseconds."""

    ref: int
    name: str
    certificate: bytes
    sealed_key: bytes
    created_at: int
    created_by: str


class Certificate(msgspec.Struct, frozen=True):
    """An issued certificate; `base_station` is the id of whose it is, None for a server's. Times in Unix
    milliseconds."""

    ref: int
    serial: str
    base_station: str | None
    name: str
    expires_at: int
    created_at: int
    created_by: str
    revoked_at: int | None
    revoked_by: str | None


def add_authority(connection: Connection, name: str, made: Issued, sealed_key: bytes, by: str) -> int:
    """Let an authority issue from now on; certificates of the ones before stay good."""
    done = connection.execute(
        insert(authorities).values(
            name=name.strip(),
            certificate=made.certificate,
            sealed_key=sealed_key,
            created_at=moment(connection),
            created_by=by,
        )
    )
    changes.note(connection, "certificates", inserted_ref(done))
    return inserted_ref(done)


def list_authorities(connection: Connection) -> list[Authority]:
    """All authorities, the newest first."""
    columns = authorities.c
    names = Authority.__struct_fields__
    rows = connection.execute(select(*(columns[name] for name in names)).order_by(columns.ref.desc()))
    return [Authority(*row) for row in rows]


def record(
    connection: Connection,
    authority_ref: int,
    made: Issued,
    base_station_ref: int | None,
    name: str,
    by: str,
) -> int:
    """Write down a certificate that was issued."""
    done = connection.execute(
        insert(certificates).values(
            authority_ref=authority_ref,
            base_station_ref=base_station_ref,
            serial=made.serial,
            name=name,
            expires_at=made.expires_at,
            created_at=moment(connection),
            created_by=by,
        )
    )
    changes.note(connection, "certificates", inserted_ref(done))
    return inserted_ref(done)


def list_certificates(
    connection: Connection, base_station_ref: int | None = None, expires_before: int | None = None
) -> list[Certificate]:
    """Certificates of a base station, or all; those that are good and expire before a time."""
    columns = certificates.c
    rest = [name for name in Certificate.__struct_fields__ if name not in ("ref", "serial", "base_station")]
    query = select(columns.ref, columns.serial, base_stations.c.id, *(columns[name] for name in rest)).join(
        base_stations, base_stations.c.ref == columns.base_station_ref, isouter=True
    )
    if base_station_ref is not None:
        query = query.where(columns.base_station_ref == base_station_ref)
    if expires_before is not None:
        query = query.where(columns.expires_at < expires_before, columns.revoked_at.is_(None))
    return [Certificate(*row) for row in connection.execute(query.order_by(columns.ref))]


def revoke_certificate(connection: Connection, base_station_ref: int, ref: str, by: str) -> None:
    """Take a certificate of a base station back; a connection that was made with it ends. Raises
    `NotFound`."""
    columns = certificates.c
    done = connection.execute(
        update(certificates)
        .where(
            columns.ref == ref_of(ref),
            columns.base_station_ref == base_station_ref,
            columns.revoked_at.is_(None),
        )
        .values(revoked_at=moment(connection), revoked_by=by)
    )
    if done.rowcount != 1:
        raise NotFound("BaseStationCertificate", ref)
    changes.note(connection, "certificates", ref_of(ref))


def revoke_serial(connection: Connection, serial: str, by: str) -> Certificate:
    """Take any certificate back. Raises `BadRequest`."""
    found = next((each for each in list_certificates(connection) if each.serial == serial.upper()), None)
    if found is None:
        raise BadRequest("no certificate with the serial number {serial} was issued here", serial=serial[:60])
    if found.revoked_at is not None:
        raise BadRequest("the certificate {serial} is revoked already", serial=found.serial)
    connection.execute(
        update(certificates)
        .where(certificates.c.ref == found.ref)
        .values(revoked_at=moment(connection), revoked_by=by)
    )
    changes.note(connection, "certificates", found.ref)
    return found


def list_revoked(connection: Connection, authority_ref: int, now: int) -> list[tuple[str, int]]:
    """What an authority has taken back that has not expired yet: serial number, and when. Times in Unix
    milliseconds."""
    columns = certificates.c
    rows = connection.execute(
        select(columns.serial, columns.revoked_at)
        .where(
            columns.authority_ref == authority_ref,
            columns.revoked_at.is_not(None),
            columns.expires_at > now,
        )
        .order_by(columns.ref)
    )
    return [(row.serial, row.revoked_at) for row in rows]


def revoke_foreign(connection: Connection, serial: str, by: str) -> str:
    """Take no certificate with this number any more, of whatever authority; returns the number as TLS names
    it. Raises `InvalidField`, and `BadRequest` where it is revoked already."""
    number = serial.replace(":", "").strip().upper().lstrip("0")
    if not 0 < len(number) <= _LONGEST_SERIAL or set(number) - _DIGITS:
        raise InvalidField(
            "a serial number has 1 to {most} hexadecimal digits, not {serial!r}",
            most=_LONGEST_SERIAL,
            serial=serial[:60],
        )
    # TLS names whole octets.
    number = number.zfill(len(number) + len(number) % 2)
    if number in revoked_foreign(connection):
        raise BadRequest("the certificate {serial} is revoked already", serial=number)
    connection.execute(
        insert(revoked_serials).values(serial=number, revoked_at=moment(connection), revoked_by=by)
    )
    changes.note(connection, "certificates", 0)
    return number


def revoked_foreign(connection: Connection) -> set[str]:
    """The numbers that are revoked so."""
    return set(connection.execute(select(revoked_serials.c.serial)).scalars())


# RFC 5280 §4.1.2.2: 20 octets.
_LONGEST_SERIAL = 40
_DIGITS = frozenset("0123456789ABCDEF")


class KnownCertificate(msgspec.Struct, frozen=True):
    """What those must know who check certificates: whether one is revoked, and the update that it was ordered
    by, until it has been used."""

    serial: str
    base_station_ref: int | None
    revoked: bool
    awaited_by: int | None
    expires_at: int


def known_certificates(connection: Connection) -> list[KnownCertificate]:
    """All certificates that are not a server's."""
    columns, updates = certificates.c, base_station_updates.c
    rows = connection.execute(
        select(columns.serial, columns.base_station_ref, columns.revoked_at, updates.ref, columns.expires_at)
        .join(
            base_station_updates,
            and_(updates.certificate_ref == columns.ref, updates.confirmed_at.is_(None)),
            isouter=True,
        )
        .where(columns.base_station_ref.is_not(None) | columns.revoked_at.is_not(None))
    )
    return [
        KnownCertificate(
            row.serial, row.base_station_ref, row.revoked_at is not None, row.ref, row.expires_at
        )
        for row in rows
    ]
