"""Settings of the delivery to application servers."""

from __future__ import annotations

from typing import Annotated

import msgspec

from .values import Duration, about


class RoutingSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Application servers."""

    allow_private_destinations: Annotated[
        bool, about("Whether messages may be sent to private addresses, such as localhost.")
    ] = False
    retention: Annotated[
        Duration,
        about("How long an unanswered message is retried; 0 disables retries, as ThingPark does."),
    ] = Duration(86_400)
    first_retry: Annotated[
        Duration, about("Delay before the second attempt; doubles with each further attempt.")
    ] = Duration(1)
    longest_retry: Annotated[Duration, about("Maximum delay between two attempts.")] = Duration(300)
    connect_timeout: Annotated[Duration, about("Connect timeout.")] = Duration(5)
    total_timeout: Annotated[Duration, about("Response timeout.")] = Duration(10)
    connections_per_destination: Annotated[
        int,
        about(
            "Maximum parallel requests to one destination; the actual number adapts to its response times.",
            ge=1,
        ),
    ] = 256
    connections: Annotated[int, about("Maximum parallel requests to all destinations.", ge=1, le=100_000)] = (
        2048
    )
    max_refusals: Annotated[
        int,
        about(
            "How often a message may be refused (for example with 500) before it is set aside as "
            "undelivered, if the same application server accepts others.",
            ge=1,
            le=1000,
        ),
    ] = 5
    messages_in_memory: Annotated[
        int, about("Maximum pending messages kept in memory; others stay in the store.", ge=100)
    ] = 20_000
    as_key_entropy: Annotated[
        float,
        about(
            "Minimum entropy of an asKey in bits per hexadecimal digit, from the digit frequencies: 0 for "
            "one repeated digit, 4 for sixteen equally frequent ones, about 3.5 for a random "
            "key. 0 accepts any key.",
            ge=0,
            le=4,
        ),
    ] = 2.0
    require_signed_downlinks: Annotated[
        bool,
        about("Refuse downlinks to devices whose routing has no AS key; ThingPark accepts them unsigned."),
    ] = False
