"""Campaigns: firmware or configuration for many devices, in fragments over the air (TS004, TS006).

`machine` decides what comes next for one device, without I/O; `Runner` works on all of them, on one node;
`Listener` writes down what devices have answered, with their frames.
"""

from .block import MAX_SIZE, Block
from .listening import Listener
from .machine import (
    CAMPAIGN_STATES,
    DEVICE_STATES,
    FINAL,
    CampaignState,
    DeviceState,
    Options,
    Progress,
    Reason,
)
from .records import (
    Campaign,
    CampaignDevice,
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
from .runner import Runner
from .texts import reason_text

__all__ = [
    "CAMPAIGN_STATES",
    "DEVICE_STATES",
    "FINAL",
    "MAX_SIZE",
    "Block",
    "Campaign",
    "CampaignDevice",
    "CampaignState",
    "DevicePage",
    "DeviceState",
    "Kind",
    "Listener",
    "NewCampaign",
    "Options",
    "Progress",
    "Reason",
    "Runner",
    "change_state",
    "create_campaign",
    "get_campaign",
    "list_campaigns",
    "list_devices",
    "reason_text",
    "remove_campaign",
]
