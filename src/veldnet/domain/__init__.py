"""What all rooms speak of, once each: API resources, stored documents, errors and scopes."""

__all__ = [
    "devices",
    "documents",
    "errors",
    "joins",
    "resources",
    "scope",
]
