"""Types shared by all rooms: API resources, stored documents, errors and scopes."""

__all__ = [
    "devices",
    "documents",
    "errors",
    "joins",
    "resources",
    "scope",
]
