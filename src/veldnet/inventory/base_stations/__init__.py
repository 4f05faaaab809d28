"""Base stations: registration, the registry in memory, what they have reported about themselves."""

__all__ = [
    "registration",
]
