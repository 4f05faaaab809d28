"""Changes of many devices: those that are named, or all that a search finds, in batches."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Connection

from veldnet.api.errors import spoken
from veldnet.api.routers import SUBSCRIBER
from veldnet.api.services import Services
from veldnet.asgi import Request
from veldnet.domain.errors import InvalidField, MissingField, Refusal
from veldnet.domain.resources import VeldnetDevice
from veldnet.domain.scope import Scope
from veldnet.inventory import audit, devices

from .device_search import DeviceFilter

MOST_AT_ONCE = 1000
# Devices of a search that are done in one request, each in a transaction of its own.
_BATCH = 200


class Change(msgspec.Struct, kw_only=True):
    """What to do: `update` takes members of `change`, and tags to add and to remove; `delete` neither."""

    action: Literal["update", "delete"]
    change: VeldnetDevice | UnsetType = UNSET
    addTags: list[str] = []
    removeTags: list[str] = []


class BulkChange(Change, kw_only=True):
    """What to do with some devices."""

    refs: list[str]


class MatchingChange(Change, kw_only=True):
    """What to do with the devices that a search finds. `after` and `until` come from the previous answer."""

    after: str | None = None
    until: str | None = None


class BulkFailure(msgspec.Struct, omit_defaults=True):
    """A device that was left as it was, and why; without `EUI` where there is none of that number."""

    ref: str
    message: str
    EUI: str | UnsetType = UNSET


class BulkResult(msgspec.Struct):
    """How many were done."""

    done: int
    failures: list[BulkFailure]


class MatchingResult(msgspec.Struct):
    """How many were done by this request; until `finished`, another one with `after` and `until` goes on."""

    done: int
    failures: list[BulkFailure]
    after: str
    until: str
    finished: bool


@SUBSCRIBER.post("/devices/bulk", "changeDevices", "Device", "Change or delete up to 1,000 devices.")
async def change_many(request: Request, services: Services, scope: Scope, body: BulkChange) -> BulkResult:
    """Change or delete up to 1,000 devices. Each is done by itself, so that one that is refused does not keep
    the others from it."""
    if len(body.refs) > MOST_AT_ONCE:
        raise InvalidField(
            "refs holds {count} devices; at most {most_at_once} are changed at once",
            count=len(body.refs),
            most_at_once=MOST_AT_ONCE,
        )
    _check(body)
    done, failures = await _each(request, services, scope, dict.fromkeys(body.refs), body)
    return BulkResult(done, failures)


@SUBSCRIBER.post(
    "/devices/bulk/matching",
    "changeMatchingDevices",
    "Device",
    "Change or delete all devices that a search finds, up to 200 with each request.",
)
async def change_matching(
    request: Request,
    services: Services,
    scope: Scope,
    query: DeviceFilter,
    body: MatchingChange,
) -> MatchingResult:
    """Change or delete the devices found, 200 at most; repeat with `after` and `until` of the answer until
    `finished`. Devices that were created after the first request are left alone."""
    _check(body)
    after, until = (_number(value, name) for value, name in ((body.after, "after"), (body.until, "until")))
    newest = await services.read(lambda c: devices.newest_ref(c, scope)) if until is None else until
    refs = await services.read(
        lambda c: devices.refs_between(c, scope, query.wanted, after or 0, newest, _BATCH)
    )
    done, failures = await _each(request, services, scope, map(str, refs), body)
    last = refs[-1] if refs else newest
    return MatchingResult(done, failures, str(last), str(newest), len(refs) < _BATCH)


def _number(text: str | None, name: str) -> int | None:
    if text is None:
        return None
    if not _is_number(text):
        raise InvalidField("{name} {text!r} is not one of an answer", name=name, text=text[:40])
    return int(text)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _check(body: Change) -> None:
    tagged = body.addTags or body.removeTags
    if body.action == "update" and body.change is UNSET and not tagged:
        raise MissingField("change, addTags or removeTags is mandatory for update")
    if tagged and body.change is not UNSET and body.change.tags is not UNSET:
        raise InvalidField("change.tags replaces all tags; it excludes addTags and removeTags")


async def _each(
    request: Request, services: Services, scope: Scope, refs: Iterable[str], body: Change
) -> tuple[int, list[BulkFailure]]:
    failures: list[BulkFailure] = []
    done = 0
    for ref in refs:
        try:
            await services.write(partial(_one, scope=scope, ref=ref, body=body))
            done += 1
        except Refusal as error:
            failures.append(BulkFailure(ref, spoken(request, error)))
    await services.take_up()
    await _name(services, scope, failures)
    return done, failures


async def _name(services: Services, scope: Scope, failures: list[BulkFailure]) -> None:
    """Add what people know the devices by."""
    numbers = [int(failure.ref) for failure in failures if _is_number(failure.ref)]
    if numbers:
        found = await services.read(lambda c: devices.dev_euis_of(c, scope, numbers))
        for failure in failures:
            if _is_number(failure.ref):
                failure.EUI = found.get(int(failure.ref), UNSET)


def _one(connection: Connection, scope: Scope, ref: str, body: Change) -> None:
    noted: dict[str, object] = {}
    if body.action == "delete":
        noted.update(devices.delete_device(connection, scope, ref))
        action = audit.DELETED
    else:
        change = VeldnetDevice() if body.change is UNSET else body.change
        if body.addTags or body.removeTags:
            tags = devices.tags_of(connection, devices.device_ref(connection, scope, ref))
            kept = [tag for tag in dict.fromkeys([*tags, *body.addTags]) if tag not in body.removeTags]
            change = msgspec.structs.replace(change, tags=kept)
        with devices.changes_noted(connection, scope, ref, noted):
            devices.update_device(connection, scope, ref, change, updatable=devices.OWN_UPDATABLE)
        action = "device.changed"
    author = audit.Author(scope.display_name, scope.subscriber_ref, scope.operator_ref)
    audit.note(connection, author, action, f"device {ref}", noted)
