"""Rules for creating, changing and removing operators, subscribers, devices and related objects.

Each module holds the functions of one resource over a database connection; the caller brings the
transaction. What changes is noted in the log of changes, which running servers read.
"""

__all__ = [
    "accounts",
    "audit",
    "base_stations",
    "branding",
    "catalogue",
    "certificates",
    "changes",
    "decoders",
    "devices",
    "fleets",
    "flows",
    "geofences",
    "groups",
    "imports",
    "keys",
    "names",
    "offers",
    "routing_profiles",
    "rows",
    "sandbox",
    "search",
]
