"""The tokens of the tunnel interface: of messages that arrive, and of downlinks that are submitted."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import quote

from .messages import Downlink, Message


def token_fits(message: Message, query: Mapping[str, str], tunnel_key: str) -> bool:
    """Whether the network signed a message. `query` holds the parameters of its URL, decoded and in their
    order; `tunnel_key` is `asKey` of the route."""
    fields = message.fields
    elements = f"{fields.get('CustomerID', '')}{fields.get('DevEUI', '')}"
    if message.kind == "DevEUI_uplink":
        # The report of a join has none of the three.
        elements += f"{fields.get('FPort') or 0}{fields.get('FCntUp', '')}{fields.get('payload_hex') or ''}"
    elif message.kind == "DevEUI_downlink_Sent":
        elements += f"{fields.get('FPort') or 0}{fields.get('FCntDn', '')}"
    plain = "&".join(f"{name}={value}" for name, value in query.items() if name != "Token")
    expected = hashlib.sha256(f"{elements}{plain}{tunnel_key.lower()}".encode()).hexdigest()
    return hmac.compare_digest(expected, query.get("Token", ""))


class Signer(NamedTuple):
    """An application server that submits downlinks: `asId` and `asKey` of the route."""

    as_id: str
    tunnel_key: str


def signed_downlink_query(
    dev_eui: str,
    fport: int,
    downlink: Downlink,
    signer: Signer,
    *,
    confirmed: bool = False,
    now: datetime | None = None,
) -> str:
    """The query of `POST /thingpark/lrc/rest/downlink`, signed."""
    time = (now or datetime.now(UTC)).isoformat(timespec="milliseconds")
    parameters = [
        ("DevEUI", dev_eui),
        ("FPort", str(fport)),
        ("Payload", downlink.payload_hex),
        ("FCntDn", str(downlink.fcnt)),
        *([("Confirmed", "1")] if confirmed else []),
        ("AS_ID", signer.as_id),
        ("Time", time),
    ]
    plain = "&".join(f"{name}={value}" for name, value in parameters)
    token = hashlib.sha256(f"{plain}{signer.tunnel_key}".encode()).hexdigest()
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in [*parameters, ("Token", token)])
