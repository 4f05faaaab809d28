"""Types shared by all rooms: API resources, stored documents, errors, scopes, health and alarm levels, and
what is wrong with a document."""

__all__ = [
    "alarm_levels",
    "devices",
    "documents",
    "errors",
    "flows",
    "geofences",
    "groups",
    "health",
    "joins",
    "locations",
    "partitions",
    "resources",
    "scope",
    "spreadsheets",
    "thresholds",
    "transformations",
    "validation",
]
