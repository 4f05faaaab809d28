"""The vaults of the settings: modules opened, processes started, keys re-wrapped under a new master key."""

__all__ = [
    "exporting",
    "opening",
    "token",
]
