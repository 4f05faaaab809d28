"""Behaviour of the MAC commands, one module each under the name of its wire form; a registry, no if-chain."""

from .behaviour import Behaviour, Occasion, Reaction
from .exchange import Exchange, blocked, blocks, handle_uplink_commands, next_requests, remember_requests
from .link_adr import asked_link, awaits_answer
from .registry import BEHAVIOURS

__all__ = [
    "BEHAVIOURS",
    "Behaviour",
    "Exchange",
    "Occasion",
    "Reaction",
    "asked_link",
    "awaits_answer",
    "blocked",
    "blocks",
    "handle_uplink_commands",
    "next_requests",
    "remember_requests",
]
