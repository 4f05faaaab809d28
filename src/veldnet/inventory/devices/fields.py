"""The descriptive fields of a device: given by people, given back as they are, not acted upon by the network.

A new one is a member of `Device`, or of `VeldnetDevice` if KPN's API does not have it, and a line here: how
it is stored, read, changed, imported and exported follows from the two.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import UNSET

from veldnet.domain.errors import InvalidField, MissingField
from veldnet.domain.resources import AlarmThreshold, Device, VeldnetDevice
from veldnet.domain.thresholds import THRESHOLD_LEVELS, seconds_of
from veldnet.inventory.names import is_printable, is_readable
from veldnet.lorawan import InvalidIdentifier, NetId

_MAX_TEXT = 255
MOST_TAGS = 20


class Field(msgspec.Struct, frozen=True):
    """A field by its name in the API. `check` raises a `BadRequest` for a value that it must not have;
    `updatable` ones can be changed in Veldnet's API; `exported` ones are columns of the CSV export."""

    name: str
    check: Callable[[Any, str], None]
    updatable: bool = False
    exported: bool = False


def _check_text(value: str, name: str) -> None:
    if len(value) > _MAX_TEXT:
        raise InvalidField(
            "{name} has {count} characters, at most {max_text} are allowed",
            name=name,
            count=len(value),
            max_text=_MAX_TEXT,
        )
    if not is_readable(value):
        raise InvalidField("{name} must have printable characters or line breaks only", name=name)


def _check_net_id(value: str, name: str) -> None:
    try:
        NetId.parse(value)
    except InvalidIdentifier as error:
        raise InvalidField("{name}: {error}", name=name, error=error) from None


def _check_tags(value: list[str], name: str) -> None:
    if len(value) > 50 or any(len(tag) > _MAX_TEXT for tag in value):
        raise InvalidField(
            "{name} holds at most 50 tags of at most {max_text} characters", name=name, max_text=_MAX_TEXT
        )


def is_tag(tag: str) -> bool:
    """Whether a text can be a tag of a device."""
    return 1 <= len(tag) <= 50 and tag == tag.strip() and is_printable(tag) and not set(tag) & set(";|,")


def _check_labels(value: list[str], name: str) -> None:
    """Tags are filters: what differs only by blanks or cannot be seen would be taken for the same."""
    if len(value) > MOST_TAGS or len(set(value)) != len(value):
        raise InvalidField("{name} holds at most 20 different tags", name=name)
    for tag in value:
        if not is_tag(tag):
            raise InvalidField(
                "{name} {tag!r} must have 1 to 50 printable characters, no blanks around them and none of"
                " ; | ,",
                name=name,
                tag=tag[:60],
            )


def check_thresholds(thresholds: list[AlarmThreshold], name: str = "alarmThresholds") -> None:
    """At most two steps, the second later and more severe than the first."""
    if len(thresholds) > 2:
        raise InvalidField("{name} holds at most two entries", name=name)
    enabled = [t for t in thresholds if t.enabled is True]
    for threshold in enabled:
        if threshold.durationOfInactivity is UNSET or threshold.level is UNSET:
            raise MissingField("an enabled {name} entry needs durationOfInactivity and level", name=name)
    if len(thresholds) == 2 and thresholds[1].enabled is True:
        if thresholds[0].enabled is not True:
            raise InvalidField("the second {name} entry needs the first to be enabled", name=name)
        first, second = ((_seconds(t), THRESHOLD_LEVELS[str(t.level)]) for t in thresholds)
        if first[0] >= second[0] or first[1] >= second[1]:
            raise InvalidField(
                "the second {name} entry must be later and more severe than the first", name=name
            )


def _seconds(threshold: AlarmThreshold) -> int:
    return seconds_of(str(threshold.durationOfInactivity)) or 0


FIELDS = (
    Field("administrativeInfo", _check_text, exported=True),
    Field("dataflowTags", _check_tags),
    Field("homeNsNetID", _check_net_id),
    Field("asKeyId", _check_text),
    Field("secureElement", _check_text),
    Field("alarmThresholds", check_thresholds),
    Field("tags", _check_labels, updatable=True, exported=True),
)
UPDATABLE_FIELDS = frozenset(field.name for field in FIELDS if field.updatable)
# What an export adds about the life of a device.
OBSERVED_COLUMNS = (
    "healthState",
    "lastUplinkTime",
    "lastDownlinkTime",
    "last24hUplinkCount",
    "averageRSSI",
    "averageSNR",
    "lastSF",
    "lastMeanPER",
    "lastBatteryLevel",
)
EXPORTED_FIELDS = tuple(field.name for field in FIELDS if field.exported)


def check_fields(body: Device) -> None:
    """Check the descriptive fields of a body. Raises a `BadRequest` that names the field."""
    for field in FIELDS:
        value = getattr(body, field.name, UNSET)
        if value is not UNSET:
            field.check(value, field.name)


def encode_fields(body: Device, before: str = "{}") -> str:
    """The column `details`: what it holds before, with the fields that a body has. Empty ones are removed."""
    details = msgspec.json.decode(before)
    for field in FIELDS:
        value = getattr(body, field.name, UNSET)
        if value is not UNSET:
            details[field.name] = value
    if isinstance(body, VeldnetDevice):
        details = {name: value for name, value in details.items() if value != []}
    return msgspec.json.encode(details).decode()


def put_fields(details: str, device: Device) -> None:
    """Give a device its fields from the column `details`, as far as its kind has them."""
    known = device.__struct_fields__
    for name, value in msgspec.json.decode(details).items():
        if name in known:
            setattr(device, name, value)
