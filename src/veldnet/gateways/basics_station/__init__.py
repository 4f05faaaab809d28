"""LoRa Basics Station: the LNS protocol over WebSocket (lora-developers.semtech.com)."""

from .authentication import server_context
from .server import BasicsStationServer, LnsOptions

__all__ = ["BasicsStationServer", "LnsOptions", "server_context"]
