"""Device and base station alarms: the types, the machine they live by, and the rules that drive it."""

__all__ = [
    "fleet",
    "listing",
    "types",
]
