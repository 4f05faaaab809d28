"""Integrations of ChirpStack's applications: HTTP as a connection in its own dialect, others as a remark."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from veldnet.inventory.flows import Connection
from veldnet.inventory.names import printable
from veldnet.migration.model import Integration
from veldnet.migration.tags import application_tag

_KINDS = {
    "INFLUX_DB": "InfluxDB",
    "THINGS_BOARD": "ThingsBoard (take a connection of type MQTT or HTTP)",
    "AWS_SNS": "AWS SNS",
    "AZURE_SERVICE_BUS": "Azure Service Bus",
    "GCP_PUB_SUB": "Google Pub/Sub",
}


class _Http(msgspec.Struct, frozen=True):
    event_endpoint_url: str
    headers: dict[str, str] = {}
    json: bool = True


def read_integration(row: Mapping[Any, Any]) -> Integration:
    """A row of `application_integration`, with the id, name and tenant of its application."""
    name = printable(str(row["application_name"])).strip()[:60]
    title, tag = f"ChirpStack {name} {str(row['kind'])[:20]}", application_tag(str(row["application_name"]))
    if row["kind"] != "HTTP":
        kind = _KINDS.get(str(row["kind"]), str(row["kind"])[:20])
        return Integration(name=title, tag=tag, problem=f"there is no connection for its integration {kind}")
    configuration = row["configuration"]
    if isinstance(configuration, dict):
        configuration = configuration.get("Http", configuration)
    try:
        http = msgspec.convert(configuration, _Http)
    except msgspec.ValidationError as error:
        return Integration(name=title, tag=tag, problem=f"its configuration cannot be read: {error}")
    if not http.json:
        text = (
            "it posts protocol buffers (json is off): have the application take JSON, and make a connection"
        )
        return Integration(name=title, tag=tag, problem=text)
    addresses = [address.strip() for address in http.event_endpoint_url.split(",") if address.strip()]
    return Integration(
        name=title,
        tag=tag,
        connections=tuple(_connection(row, http, title, *each) for each in enumerate(addresses, 1)),
    )


def _connection(row: Mapping[Any, Any], http: _Http, title: str, number: int, address: str) -> Connection:
    return Connection(
        name=title if number == 1 else f"{title} {number}",
        type="HTTP",
        dialect="CHIRPSTACK",
        # It names the event in the query.
        address=f"{address}{'&' if '?' in address else '?'}event={{event}}",
        headers=dict(http.headers),
        applicationId=str(row["application_id"]),
        tenantId=str(row["tenant_id"]),
    )
