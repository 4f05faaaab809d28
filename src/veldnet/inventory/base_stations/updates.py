"""What base stations are to have by CUPS: ordered, fetched, confirmed; and what they reported last.

An order of each kind stands until another one replaces it: a base station that comes back without it fetches
it again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from veldnet.domain.errors import BadRequest, InvalidField, NotFound
from veldnet.inventory import changes
from veldnet.inventory.certificates import Issued, record
from veldnet.inventory.rows import ref_of
from veldnet.store import lock_row, moment, put
from veldnet.store.schema import (
    base_station_tokens,
    base_station_updates,
    base_stations,
    certificates,
    cups_contacts,
)

from .tokens import digest_of, insert_token

Proof = Literal["token", "certificate", "none"]
UpdateKind = Literal["cupsUri", "lnsUri", "credentials", "firmware"]
UpdateState = Literal["ordered", "fetched", "overdue", "confirmed", "failed"]
# Milliseconds within which a base station shows that it has what it has fetched: it comes back to CUPS, or to
# the LNS, at once with other credentials or firmware, and else asks CUPS once a day.
_OVERDUE_AFTER: dict[UpdateKind, int] = {
    "cupsUri": 7_200_000,
    "credentials": 7_200_000,
    "firmware": 7_200_000,
    "lnsUri": 93_600_000,
}
_SCHEMES = {"cupsUri": ("https", "http"), "lnsUri": ("wss", "ws")}
# Station takes 128 octets with the end of the text, and insists on a port and no path.
_LONGEST_URI = 127
_HOST_AND_PORT = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.\-]{0,252}))(?::(\d{1,5}))")


class Contact(msgspec.Struct, frozen=True):
    """What a base station reported at its last contact; `at` in Unix milliseconds. `cups_sum` and `lns_sum`
    are CRC-32 over its credentials, `keys` those of the keys that it takes updates from."""

    base_station: str
    at: int
    station: str | None
    model: str | None
    package: str | None
    cups_uri: str | None
    lns_uri: str | None
    cups_sum: int
    lns_sum: int
    keys: list[int]
    proof: Proof


class Update(msgspec.Struct, frozen=True):
    """Something that a base station is to have; times in Unix milliseconds. `value` is the URI, the kind of
    credentials, or the version of firmware, which was handed out `attempts` times."""

    ref: int
    base_station: str
    kind: UpdateKind
    value: str
    created_at: int
    created_by: str
    fetched_at: int | None
    confirmed_at: int | None
    failed_at: int | None
    attempts: int
    firmware_ref: int | None

    def state(self, now: float) -> UpdateState:
        """How far it has come at a time in Unix seconds; `overdue` where the base station has fetched it, and
        not been heard of with it."""
        if self.confirmed_at is not None:
            return "confirmed"
        if self.failed_at is not None:
            return "failed"
        if self.fetched_at is None:
            return "ordered"
        return "overdue" if now * 1000 - self.fetched_at > _OVERDUE_AFTER[self.kind] else "fetched"


class Wanted(msgspec.Struct, frozen=True):
    """An update as it is handed out. `digest` and `serial` are of the token or certificate that it brings,
    `sealed` what the vault opens."""

    ref: int
    kind: UpdateKind
    value: str
    sealed: bytes | None
    digest: bytes | None
    serial: str | None
    confirmed: bool
    firmware_ref: int | None = None
    attempts: int = 0
    fetched_at: int | None = None
    failed: bool = False


class NewCredentials(msgspec.Struct, frozen=True):
    """Credentials to be fetched, as the vault has sealed them: a token's header line, or a certificate with
    its key; and what is written down of them: the token, or the authority and what it has issued."""

    sealed: bytes
    token: str | None = None
    authority_ref: int = 0
    issued: Issued | None = None


def check_uri(kind: UpdateKind, uri: str) -> str:
    """Raises `InvalidField` for a URI that Station would not take."""
    scheme, separator, rest = uri.strip().partition("://")
    found = _HOST_AND_PORT.fullmatch(rest)
    if not separator or scheme not in _SCHEMES[kind] or found is None or not 0 < int(found[1]) < 65_536:
        first = _SCHEMES[kind][0]
        raise InvalidField(
            "{kind} {uri!r} is not {first}://HOST:PORT; Station takes no path and needs the port",
            kind=kind,
            uri=uri[:60],
            first=first,
        )
    if len(uri.strip()) > _LONGEST_URI:
        raise InvalidField("{kind} has {longest_uri} characters at most", kind=kind, longest_uri=_LONGEST_URI)
    return uri.strip()


def order_uri(connection: Connection, base_station_ref: int, kind: UpdateKind, uri: str, by: str) -> None:
    """Let a base station use another CUPS or LNS. Raises `InvalidField`."""
    replace_order(connection, base_station_ref, kind, by, value=check_uri(kind, uri))


def order_credentials(connection: Connection, base_station_ref: int, fresh: NewCredentials, by: str) -> None:
    """Let a base station fetch a new token or certificate; what it has works until it has used the new
    one."""
    values: dict[str, Any] = {"value": "token"}
    if fresh.token is not None:
        values["token_ref"] = insert_token(connection, base_station_ref, fresh.token, by)
    elif fresh.issued is not None:
        eui = connection.execute(
            select(base_stations.c.gateway_eui).where(base_stations.c.ref == base_station_ref)
        ).scalar_one()
        ref = record(connection, fresh.authority_ref, fresh.issued, base_station_ref, eui, by)
        values = {"value": "certificate", "certificate_ref": ref}
    replace_order(connection, base_station_ref, "credentials", by, sealed=fresh.sealed, **values)


def replace_order(
    connection: Connection, base_station_ref: int, kind: UpdateKind, by: str, **values: Any
) -> None:
    """Order something in place of what was ordered of its kind."""
    lock_row(connection, base_stations, base_station_ref)
    _drop(connection, base_station_ref, kind)
    connection.execute(
        insert(base_station_updates).values(
            base_station_ref=base_station_ref,
            kind=kind,
            created_at=moment(connection),
            created_by=by,
            **values,
        )
    )


def _drop(connection: Connection, base_station_ref: int, kind: str) -> None:
    """Forget an order. Credentials that were fetched stay: their base station may know no other ones by
    now."""
    columns = base_station_updates.c
    mine = (columns.base_station_ref == base_station_ref, columns.kind == kind)
    unused = connection.execute(
        select(columns.token_ref, columns.certificate_ref).where(*mine, columns.fetched_at.is_(None))
    ).first()
    connection.execute(delete(base_station_updates).where(*mine))
    if unused is not None and unused.token_ref is not None:
        connection.execute(delete(base_station_tokens).where(base_station_tokens.c.ref == unused.token_ref))
        changes.note(connection, "base_stations", base_station_ref)
    if unused is not None and unused.certificate_ref is not None:
        connection.execute(delete(certificates).where(certificates.c.ref == unused.certificate_ref))
        changes.note(connection, "certificates", unused.certificate_ref)


def withdraw(connection: Connection, base_station_ref: int, ref: str) -> None:
    """Take an order back that has not been fetched. Raises `NotFound`, `BadRequest`."""
    columns = base_station_updates.c
    found = connection.execute(
        select(columns.kind, columns.fetched_at).where(
            columns.ref == ref_of(ref), columns.base_station_ref == base_station_ref
        )
    ).first()
    if found is None:
        raise NotFound("BaseStationUpdate", ref)
    if found.fetched_at is not None and found.kind == "credentials":
        raise BadRequest("the base station has fetched these credentials; order new ones instead")
    _drop(connection, base_station_ref, found.kind)


def speaking_cups(connection: Connection, operator_ref: int | None) -> list[str]:
    """The ids of an operator's base stations, or of all, that have contacted CUPS."""
    query = select(base_stations.c.id).join(
        cups_contacts, cups_contacts.c.base_station_ref == base_stations.c.ref
    )
    if operator_ref is not None:
        query = query.where(base_stations.c.operator_ref == operator_ref)
    return list(connection.execute(query.order_by(base_stations.c.ref)).scalars())


