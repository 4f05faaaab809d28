"""Operators, subscribers, users, projects and their sessions."""

__all__ = [
    "accounts",
    "people",
    "removal",
    "sessions",
]
