"""Connections to applications, and flows: which messages of which devices go over them.

`resources` is how the API shows them, `checks` what needs no other rows; `connections` and `flows` write
their rows.
"""

from .connections import (
    Known,
    Prepared,
    connection_ref,
    create_connection,
    delete_connection,
    get_connection,
    list_connections,
    prepare,
    sealed_secrets,
    update_connection,
)
from .flows import count_choosing, create_flow, delete_flow, follow_profile, get_flow, list_flows, update_flow
from .resources import HIDDEN, Connection, ConnectionState, Flow

__all__ = [
    "HIDDEN",
    "Connection",
    "ConnectionState",
    "Flow",
    "Known",
    "Prepared",
    "connection_ref",
    "count_choosing",
    "create_connection",
    "create_flow",
    "delete_connection",
    "delete_flow",
    "follow_profile",
    "get_connection",
    "get_flow",
    "list_connections",
    "list_flows",
    "prepare",
    "sealed_secrets",
    "update_connection",
    "update_flow",
]
