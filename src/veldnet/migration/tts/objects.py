"""A file of JSON objects as the tools of The Things Stack write it: one after the other, each on a line or
over many, or a list of them."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import msgspec

from veldnet.migration.model import Damaged

_LARGEST = 1 << 20
_LARGEST_LIST = 1 << 30


# Where a file begins that is not in UTF-8, or says needlessly that it is.
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Found(NamedTuple):
    """An object, and the line on which it begins, or its number in a list."""

    place: str
    octets: bytes


def read_objects(path: Path) -> Iterator[Found]:
    """Raises `Damaged` that names the line."""
    try:
        with path.open("rb") as file:
            begin = _begin(file, path.name)
            first = _first_octet(file, begin)
            if first == b"[":
                yield from _of_list(file.read(_LARGEST_LIST), path.name)
            else:
                yield from _one_by_one(file, path.name)
    except OSError as error:
        raise Damaged(f"cannot read {path}: {error.strerror}") from None


def _begin(file: BinaryIO, name: str) -> int:
    """Where the text begins: PowerShell and editors of Windows put a mark before it."""
    head = file.read(len(codecs.BOM_UTF8))
    if head.startswith(_UTF_16):
        raise Damaged(f"{name} is in UTF-16, as PowerShell writes it: save it as UTF-8")
    return len(codecs.BOM_UTF8) if head == codecs.BOM_UTF8 else 0


def _first_octet(file: BinaryIO, begin: int) -> bytes:
    file.seek(begin)
    while (octet := file.read(1)) and octet.isspace():
        pass
    file.seek(begin)
    return octet


def _of_list(octets: bytes, name: str) -> Iterator[Found]:
    try:
        for number, raw in enumerate(msgspec.json.decode(octets, type=list[msgspec.Raw]), 1):
            yield Found(f"entry {number}", bytes(raw))
    except (msgspec.DecodeError, RecursionError) as error:
        raise Damaged(f"{name} is no JSON: {error}; was it cut off?") from None


def _one_by_one(file: BinaryIO, name: str) -> Iterator[Found]:
    begin, size = 0, 0
    parts: list[bytes] = []
    for number, line in enumerate(file, 1):
        stripped = line.strip()
        if not parts:
            if not stripped:
                continue
            if not stripped.startswith(b"{"):
                raise Damaged(f"{name}, line {number}: a JSON object begins with {{, this does not")
            begin, size = number, 0
        parts.append(line)
        size += len(line)
        if size > _LARGEST:
            raise Damaged(f"{name}, line {begin}: the object is larger than 1 MiB")
        # Whoever writes objects over many lines ends them with a brace that is not indented.
        if line.rstrip() == b"}" or (len(parts) == 1 and stripped.endswith(b"}")):
            yield from _whole(b"".join(parts), begin, name)
            parts = []
    if parts:
        raise Damaged(f"{name}, line {begin}: the object does not end; was the export cut off?")


def _whole(octets: bytes, line: int, name: str) -> Iterator[Found]:
    """An object; one that has a list of devices stands for these."""
    try:
        known = msgspec.json.decode(octets, type=dict[str, msgspec.Raw])
        listed = known.get("end_devices")
        if listed is None:
            yield Found(f"line {line}", octets)
            return
        for number, raw in enumerate(msgspec.json.decode(listed, type=list[msgspec.Raw]), 1):
            yield Found(f"line {line}, entry {number}", bytes(raw))
    except (msgspec.DecodeError, RecursionError) as error:
        raise Damaged(f"{name}, line {line}: no JSON object: {error}") from None


class _Twice(Exception):
    """A member comes twice."""


def repeated_member(octets: bytes) -> str | None:
    """A member that an object has twice, so that nobody knows which of both counts."""

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in pairs:
            if name in found:
                raise _Twice(name)
            found[name] = value
        return found

    try:
        json.loads(octets, object_pairs_hook=members)
    except _Twice as error:
        return str(error)
    except (ValueError, RecursionError):
        # Whoever decodes it says what is wrong.
        return None
    return None


def number_of(value: Any, prefix: str) -> int | None:
    """An enumeration as a number, or by its name such as `DATA_RATE_5`; also wrapped as `value`."""
    if isinstance(value, dict):
        # What is 0 is left out.
        value = value.get("value", 0)
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        digits = value.removeprefix(prefix)
        return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 12 else None
    return None


def flag_of(value: Any) -> bool | None:
    """A boolean, bare or wrapped as `value`."""
    if isinstance(value, dict):
        value = value.get("value", False)
    return value if isinstance(value, bool) else None


def seconds_of(value: Any) -> float | None:
    """A duration such as `86400s`."""
    if not isinstance(value, str) or not value.endswith("s"):
        return None
    try:
        return float(value[:-1])
    except ValueError:
        return None
