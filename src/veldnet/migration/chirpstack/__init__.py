"""ChirpStack v4, from its PostgreSQL database."""

from .database import ChirpStack, Tenant

__all__ = ["ChirpStack", "Tenant"]
