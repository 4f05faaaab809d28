"""Application servers: tunnel messages, signing, delivery and its ledger; downlink submissions.

`messages` and `encoding` make what ThingPark sends, `tokens` signs it, `table` holds the routing profiles.
`delivery` takes part in the commits and runs the `queues`; `held` keeps a bounded part of them in memory,
`flow` says how many run at once, `attempts` sends one message through `sending` and the `transports`,
`outbox` holds what is to be written about them. `downlinks` takes what application servers submit.
"""

from .attempts import RouteTrial
from .connections import (
    TRANSPORTS,
    Decoding,
    FlowMessages,
    FlowTable,
    NotNow,
    OpenConnections,
)
from .connections.dialects import DIALECTS, Answer, BadDownlink, Instruction
from .delivery import Deliveries, Messaging
from .delivery_queue import Limits, Retry
from .downlinks import Submit, submit_query
from .ledger import FlowNote
from .messages import MessageWriter, Position, Positions
from .oldest import Whose
from .outbox import DeliveryResult
from .processes import ProcessPlan, serve_deliveries
from .sending import RouteSender
from .table import Profile, Route, RoutingTable
from .transports import Attempt, Sender, TransportSettings
from .undelivered import (
    PENDING,
    UNDELIVERED,
    Undelivered,
    UndeliveredQuery,
    count_undelivered,
    deliver_again,
    list_undelivered,
)
from .waiting import WaitingDestination, count_messages, waiting_destinations
from .webhook import post_signed

__all__ = [
    "DIALECTS",
    "PENDING",
    "TRANSPORTS",
    "UNDELIVERED",
    "Answer",
    "Attempt",
    "BadDownlink",
    "Decoding",
    "Deliveries",
    "DeliveryResult",
    "FlowMessages",
    "FlowNote",
    "FlowTable",
    "Instruction",
    "Limits",
    "MessageWriter",
    "Messaging",
    "NotNow",
    "OpenConnections",
    "Position",
    "Positions",
    "ProcessPlan",
    "Profile",
    "Retry",
    "Route",
    "RouteSender",
    "RouteTrial",
    "RoutingTable",
    "Sender",
    "Submit",
    "TransportSettings",
    "Undelivered",
    "UndeliveredQuery",
    "WaitingDestination",
    "Whose",
    "count_messages",
    "count_undelivered",
    "deliver_again",
    "ledger",
    "list_undelivered",
    "post_signed",
    "serve_deliveries",
    "submit_query",
    "waiting_destinations",
]