def euis(connection: Connection, operator_ref: int | None, identifiers: Sequence[str]) -> dict[str, str]:
    """The EUIs of an operator's base stations, or of any, by their ids. Raises `NotFound`."""
    query = select(base_stations.c.id, base_stations.c.gateway_eui)
    if operator_ref is not None:
        query = query.where(base_stations.c.operator_ref == operator_ref)
    found = {row.id: row.gateway_eui for row in connection.execute(query)}
    for each in identifiers:
        if each not in found:
            raise NotFound("BaseStation", each)
    return found


def list_contacts(
    connection: Connection, operator_ref: int | None = None, base_station_ref: int | None = None
) -> list[Contact]:
    """The last contacts of an operator's base stations, of one, or of all."""
    columns = cups_contacts.c
    query = select(base_stations.c.id, *(columns[name] for name in Contact.__struct_fields__[1:])).join(
        base_stations, base_stations.c.ref == columns.base_station_ref
    )
    if operator_ref is not None:
        query = query.where(base_stations.c.operator_ref == operator_ref)
    if base_station_ref is not None:
        query = query.where(columns.base_station_ref == base_station_ref)
    return [
        Contact(
            row.id,
            row.at,
            row.station,
            row.model,
            row.package,
            row.cups_uri,
            row.lns_uri,
            row.cups_sum,
            row.lns_sum,
            msgspec.json.decode(row.keys, type=list[int]),
            row.proof,
        )
        for row in connection.execute(query.order_by(base_stations.c.ref))
    ]


def list_updates(
    connection: Connection, operator_ref: int | None = None, base_station_ref: int | None = None
) -> list[Update]:
    """What an operator's base stations, one, or all are to have."""
    columns = base_station_updates.c
    names = [name for name in Update.__struct_fields__ if name not in ("ref", "base_station")]
    query = select(columns.ref, base_stations.c.id, *(columns[name] for name in names)).join(
        base_stations, base_stations.c.ref == columns.base_station_ref
    )
    if operator_ref is not None:
        query = query.where(base_stations.c.operator_ref == operator_ref)
    if base_station_ref is not None:
        query = query.where(columns.base_station_ref == base_station_ref)
    return [Update(*row) for row in connection.execute(query.order_by(base_stations.c.ref, columns.ref))]


