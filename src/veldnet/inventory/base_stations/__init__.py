"""Base stations of an operator: registration, and what they have reported about themselves."""

from .registration import (
    BaseStation,
    UnregisteredBaseStation,
    change_base_station,
    change_members,
    create_base_station,
    find_base_station,
    list_base_stations,
    list_unknown,
    own_base_station,
    read_base_station,
    remarks,
    remove_base_station,
)
from .tokens import (
    NewToken,
    StationToken,
    digest_of,
    issue_token,
    key_file,
    list_tokens,
    revoke_token,
    token_digests,
)

__all__ = [
    "BaseStation",
    "NewToken",
    "StationToken",
    "UnregisteredBaseStation",
    "change_base_station",
    "change_members",
    "create_base_station",
    "digest_of",
    "find_base_station",
    "issue_token",
    "key_file",
    "list_base_stations",
    "list_tokens",
    "list_unknown",
    "own_base_station",
    "read_base_station",
    "remarks",
    "remove_base_station",
    "revoke_token",
    "token_digests",
]
