"""Moving in from other network servers: devices with their sessions, profiles, base stations, groups and
integrations.

A `Source` reads one of them; `Migration` writes what it has by the functions of the inventory, keys by the
vault. Devices may come in shadow first: `cut_over` and `roll_back` end that.
"""

from . import comparison, tts
from .checks import Terms
from .chirpstack import ChirpStack
from .ending import Removed, cut_over, roll_back
from .model import Damaged, Source
from .mover import Migration
from .report import Count, Entry, Reason, Report, Tally
from .target import Target
from .tts import TheThingsStack

__all__ = [
    "ChirpStack",
    "Count",
    "Damaged",
    "Entry",
    "Migration",
    "Reason",
    "Removed",
    "Report",
    "Source",
    "Tally",
    "Target",
    "Terms",
    "TheThingsStack",
    "comparison",
    "cut_over",
    "roll_back",
    "tts",
]
