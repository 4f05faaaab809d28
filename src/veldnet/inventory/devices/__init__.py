"""Devices: their life from creation to deletion, checks, search and personalisation."""

__all__ = [
    "checks",
    "lifecycle",
    "personalisation",
    "search",
]
