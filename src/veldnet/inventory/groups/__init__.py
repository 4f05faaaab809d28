"""Multicast groups of subscribers: rules, members, and what they were sent."""

from .checks import NewGroup, check_new_group
from .frames import get_frame, list_frames
from .keeping import KeptGroup, kept_groups
from .lifecycle import (
    Allocate,
    SealedKeys,
    choose_address,
    create_group,
    delete_group,
    drop_group,
    update_group,
)
from .members import MOST_AT_ONCE, add_members, count_members, list_members, remove_members
from .resource import (
    CoveringStation,
    GroupCoverage,
    GroupFrame,
    GroupFramePage,
    GroupPage,
    GroupSessionKey,
    Member,
    MemberPage,
    MulticastGroup,
    StationOutcome,
)
from .session_key import session_key_order
from .view import GroupRecord, get_group, list_groups, own_group

__all__ = [
    "MOST_AT_ONCE",
    "Allocate",
    "CoveringStation",
    "GroupCoverage",
    "GroupFrame",
    "GroupFramePage",
    "GroupPage",
    "GroupRecord",
    "GroupSessionKey",
    "KeptGroup",
    "Member",
    "MemberPage",
    "MulticastGroup",
    "NewGroup",
    "SealedKeys",
    "StationOutcome",
    "add_members",
    "check_new_group",
    "choose_address",
    "count_members",
    "create_group",
    "delete_group",
    "drop_group",
    "get_frame",
    "get_group",
    "kept_groups",
    "list_frames",
    "list_groups",
    "list_members",
    "own_group",
    "remove_members",
    "session_key_order",
    "update_group",
]
