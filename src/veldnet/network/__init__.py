"""The network server: a pure core of transitions, and a shell that feeds it and commits what it decides.

The core (`core`) maps the state of a device and an event to a new state, records and effects, without I/O or
a clock. The shell (`shell`) does.
"""

__all__ = ["core", "shell"]
