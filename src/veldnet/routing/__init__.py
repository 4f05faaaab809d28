"""Application servers: tunnel messages, signing, delivery and its ledger; downlink submissions.

`messages` and `encoding` make what ThingPark sends, `tokens` signs it, `table` holds the routing profiles.
`delivery` takes part in the commits and runs the `lanes`; `flow` says how many at once, `attempt` sends one
message, `outbox` holds what is to be written about them. `downlinks` takes what application servers submit.
"""

from .delivery import Deliveries, Limits, RouteTrial
from .downlinks import Submit, submit_query
from .lanes import Retry
from .messages import MessageWriter, Position, Positions
from .outbox import DeliveryResult
from .table import Profile, Route, RoutingTable
from .transports.http import HttpSender, Outcome, Sender
from .undelivered import PENDING, UNDELIVERED, Undelivered, deliver_again, list_undelivered
from .waiting import WaitingDestination, waiting_destinations
from .webhook import post_signed

__all__ = [
    "PENDING",
    "UNDELIVERED",
    "Deliveries",
    "DeliveryResult",
    "HttpSender",
    "Limits",
    "MessageWriter",
    "Outcome",
    "Position",
    "Positions",
    "Profile",
    "Retry",
    "Route",
    "RouteTrial",
    "RoutingTable",
    "Sender",
    "Submit",
    "Undelivered",
    "WaitingDestination",
    "deliver_again",
    "ledger",
    "list_undelivered",
    "post_signed",
    "submit_query",
    "waiting_destinations",
]
