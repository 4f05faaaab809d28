"""The core of the network server as pure functions: state and event to new state, records, effects.

It does no I/O, reads no clock and imports neither asyncio, structlog nor SQLAlchemy.
"""

__all__ = [
    "addressing",
    "candidates",
    "mac_commands",
    "parameters",
    "records",
    "state",
]
