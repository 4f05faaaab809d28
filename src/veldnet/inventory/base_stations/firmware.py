"""Firmware of base stations: files with the signatures that Station checks, in parts in the database.

The operator signs offline; the server has public keys only, and checks every signature when it is given.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import zlib
from collections import defaultdict
from collections.abc import AsyncIterable, Awaitable, Callable
from typing import Any, NamedTuple

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key
from sqlalchemy import Connection, delete, exists, func, insert, select, update

from veldnet.domain.errors import BadRequest, InUse, InvalidField, NoSpace, NotFound
from veldnet.inventory.names import check_name
from veldnet.inventory.rows import inserted_ref, ref_of
from veldnet.store import StoreError, lock_row, moment, put
from veldnet.store.schema import (
    base_station_updates,
    firmware,
    firmware_parts,
    firmware_signatures,
    operators,
)

# Octets of one part of a file, and files of an operator.
PART = 64 << 10
MOST = 20
# Parts in a transaction, so that frames do not wait for it.
_AT_ONCE = 16
_MOST_SIGNATURES = 8
# Milliseconds after which a file that is not complete was given up.
_GIVEN_UP = 3_600_000
_LONGEST_TEXT = 64
_LONGEST_KEY = 4096
# Station takes 128 octets; of P-256 are 72 at most.
_LONGEST_SIGNATURE = 128

Write = Callable[[Callable[[Connection], Any]], Awaitable[Any]]


class Firmware(msgspec.Struct, frozen=True):
    """A file: the station model that it is for, the version that it brings, and the CRC-32 of the keys that
    it is signed by. `digest` is SHA-512; `created_at` in Unix milliseconds."""

    ref: int
    operator_ref: int
    model: str
    version: str
    size: int
    digest: bytes
    created_at: int
    created_by: str
    keys: list[int]


class StoredFile(NamedTuple):
    """A file that has come whole; `size` in octets."""

    ref: int
    size: int


class Offered(msgspec.Struct, frozen=True):
    """Firmware as it is handed out; `signatures` by the CRC-32 of their keys."""

    ref: int
    model: str
    version: str
    size: int
    signatures: dict[int, bytes]


def list_firmware(connection: Connection, operator_ref: int | None = None) -> list[Firmware]:
    """The firmware of an operator, or all, oldest first."""
    columns = firmware.c
    keys: defaultdict[int, list[int]] = defaultdict(list)
    signed = firmware_signatures.c
    for row in connection.execute(select(signed.firmware_ref, signed.key_sum).order_by(signed.key_sum)):
        keys[row.firmware_ref].append(row.key_sum)
    names = [name for name in Firmware.__struct_fields__ if name != "keys"]
    query = select(*(columns[name] for name in names)).where(columns.complete)
    if operator_ref is not None:
        query = query.where(columns.operator_ref == operator_ref)
    return [
        Firmware(**row._mapping, keys=keys[row.ref])
        for row in connection.execute(query.order_by(columns.ref))
    ]


def read_firmware(connection: Connection, operator_ref: int | None, ref: str) -> Firmware:
    """Raises `NotFound`."""
    for each in list_firmware(connection, operator_ref):
        if each.ref == ref_of(ref):
            return each
    raise NotFound("Firmware", ref)


async def store_firmware(
    write: Write, operator_ref: int, named: tuple[str, str], content: AsyncIterable[bytes], by: str
) -> StoredFile:
    """Store a file as it comes, `named` by model and version, in several transactions. It is
    listed once `complete` was called on it. Raises `InvalidField`, `BadRequest`, `NoSpace`, and what reading
    raises; nothing is left of the file then."""
    model, version = (
        check_name(given, what=name, most=_LONGEST_TEXT)
        for name, given in zip(("model", "version"), named, strict=True)
    )
    await sweep(write)
    ref: int = await write(lambda c: _begin(c, operator_ref, (model, version), by))
    try:
        size, digest = await _store_parts(write, ref, content)
        if size == 0:
            raise BadRequest("firmware must not be empty")
        await write(lambda c: _measured(c, ref, size, digest))
    except StoreError as error:
        await _discard(write, ref)
        raise NoSpace("the file could not be stored; see whether the disk of the database is full") from error
    except Exception:
        await _discard(write, ref)
        raise
    return StoredFile(ref, size)


async def _store_parts(write: Write, ref: int, content: AsyncIterable[bytes]) -> tuple[int, bytes]:
    """Write what comes, some parts at a time; returns its size and SHA-512."""
    hashed, size, number, waiting = hashlib.sha512(), 0, 0, bytearray()

    async def flush() -> None:
        nonlocal number
        rows = [
            {"firmware_ref": ref, "number": number + place, "content": bytes(waiting[at : at + PART])}
            for place, at in enumerate(range(0, len(waiting), PART))
        ]
        await write(lambda c: c.execute(insert(firmware_parts), rows))
        number += len(rows)

    async for octets in content:
        hashed.update(octets)
        size += len(octets)
        view = memoryview(octets)
        while view:
            taken = min(_AT_ONCE * PART - len(waiting), len(view))
            waiting += view[:taken]
            view = view[taken:]
            if len(waiting) == _AT_ONCE * PART:
                await flush()
                waiting.clear()
    if waiting:
        await flush()
    return size, hashed.digest()


async def _discard(write: Write, ref: int) -> None:
    """Forget a file that has not come whole; where that cannot be written, `sweep` does it later."""
    with contextlib.suppress(StoreError):
        await write(lambda c: c.execute(delete(firmware).where(firmware.c.ref == ref)))
        await sweep(write)


def _begin(connection: Connection, operator_ref: int, named: tuple[str, str], by: str) -> int:
    columns = firmware.c
    mine = columns.operator_ref == operator_ref
    lock_row(connection, operators, operator_ref)
    count = connection.execute(select(func.count()).select_from(firmware).where(mine)).scalar_one()
    if count >= MOST:
        raise BadRequest("there are {most} files of firmware; remove one first", most=MOST)
    alike = (mine, columns.model == named[0], columns.version == named[1], columns.complete)
    if connection.execute(select(columns.ref).where(*alike)).first() is not None:
        raise InvalidField("there is firmware {version} for {model}", version=named[1], model=named[0])
    return inserted_ref(
        connection.execute(
            insert(firmware).values(
                operator_ref=operator_ref,
                model=named[0],
                version=named[1],
                size=0,
                digest=b"",
                complete=False,
                created_at=moment(connection),
                created_by=by,
            )
        )
    )


def _measured(connection: Connection, ref: int, size: int, digest: bytes) -> None:
    connection.execute(update(firmware).where(firmware.c.ref == ref).values(size=size, digest=digest))


def complete(connection: Connection, ref: int) -> Firmware:
    """List a file whose parts are stored."""
    connection.execute(update(firmware).where(firmware.c.ref == ref).values(complete=True))
    return read_firmware(connection, None, str(ref))


def sign(connection: Connection, operator_ref: int | None, ref: str, public_key: str, signature: str) -> int:
    """Add a signature, DER in base64, by a key, PEM or DER in base64; returns the CRC-32 by which Station
    names the key. Raises `NotFound`, `InvalidField`, `BadRequest`."""
    found = read_firmware(connection, operator_ref, ref)
    lock_row(connection, firmware, found.ref)
    key, der = _public_key(public_key), _base64("signature", signature, _LONGEST_SIGNATURE * 2)
    try:
        key.verify(der, found.digest, ec.ECDSA(Prehashed(hashes.SHA512())))
    except InvalidSignature:
        raise InvalidField(
            "the signature is not one of this file by this key (ECDSA over SHA-512, DER in base64)"
        ) from None
    point = key.public_numbers()
    key_sum = zlib.crc32(point.x.to_bytes(32, "big") + point.y.to_bytes(32, "big"))
    columns = firmware_signatures.c
    put(
        connection,
        firmware_signatures,
        {"firmware_ref": found.ref, "key_sum": key_sum, "signature": der},
    )
    others = select(func.count()).where(columns.firmware_ref == found.ref, columns.key_sum != key_sum)
    if connection.execute(others).scalar_one() >= _MOST_SIGNATURES:
        raise BadRequest("firmware has {most} signatures at most", most=_MOST_SIGNATURES)
    return key_sum


def _base64(name: str, text: str, longest: int) -> bytes:
    try:
        found = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if not found or len(text) > longest:
        raise InvalidField("{name} must be base64, {longest} characters at most", name=name, longest=longest)
    return found


def _public_key(text: str) -> ec.EllipticCurvePublicKey:
    given = text.strip()
    try:
        key = (
            load_pem_public_key(given.encode())
            if given.startswith("-----")
            else load_der_public_key(_base64("publicKey", given, _LONGEST_KEY))
        )
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidField("publicKey must be a public key, PEM or DER in base64") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise InvalidField("publicKey must be of the curve P-256; Station takes no other one")
    return key


def remove_firmware(connection: Connection, operator_ref: int | None, ref: str) -> None:
    """Remove a file; `sweep` removes its parts. Raises `NotFound`, `InUse`."""
    found = read_firmware(connection, operator_ref, ref)
    orders = base_station_updates.c
    under_way = (
        orders.firmware_ref == found.ref,
        orders.confirmed_at.is_(None),
        orders.failed_at.is_(None),
    )
    if connection.execute(select(orders.ref).where(*under_way)).first() is not None:
        raise InUse("base stations are to have this firmware; withdraw their updates first")
    connection.execute(delete(base_station_updates).where(orders.firmware_ref == found.ref))
    connection.execute(delete(firmware).where(firmware.c.ref == found.ref))


async def sweep(write: Write) -> None:
    """Remove parts of removed firmware and files that were never complete, some in each transaction."""
    await write(_forget_given_up)
    while await write(_sweep_some):
        pass


def _forget_given_up(connection: Connection) -> None:
    old = firmware.c.created_at < moment(connection) - _GIVEN_UP
    connection.execute(delete(firmware).where(~firmware.c.complete, old))


def _sweep_some(connection: Connection) -> bool:
    parts = firmware_parts.c
    first = connection.execute(
        select(parts.firmware_ref, parts.number)
        .where(~exists().where(firmware.c.ref == parts.firmware_ref))
        .order_by(parts.firmware_ref, parts.number)
        .limit(1)
    ).first()
    if first is None:
        return False
    connection.execute(
        delete(firmware_parts).where(
            parts.firmware_ref == first.firmware_ref, parts.number < first.number + _AT_ONCE
        )
    )
    return True


def offered(connection: Connection, ref: int) -> Offered | None:
    """Firmware as it is handed out; None where it is gone."""
    columns, signed = firmware.c, firmware_signatures.c
    row = connection.execute(
        select(columns.ref, columns.model, columns.version, columns.size).where(columns.ref == ref)
    ).first()
    if row is None:
        return None
    rows = connection.execute(select(signed.key_sum, signed.signature).where(signed.firmware_ref == ref))
    return Offered(row.ref, row.model, row.version, row.size, {each.key_sum: each.signature for each in rows})


def part(connection: Connection, ref: int, number: int) -> bytes | None:
    """A part of a file, None where there is none."""
    columns = firmware_parts.c
    found: bytes | None = connection.execute(
        select(columns.content).where(columns.firmware_ref == ref, columns.number == number)
    ).scalar()
    return found
