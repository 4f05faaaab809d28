"""Fleets as code: plans, profiles, routing, connections, flows, devices and multicast groups as a document in
YAML, compared with what there is and carried out. Devices are carried out by the engine of imports."""

from veldnet.inventory.differences import Difference

from .applying import apply_fleet, plan_fleet
from .documents import KEYS, Fleet
from .exporting import export_devices, export_offers
from .kinds import Context, Network
from .reading import MOST_DEVICES, FindSecret, fleet_of, read_document, read_fleet
from .steps import Action, Step

__all__ = [
    "KEYS",
    "MOST_DEVICES",
    "Action",
    "Context",
    "Difference",
    "FindSecret",
    "Fleet",
    "Network",
    "Step",
    "apply_fleet",
    "export_devices",
    "export_offers",
    "fleet_of",
    "plan_fleet",
    "read_document",
    "read_fleet",
]
