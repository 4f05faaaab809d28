"""Frames and devices explained in the languages of the console."""

from .describe_mac_commands import mac_commands_in_words
from .explaining import explain_device, explain_frame
from .findings import Explanation, Finding
from .language import LANGUAGES, Language, preferred_language

__all__ = [
    "LANGUAGES",
    "Explanation",
    "Finding",
    "Language",
    "explain_device",
    "explain_frame",
    "mac_commands_in_words",
    "preferred_language",
]
