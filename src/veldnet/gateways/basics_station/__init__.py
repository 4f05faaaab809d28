"""LoRa Basics Station: the LNS protocol over WebSocket, and CUPS over HTTP (lora-developers.semtech.com)."""

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
from .server import BasicsStationServer, LnsOptions
from .tls import StationCertificate, TlsFiles

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
