"""Connections and flows as they are stored, and the templates of topics and URLs that they have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, get_args

import msgspec

# The name of a type, as its file gives it.
ConnectionType = str
Dialect = Literal["THINGPARK", "CHIRPSTACK", "THE_THINGS_STACK"]
MqttVersion = Literal["3.1.1", "5"]
Driver = Literal["AUTO", "RAW"]
Strategy = Literal["DATAFLOW", "IOT_FLOW", "ROUTE"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)

# What templates of topics and URLs may name.
NAMES = (
    "DevEUI",
    "devEui",
    "deviceId",
    "deviceName",
    "FPort",
    "event",
    "message",
    "customerId",
    "applicationId",
    "tenantId",
)
# Of topics that downlinks come by: what is known of the connection, and what names the device.
OF_CONNECTION = ("customerId", "applicationId", "tenantId")
OF_DEVICE = ("DevEUI", "devEui", "deviceId")

# By dialect: the topic of messages, and the one that downlinks come by.
TOPICS: Mapping[Dialect, str] = {
    "THINGPARK": "mqtt/things/{DevEUI}/uplink",
    "CHIRPSTACK": "application/{applicationId}/device/{devEui}/event/{event}",
    "THE_THINGS_STACK": "v3/{applicationId}@{tenantId}/devices/{deviceId}/{event}",
}
DOWNLINK_TOPICS: Mapping[Dialect, str] = {
    "THINGPARK": "mqtt/things/{DevEUI}/downlink",
    "CHIRPSTACK": "application/{applicationId}/device/{devEui}/command/down",
    "THE_THINGS_STACK": "v3/{applicationId}@{tenantId}/devices/{deviceId}/down/push",
}

_NAME = re.compile(r"\{([^{}]*)\}")
# What would change the levels of a topic, or end it.
_UNSAFE = re.compile(r"[+#/\x00-\x1f\x7f-\x9f\ufffe\uffff]")


class ConnectionSettings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where and how a connection delivers. What is empty has no value; `topic` and `downlink_topic` then are
    those of the dialect."""

    type: ConnectionType
    dialect: Dialect = "THINGPARK"
    address: str
    username: str = ""
    ca_certificate: str = ""
    client_certificate: str = ""
    version: MqttVersion = "5"
    client_id: str = ""
    qos: int = 1
    retain: bool = False
    topic: str = ""
    downlinks: bool = False
    downlink_topic: str = ""
    exchange: str = ""
    application_id: str = ""
    tenant_id: str = ""
    # What only its type has.
    options: dict[str, str | int | bool] = {}


class ConnectionSecrets(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is never shown again; `headers` and `options` by their names."""

    password: str = ""
    client_key: str = ""
    headers: dict[str, str] = {}
    options: dict[str, str] = {}

    def __repr__(self) -> str:
        return "ConnectionSecrets(…)"


class FlowSettings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which messages a flow takes and what it makes of them. An empty selection selects all; `ports` as in
    routes."""

    tags: tuple[str, ...] = ()
    device_profiles: tuple[str, ...] = ()
    strategies: tuple[Strategy, ...] = ()
    ports: str = "*"
    driver: Driver = "AUTO"
    transformation: str = ""


def downlink_topics(settings: ConnectionSettings) -> tuple[str, ...]:
    """The topics that downlinks come by. The second one, which The Things Stack has, replaces the queue."""
    topic = settings.downlink_topic or DOWNLINK_TOPICS[settings.dialect]
    stem = re.fullmatch(r"(.*[/.]down[/.])push", topic)
    if settings.dialect != "THE_THINGS_STACK" or stem is None:
        return (topic,)
    return topic, f"{stem[1]}replace"


def names_in(template: str) -> list[str]:
    """What a template names, in order."""
    return _NAME.findall(template)


def safe(value: str) -> str:
    """A value as one part of a topic: characters that separate levels, stand for others or cannot be printed
    become underscores, so that nothing is lost for the name of a device."""
    return _UNSAFE.sub("_", value)


def fill(template: str, values: Mapping[str, str]) -> str:
    """A topic: its template with the values that are there."""

    def value(found: re.Match[str]) -> str:
        given = values.get(found[1], "")
        # Events are the dialects' own words, some of several levels.
        return given if found[1] == "event" else safe(given)

    topic = _NAME.sub(value, template)
    # Topics that begin with a dollar sign are the broker's own.
    return f"_{topic[1:]}" if topic.startswith("$") else topic


def topic_filter(template: str, known: Mapping[str, str]) -> str:
    """What to subscribe to for a template: levels that name anything but what is known are any level."""
    levels = []
    for level in template.split("/"):
        others = [name for name in names_in(level) if name not in known]
        levels.append("+" if others else fill(level, known) if level else "")
    return "/".join(levels)


@lru_cache(maxsize=4096)
def _pattern(template: str) -> re.Pattern[str]:
    """Reads a topic by its template; a name that comes twice is read once."""
    parts, seen, at = [], set(), 0
    for found in _NAME.finditer(template):
        parts.append(re.escape(template[at : found.start()]))
        name, at = found[1], found.end()
        parts.append("[^/]*" if name in seen else f"(?P<{name}>[^/]*)")
        seen.add(name)
    return re.compile("".join(parts) + re.escape(template[at:]))


def values_in(template: str, topic: str) -> dict[str, str] | None:
    """What a topic has in the places of a template's names; None where it does not fit."""
    found = _pattern(template).fullmatch(topic)
    return None if found is None else found.groupdict()
