"""Fleets as code: plans, profiles, routing, flows and devices as a document in YAML, compared with what there
is and carried out."""

from .applying import apply_fleet, plan_fleet
from .comparing import Action, Difference, Step
from .documents import KEYS, MOST_DEVICES, Fleet, read_fleet
from .exporting import export_devices, export_offers
from .kinds import Context

__all__ = [
    "KEYS",
    "MOST_DEVICES",
    "Action",
    "Context",
    "Difference",
    "Fleet",
    "Step",
    "apply_fleet",
    "export_devices",
    "export_offers",
    "plan_fleet",
    "read_fleet",
]
