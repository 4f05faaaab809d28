"""Parts of the platform as the settings want them."""

from __future__ import annotations

import resource
import time

from veldnet.decoders import DecoderPool, Limits
from veldnet.routing import Limits as DeliveryLimits
from veldnet.routing import RouteSender, TransportSettings
from veldnet.settings import ConsoleSettings, RoutingSettings


def route_sender(settings: RoutingSettings) -> RouteSender:
    return RouteSender(transport_settings(settings), clock=time.monotonic)


def transport_settings(settings: RoutingSettings) -> TransportSettings:
    return TransportSettings(
        settings.allow_private_destinations, float(settings.connect_timeout), float(settings.total_timeout)
    )


def delivery_limits(settings: RoutingSettings) -> DeliveryLimits:
    return DeliveryLimits(
        float(settings.retention),
        settings.messages_in_memory,
        settings.connections_per_destination,
        min(settings.connections, _descriptors_for_delivery()),
    )


def _descriptors_for_delivery() -> int:
    """Half of the files that this process may open: the rest is for base stations, the API and the store."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1 << 30 if soft == resource.RLIM_INFINITY else max(soft // 2, 16)


def decoder_pool(console: ConsoleSettings) -> DecoderPool:
    return DecoderPool(
        Limits(
            float(console.decoder_time),
            console.decoder_memory,
            console.decoder_workers,
            console.decoder_queue,
        )
    )
