"""Veldnet: a self-hosted LoRaWAN operator's platform. See docs/architecture.md for the rooms."""

__version__ = "0.1.0"
