"""Devices by DevEUI, DevAddr, tag and name. What an index finds comes first: an identifier, its beginning
or its end; only what is left of the limit is looked for within names."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, Select, or_, select

from veldnet.store import named
from veldnet.store.expressions import end_of_eui, unindexed
from veldnet.store.schema import device_states, device_tags, devices, subscribers

from .hits import EUI, Hit, Phrase, Sight, after

# Shorter parts of an address would name many devices, most of them of others.
_SHORTEST_ADDRESS, _ADDRESS = 6, 8
# As many digits as the index of the ends of DevEUIs has.
_END = 4
_MOST_OF_AN_ADDRESS = 500


def find_devices(connection: Connection, sight: Sight, phrase: Phrase, limit: int) -> list[Hit]:
    found: dict[int, str | None] = {}
    for query, matched in _queries(connection, sight, phrase):
        for row in connection.execute(query.limit(limit)):
            found.setdefault(row.ref, matched)
        if len(found) >= limit or (found and phrase.exact):
            break
    return _hits(connection, dict(list(found.items())[:limit]))


def _queries(
    connection: Connection, sight: Sight, phrase: Phrase
) -> Iterator[tuple[Select[tuple[int]], str | None]]:
    """Queries for refs, the cheapest first, with what they match."""
    own = select(devices.c.ref).where(sight.owns(devices.c.subscriber_ref))
    digits = phrase.digits
    column = devices.c.dev_eui
    end = end_of_eui(column)
    if phrase.exact:
        yield own.where(column == digits), None
    elif digits is not None and len(digits) < EUI:
        yield own.where(column >= digits, column < after(digits)).order_by(column), None
        if len(digits) >= _END:
            yield own.where(end == digits[-_END:], column.endswith(digits)), None
        if _SHORTEST_ADDRESS <= len(digits) <= _ADDRESS:
            yield own.where(devices.c.ref.in_(_at_address(digits))), digits
    tag = phrase.text
    tagged = select(device_tags.c.device_ref.label("ref")).where(
        sight.owns(device_tags.c.subscriber_ref), device_tags.c.tag >= tag, device_tags.c.tag < after(tag)
    )
    yield tagged, tag
    name = devices.c.name
    yield own.where(name >= phrase.text, name < after(phrase.text)).order_by(name), None
    within = phrase.within(name)
    narrowed = named(connection, phrase.words, euis=False)
    if narrowed is None:
        yield own.where(within), None
    else:
        seen = sight.owns(unindexed(devices.c.subscriber_ref))
        yield select(devices.c.ref).where(narrowed, within, seen), None


def _at_address(digits: str) -> Select[tuple[int]]:
    """Devices with a session, or one that begins, on an address with these first digits."""
    shift = 4 * (_ADDRESS - len(digits))
    first = int(digits, 16) << shift
    last = first + (1 << shift) - 1
    states = device_states.c
    return (
        select(states.device_ref)
        .where(or_(states.dev_addr.between(first, last), states.pending_dev_addr.between(first, last)))
        .limit(_MOST_OF_AN_ADDRESS)
    )


def _hits(connection: Connection, found: dict[int, str | None]) -> list[Hit]:
    rows = connection.execute(
        select(
            devices.c.ref,
            devices.c.name,
            devices.c.dev_eui,
            subscribers.c.customer_id,
            subscribers.c.name.label("subscriber"),
        )
        .join(subscribers, subscribers.c.ref == devices.c.subscriber_ref)
        .where(devices.c.ref.in_(found))
    )
    by_ref = {
        row.ref: Hit(str(row.ref), row.name, row.dev_eui, row.customer_id, row.subscriber, found[row.ref])
        for row in rows
    }
    return [by_ref[ref] for ref in found if ref in by_ref]
