"""Routing profiles: where the messages of devices are delivered."""

from .checks import CheckedRoute, KeyRequest, check_address, check_routes, key_request
from .headers import SealedHeaders, header_names, open_headers, seal_headers, sealed_headers, write_headers
from .lifecycle import (
    MadeKey,
    Prepared,
    all_addresses,
    count_routing_profiles,
    create_routing_profile,
    default_profile,
    delete_routing_profile,
    dummy_profile,
    find_by_id,
    get_routing_profile,
    list_routing_profiles,
    profile_id,
    update_routing_profile,
)
from .limits import check_destinations

__all__ = [
    "CheckedRoute",
    "KeyRequest",
    "MadeKey",
    "Prepared",
    "SealedHeaders",
    "all_addresses",
    "check_address",
    "check_destinations",
    "check_routes",
    "count_routing_profiles",
    "create_routing_profile",
    "default_profile",
    "delete_routing_profile",
    "dummy_profile",
    "find_by_id",
    "get_routing_profile",
    "header_names",
    "key_request",
    "list_routing_profiles",
    "open_headers",
    "profile_id",
    "seal_headers",
    "sealed_headers",
    "update_routing_profile",
    "write_headers",
]
