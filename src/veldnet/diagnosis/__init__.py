"""Frames and devices explained in the languages of the console."""

from .describe_mac_commands import describe_mac_commands
from .explaining import explain_device, explain_frame
from .findings import Explanation, Finding
from .language import LANGUAGES, Language, preferred_language

__all__ = [
    "LANGUAGES",
    "Explanation",
    "Finding",
    "Language",
    "describe_mac_commands",
    "explain_device",
    "explain_frame",
    "preferred_language",
]
