"""Devices: life cycle, checks, lists, search, the map and personalisation."""

from .assignment import find_profile, profiles_by_ref
from .by_standing import EXACT
from .cells import MOST_CELLS
from .checks import (
    DX_UPDATABLE,
    OWN_UPDATABLE,
    UPDATABLE,
    NewDevice,
    check_dev_eui,
    check_new_device,
    check_root_key,
)
from .creation import Creation, Lookups, Moved, OpenSession, carry_out, create_device, insert_devices
from .edits import changes_noted
from .fields import EXPORTED_FIELDS, MOST_TAGS, OBSERVED_COLUMNS, check_thresholds, is_tag
from .fleet import FleetDevice, first_references, write_fleet
from .found_map import FoundCell, found_cells
from .lifecycle import (
    delete_device,
    set_location,
    set_nwk_key,
    set_thresholds,
    update_device,
    vault_of,
)
from .listing import (
    PAGE,
    Filter,
    View,
    count_devices,
    count_without_routing,
    dev_euis_of,
    list_devices,
    refs_of,
    refs_of_all,
    registered,
)
from .map import MapCell, map_cells
from .moves import move_to_plan, move_to_profile, plans_to_move_to, profiles_to_move_to
from .personalisation import Personalisation
from .root_keys import KeyChange, change_root_keys, check_rekeying, list_key_changes
from .search import (
    ALARM_LEVELS,
    AlarmLevel,
    Found,
    Order,
    Paging,
    Wanted,
    condition,
    devices_after,
    newest_ref,
    refs_between,
    search_devices,
)
from .shadow import Shadow, drop_shadows, end_shadows, find_shadows, in_shadow
from .tags import known_tags, tags_of
from .view import Observed, configurations, device_ref, find_own, get_device, get_veldnet_device, owner_of

__all__ = [
    "ALARM_LEVELS",
    "DX_UPDATABLE",
    "EXACT",
    "EXPORTED_FIELDS",
    "MOST_CELLS",
    "MOST_TAGS",
    "OBSERVED_COLUMNS",
    "OWN_UPDATABLE",
    "PAGE",
    "UPDATABLE",
    "AlarmLevel",
    "Creation",
    "Filter",
    "FleetDevice",
    "Found",
    "FoundCell",
    "KeyChange",
    "Lookups",
    "MapCell",
    "Moved",
    "NewDevice",
    "Observed",
    "OpenSession",
    "Order",
    "Paging",
    "Personalisation",
    "Shadow",
    "View",
    "Wanted",
    "carry_out",
    "change_root_keys",
    "changes_noted",
    "check_dev_eui",
    "check_new_device",
    "check_rekeying",
    "check_root_key",
    "check_thresholds",
    "condition",
    "configurations",
    "count_devices",
    "count_without_routing",
    "create_device",
    "delete_device",
    "dev_euis_of",
    "device_ref",
    "devices_after",
    "drop_shadows",
    "end_shadows",
    "find_own",
    "find_profile",
    "find_shadows",
    "first_references",
    "found_cells",
    "get_device",
    "get_veldnet_device",
    "in_shadow",
    "insert_devices",
    "is_tag",
    "known_tags",
    "list_devices",
    "list_key_changes",
    "map_cells",
    "move_to_plan",
    "move_to_profile",
    "newest_ref",
    "owner_of",
    "plans_to_move_to",
    "profiles_by_ref",
    "profiles_to_move_to",
    "refs_between",
    "refs_of",
    "refs_of_all",
    "registered",
    "search_devices",
    "set_location",
    "set_nwk_key",
    "set_thresholds",
    "tags_of",
    "update_device",
    "vault_of",
    "write_fleet",
]
