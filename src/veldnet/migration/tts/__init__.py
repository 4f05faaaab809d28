"""The Things Stack v3, from the JSON of its command line."""

from .export import TheThingsStack

__all__ = ["TheThingsStack"]
