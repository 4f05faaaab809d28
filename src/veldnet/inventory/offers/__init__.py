"""What an operator offers: connectivity plans, device profiles and HSM groups, and who may use them."""

from .device_profiles import (
    Profile,
    change_profile,
    check_radio,
    create_device_profile,
    list_device_profiles,
    operator_profiles,
)
from .hsm_groups import (
    Group,
    HsmGroup,
    create_hsm_group,
    find_hsm_group,
    list_all_hsm_groups,
    list_hsm_groups,
    operator_hsm_groups,
)
from .plans import (
    Plan,
    change_connectivity_plan,
    create_connectivity_plan,
    find_plan,
    grant_connectivity_plan,
    grant_plan_by_id,
    list_connectivity_plans,
    operator_plans,
    own_plan,
    sole_plan,
)
from .setting_fields import SettingField, setting_fields
from .settings import default_settings, read_document, right_value

__all__ = [
    "Group",
    "HsmGroup",
    "Plan",
    "Profile",
    "SettingField",
    "change_connectivity_plan",
    "change_profile",
    "check_radio",
    "create_connectivity_plan",
    "create_device_profile",
    "create_hsm_group",
    "default_settings",
    "find_hsm_group",
    "find_plan",
    "grant_connectivity_plan",
    "grant_plan_by_id",
    "list_all_hsm_groups",
    "list_connectivity_plans",
    "list_device_profiles",
    "list_hsm_groups",
    "operator_hsm_groups",
    "operator_plans",
    "operator_profiles",
    "own_plan",
    "read_document",
    "right_value",
    "setting_fields",
    "sole_plan",
]
