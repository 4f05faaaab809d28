"""Base stations of an operator: registration, and what they have reported about themselves."""

from .registration import (
    BaseStation,
    UnregisteredBaseStation,
    change_base_station,
    change_members,
    create_base_station,
    list_base_stations,
    list_unknown,
    own_base_station,
    remarks,
    remove_base_station,
)

__all__ = [
    "BaseStation",
    "UnregisteredBaseStation",
    "change_base_station",
    "change_members",
    "create_base_station",
    "list_base_stations",
    "list_unknown",
    "own_base_station",
    "remarks",
    "remove_base_station",
]
