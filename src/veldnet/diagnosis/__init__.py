"""Frames and devices explained in words."""

from .describe_mac_commands import mac_commands_in_words
from .explaining import Explanation, explain_device, explain_frame
from .findings import Finding

__all__ = ["Explanation", "Finding", "explain_device", "explain_frame", "mac_commands_in_words"]
