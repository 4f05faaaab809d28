"""Veldnet: a self-hosted LoRaWAN operator's platform. See docs/architecture.md for the map of the house."""

__version__ = "0.1.0"
