"""Telling people: e-mail and signed webhooks about changes of alarms, grouped, rate-limited and durable."""

__all__ = [
    "digest",
    "events",
]
