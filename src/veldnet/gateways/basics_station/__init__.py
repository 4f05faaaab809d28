"""LoRa Basics Station: the LNS protocol over WebSocket, and CUPS over HTTP (lora-developers.semtech.com)."""

from typing import TYPE_CHECKING, Any

from .authentication import Proof
from .cups import Asked, CupsOptions, CupsServer, UpdateDesk
from .cups_messages import (
    NO_CREDENTIALS,
    Credentials,
    Report,
    Segments,
    Update,
    fits,
    signature_segment,
    token_proof,
)
from .tls import StationCertificate, TlsFiles

if TYPE_CHECKING:
    from .server import BasicsStationServer, LnsOptions

__all__ = [
    "NO_CREDENTIALS",
    "Asked",
    "BasicsStationServer",
    "Credentials",
    "CupsOptions",
    "CupsServer",
    "LnsOptions",
    "Proof",
    "Report",
    "Segments",
    "StationCertificate",
    "TlsFiles",
    "Update",
    "UpdateDesk",
    "fits",
    "signature_segment",
    "token_proof",
]


def __getattr__(name: str) -> Any:
    """What speaks WebSocket is loaded where it is served."""
    if name not in ("BasicsStationServer", "LnsOptions"):
        raise AttributeError(f"module {__name__} has no attribute {name}")
    from . import server

    return getattr(server, name)
