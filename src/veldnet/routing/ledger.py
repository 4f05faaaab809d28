"""What a pending delivery holds: the message as it will be sent, without the time and token of an attempt."""

from __future__ import annotations

import msgspec

from .encoding import to_json, to_xml
from .messages import TunnelMessage
from .table import Profile, Route


class StoredMessage(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A rendered message. Its route is looked up again at each attempt, so that a corrected address helps."""

    routing_profile_ref: int
    as_id: str | None
    route_fport: int | None
    content_type: str
    name: str
    body: bytes
    elements: str
    lrn_dev_eui: str
    lrn_fport: int


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(StoredMessage)


def encode_message(message: StoredMessage) -> bytes:
    return _encoder.encode(message)


def decode_message(octets: bytes) -> StoredMessage:
    return _decoder.decode(octets)


def lane_of(profile: Profile, as_id: str | None) -> str:
    """Messages of a device to one application server keep their order; this names the pair's lane."""
    return f"{profile.ref}:{as_id or ''}"


def address_messages(message: TunnelMessage, profile: Profile) -> list[StoredMessage]:
    """One copy for each application server of a profile that has a route for the message."""
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


def _render(message: TunnelMessage, route: Route) -> bytes:
    write = to_json if route.content_type == "JSON" else to_xml
    return write(message.name, message.fields)
