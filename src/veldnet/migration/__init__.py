"""Moving in from other network servers: devices with their sessions, profiles, base stations, groups and
integrations.

A `Source` reads one of them; `Migration` writes what it has by the functions of the inventory, keys by the
vault.
"""

from .checks import Terms
from .chirpstack import ChirpStack
from .model import Damaged, Source
from .mover import Migration, Target
from .report import Count, Entry, Reason, Report, Tally
from .tts import TheThingsStack

__all__ = [
    "ChirpStack",
    "Count",
    "Damaged",
    "Entry",
    "Migration",
    "Reason",
    "Report",
    "Source",
    "Tally",
    "Target",
    "Terms",
    "TheThingsStack",
]
