"""Routing profiles: where the messages of devices are delivered."""

__all__ = [
    "lifecycle",
]
