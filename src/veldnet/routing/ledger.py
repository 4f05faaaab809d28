"""Stored form of pending deliveries: the message without the time and token of an attempt."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import structlog

from .encoding import to_json, to_xml
from .messages import TunnelMessage
from .table import Profile, Route

log = structlog.get_logger(__name__)

# Device and queue.
QueueKey = tuple[int, str]

# The kinds of messages, each with queues of its own; they are part of the names of stored queues.
UPLINK, JOIN, EVENT = "u", "j", "e"
_KINDS = {
    "DevEUI_notification": "n",
    "DevEUI_downlink_Sent": "s",
    "DevEUI_downlink_Rejected": "r",
    "DevEUI_location": "l",
    "DevEUI_multicast_summary": "m",
}


class FlowNote(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Of a message that a flow has taken: what its attempt makes the sent document of. `values` are those of
    templates; `payload` is in clear, None where there is none to decode; `time` in Unix milliseconds."""

    flow_ref: int
    event: str
    values: dict[str, str]
    profile_ref: int = 0
    payload: bytes | None = None
    fport: int | None = None
    time: int = 0


class StoredMessage(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A rendered message. Its route is looked up again at each attempt, so that a corrected address helps.

    A message of a BLAST route is for one of its addresses: `position` counts from 0 in `addresses`, which
    are those of the route when the message was made. A message of a flow has the number of its connection
    below 0 in place of a routing profile.
    """

    routing_profile_ref: int
    as_id: str | None
    route_fport: int | None
    content_type: str
    name: str
    body: bytes
    elements: str
    lrn_dev_eui: str
    lrn_fport: int
    addresses: tuple[str, ...] = ()
    position: int | None = None
    flow: FlowNote | None = None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(StoredMessage)


def encode_message(message: StoredMessage) -> bytes:
    return _encoder.encode(message)


# In place of a stored message that cannot be read: it goes nowhere, and holds up none behind it.
DAMAGED = StoredMessage(0, None, None, "", "unreadable", b"", "", "", 0)


def decode_message(octets: bytes) -> StoredMessage:
    try:
        return _decoder.decode(octets)
    except msgspec.DecodeError as error:
        log.error("stored_message_unreadable", error=str(error))
        return DAMAGED


class QueueName(NamedTuple):
    """Messages of a device to one destination keep their order among their kind; this names their queue.

    Over a connection all kinds are one, in one order, and `profile_ref` is its number below 0.
    """

    profile_ref: int
    kind: str
    position: str
    as_id: str

    def __str__(self) -> str:
        return f"{self.profile_ref}:{self.kind}:{self.position}:{self.as_id}"

    @property
    def connection_ref(self) -> int | None:
        """The connection, where it is one."""
        return -self.profile_ref if self.profile_ref < 0 else None

    @property
    def destination(self) -> str:
        """The application server, or one address of a BLAST route: what queues of all kinds share."""
        return f"{self.profile_ref}:{self.position}:{self.as_id}"

    @classmethod
    def parse(cls, text: str) -> QueueName:
        profile_ref, kind, position, as_id = text.split(":", 3)
        return cls(int(profile_ref), kind, position, as_id)


def queue_of(message: StoredMessage) -> QueueName:
    position = "" if message.position is None else str(message.position)
    return QueueName(message.routing_profile_ref, _kind_of(message), position, message.as_id or "")


def _kind_of(message: StoredMessage) -> str:
    if message.flow is not None:
        return EVENT
    if message.name == "DevEUI_uplink":
        # The report of a join has no port: it is no uplink of data.
        return JOIN if message.route_fport is None else UPLINK
    return _KINDS.get(message.name, "n")


def address_messages(message: TunnelMessage, profile: Profile) -> list[StoredMessage]:
    """One copy for each application server of a profile that has a route for the message, and of BLAST
    routes one for each address."""
    is_uplink = message.name == "DevEUI_uplink" and not message.json_only
    route_fport = message.lrn_fport if is_uplink else None
    stored = []
    rendered: dict[str, bytes] = {}
    for as_id, _routes in profile.servers:
        route = profile.route_of(as_id, route_fport)
        if route is None or (message.json_only and route.content_type != "JSON"):
            continue
        body = rendered.get(route.content_type)
        if body is None:
            body = rendered[route.content_type] = _render(message, route)
        positions = range(len(route.addresses)) if route.blast else (None,)
        for position in positions:
            stored.append(
                StoredMessage(
                    profile.ref,
                    as_id,
                    route_fport,
                    route.content_type,
                    message.name,
                    body,
                    message.elements,
                    message.lrn_dev_eui,
                    message.lrn_fport,
                    () if position is None else route.addresses,
                    position,
                )
            )
    return stored


def address_trial(message: TunnelMessage, profile: Profile, route: Route) -> StoredMessage:
    """A test message for one route."""
    return StoredMessage(
        profile.ref,
        route.as_id,
        None,
        route.content_type,
        message.name,
        _render(message, route),
        message.elements,
        message.lrn_dev_eui,
        message.lrn_fport,
    )


def addresses_of(message: StoredMessage, route: Route) -> tuple[str, ...]:
    """Where a message goes now: the addresses of its route, or the one of BLAST that it is for.

    That one may have been corrected since, and takes the place of the one before; the messages for an
    address that was removed go nowhere.
    """
    if message.position is None:
        return route.addresses
    meant = message.addresses[message.position]
    if meant in route.addresses:
        return (meant,)
    if message.position < len(route.addresses):
        here = route.addresses[message.position]
        if here not in message.addresses:
            return (here,)
    return ()


def _render(message: TunnelMessage, route: Route) -> bytes:
    write = to_json if route.content_type == "JSON" else to_xml
    return write(message.name, message.fields)
