"""Alarm notifications by e-mail and signed webhook: grouped, rate-limited and durable."""

__all__ = [
    "digest",
    "events",
]