# Made once: it is asked every few seconds.
_UNDER_WAY = (
    select(
        base_stations.c.id,
        base_station_updates.c.kind,
        base_station_updates.c.fetched_at,
        base_station_updates.c.failed_at,
    )
    .join(base_stations, base_stations.c.ref == base_station_updates.c.base_station_ref)
    .where(base_station_updates.c.fetched_at.is_not(None), base_station_updates.c.confirmed_at.is_(None))
    .order_by(base_station_updates.c.ref)
)


def overdue_updates(connection: Connection, now: float) -> dict[str, str]:
    """The base stations that have fetched an update and not come back with it, or have failed to carry it
    out, with its kind; at a time in Unix seconds."""
    return {
        row.id: row.kind
        for row in connection.execute(_UNDER_WAY)
        if row.failed_at is not None or now * 1000 - row.fetched_at > _OVERDUE_AFTER[row.kind]
    }


def wanted(connection: Connection, base_station_ref: int) -> dict[UpdateKind, Wanted]:
    """What a base station is to have, by kind."""
    columns, tokens = base_station_updates.c, base_station_tokens
    rows = connection.execute(
        select(
            columns.ref,
            columns.kind,
            columns.value,
            columns.sealed,
            tokens.c.digest,
            certificates.c.serial,
            columns.confirmed_at,
            columns.firmware_ref,
            columns.attempts,
            columns.fetched_at,
            columns.failed_at,
        )
        .join(tokens, tokens.c.ref == columns.token_ref, isouter=True)
        .join(certificates, certificates.c.ref == columns.certificate_ref, isouter=True)
        .where(columns.base_station_ref == base_station_ref)
    )
    return {
        row.kind: Wanted(
            row.ref,
            row.kind,
            row.value,
            row.sealed,
            row.digest,
            row.serial,
            row.confirmed_at is not None,
            row.firmware_ref,
            row.attempts,
            row.fetched_at,
            row.failed_at is not None,
        )
        for row in rows
    }


def note_contact(connection: Connection, base_station_ref: int, contact: Contact) -> None:
    """Write down what a base station has reported."""
    values = {name: getattr(contact, name) for name in Contact.__struct_fields__[1:]}
    values["keys"] = msgspec.json.encode(contact.keys).decode()
    put(connection, cups_contacts, {"base_station_ref": base_station_ref, **values})


def note_fetched(connection: Connection, refs: Sequence[int], at: int) -> None:
    """Note that updates are handed out; before they are, so that no token is forgotten."""
    columns = base_station_updates.c
    connection.execute(
        update(base_station_updates)
        .where(columns.ref.in_(refs), columns.fetched_at.is_(None))
        .values(fetched_at=at)
    )


def note_confirmed(connection: Connection, refs: Sequence[int], at: int) -> None:
    """Note that a base station has shown that it has what it was to have. Once it uses new credentials, those
    that were given to it before are revoked."""
    columns = base_station_updates.c
    unconfirmed = (columns.ref.in_(refs), columns.confirmed_at.is_(None))
    rows = connection.execute(
        select(
            columns.kind,
            columns.base_station_ref,
            columns.token_ref,
            columns.certificate_ref,
            columns.created_at,
            columns.created_by,
        ).where(*unconfirmed)
    ).all()
    connection.execute(
        update(base_station_updates).where(*unconfirmed).values(confirmed_at=at, failed_at=None, sealed=None)
    )
    for row in rows:
        if row.kind == "credentials":
            _revoke_older(connection, row, at)


def _revoke_older(connection: Connection, order: Any, at: int) -> None:
    """Revoke what a base station was given before the credentials of an order."""
    tokens, issued = base_station_tokens.c, certificates.c
    gone = connection.execute(
        delete(base_station_tokens).where(
            tokens.base_station_ref == order.base_station_ref,
            tokens.created_at <= order.created_at,
            tokens.ref != (order.token_ref or 0),
        )
    )
    revoked = connection.execute(
        update(certificates)
        .where(
            issued.base_station_ref == order.base_station_ref,
            issued.created_at <= order.created_at,
            issued.ref != (order.certificate_ref or 0),
            issued.revoked_at.is_(None),
        )
        .values(revoked_at=at, revoked_by=order.created_by)
    )
    if gone.rowcount or order.token_ref is not None:
        changes.note(connection, "base_stations", order.base_station_ref)
    if revoked.rowcount or order.certificate_ref is not None:
        changes.note(connection, "certificates", order.base_station_ref)


def proves(token: str | None, serial: str | None, wanted: Wanted) -> bool:
    """Whether a token or certificate is the one that an update brings."""
    if token is not None:
        return wanted.digest is not None and digest_of(token) == wanted.digest
    return serial is not None and serial == wanted.serial
