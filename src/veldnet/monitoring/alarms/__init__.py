"""Alarms of devices and base stations: types, state machine and rules."""

__all__ = [
    "fleet",
    "handling",
    "listing",
    "of_base_stations",
    "types",
]
