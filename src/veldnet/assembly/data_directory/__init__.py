"""A data directory: its database and master key, the lock and lease of its one server, backups."""

__all__ = [
    "backups",
    "clock_mark",
    "directory",
    "lock",
    "moving",
    "scheduled_backups",
    "takeover",
]
