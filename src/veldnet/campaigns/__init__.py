"""Campaigns: firmware or configuration for many devices, in fragments over the air (TS004, TS006).

`machine` decides what comes next for one device, without I/O; `Runner` works on all of them, on one node;
`Listener` writes down what devices have answered, with their frames.
"""

from .block import MAX_SIZE, Block
from .failures import KeysUnavailable
from .listening import Listener
from .records import (
    Campaign,
    CampaignDevice,
    CampaignGroupKeys,
    DevicePage,
    Kind,
    NewCampaign,
    change_state,
    create_campaign,
    get_campaign,
    list_campaigns,
    list_devices,
    remove_campaign,
)
from .runner import NetworkParts, Runner
from .states import (
    CAMPAIGN_STATES,
    DEVICE_STATES,
    FINAL,
    CampaignState,
    DeviceState,
    GroupOptions,
    Needs,
    Options,
    Progress,
    Reason,
    Session,
)
from .texts import reason_text
from .views import CampaignDeviceView, CampaignView, campaign_device_view, campaign_view

__all__ = [
    "CAMPAIGN_STATES",
    "DEVICE_STATES",
    "FINAL",
    "MAX_SIZE",
    "Block",
    "Campaign",
    "CampaignDevice",
    "CampaignDeviceView",
    "CampaignGroupKeys",
    "CampaignState",
    "CampaignView",
    "DevicePage",
    "DeviceState",
    "GroupOptions",
    "KeysUnavailable",
    "Kind",
    "Listener",
    "Needs",
    "NetworkParts",
    "NewCampaign",
    "Options",
    "Progress",
    "Reason",
    "Runner",
    "Session",
    "campaign_device_view",
    "campaign_view",
    "change_state",
    "create_campaign",
    "get_campaign",
    "list_campaigns",
    "list_devices",
    "reason_text",
    "remove_campaign",
]
