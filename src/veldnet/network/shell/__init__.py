"""The shell of the network server: reception, devices in memory, commits, transmission and vault orders."""

__all__ = [
    "refusals",
]
