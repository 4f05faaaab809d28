"""Exchange keys for encrypted root keys: RSA key pairs, and AES keys shared with a customer."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, func, or_, select

from veldnet.domain.errors import InvalidField
from veldnet.keys import Form
from veldnet.store import insert_new, moment
from veldnet.store.schema import exchange_keys


class PublicExchangeKey(msgspec.Struct):
    """What a customer needs to send an AppKey encrypted: the RSA key to encrypt with and its version, and the
    versions of AES keys that it shares with the vault."""

    hsmGroupId: str
    publicExchangeKey: str
    version: int
    transportKeyVersions: list[int] = []


_NUMBER = ("vault", "form", "version")


def add_key(
    connection: Connection,
    vault: str,
    form: Form,
    public_key: str,
    sealed: bytes,
    subscriber_ref: int | None,
) -> int:
    """Keep a new key; returns its version."""
    columns = exchange_keys.c
    row = {
        "vault": vault,
        "form": form,
        "public_key": public_key,
        "sealed": sealed,
        "subscriber_ref": subscriber_ref,
        "created_at": moment(connection),
    }
    highest = select(func.coalesce(func.max(columns.version), 0)).where(
        columns.vault == vault, columns.form == form
    )
    while True:
        version = int(connection.execute(highest).scalar_one()) + 1
        # Unless somebody has given the number meanwhile.
        if insert_new(connection, exchange_keys, [row | {"version": version}], _NUMBER):
            return version


def newest(connection: Connection, vault: str, group_id: str, subscriber_ref: int) -> PublicExchangeKey:
    """The newest RSA key of a group's vault. Raises `InvalidField` if the operator has made none."""
    columns = exchange_keys.c
    row = connection.execute(
        select(columns.public_key, columns.version)
        .where(columns.vault == vault, columns.form == "RSA")
        .order_by(columns.version.desc())
        .limit(1)
    ).first()
    if row is None:
        raise InvalidField(
            "HSM group {group_id} has no exchange key; its operator makes one with veldnet admin "
            "hsm-group create-exchange-key",
            group_id=group_id,
        )
    shared = connection.execute(
        select(columns.version)
        .where(columns.vault == vault, columns.form == "AES", columns.subscriber_ref == subscriber_ref)
        .order_by(columns.version)
    ).scalars()
    return PublicExchangeKey(group_id, row.public_key, row.version, list(shared))


def find_key(connection: Connection, vault: str, form: Form, version: int, subscriber_ref: int) -> bytes:
    """The sealed private or shared key of a version. Raises `InvalidField`."""
    columns = exchange_keys.c
    sealed = connection.execute(
        select(columns.sealed).where(
            columns.vault == vault,
            columns.form == form,
            columns.version == version,
            or_(columns.form == "RSA", columns.subscriber_ref == subscriber_ref),
        )
    ).scalar()
    if sealed is None:
        raise InvalidField(
            "the HSM group has no {kind} exchange key of version {version}", kind=form, version=version
        )
    return bytes(sealed)
