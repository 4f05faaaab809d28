"""Application servers: tunnel messages, signing, delivery and its ledger; downlink submissions.

`messages` and `encoding` make what ThingPark sends, `tokens` signs it, `delivery` carries it with `attempt`,
`table` holds the routing profiles, `downlinks` takes what application servers submit.
"""

from .attempt import HttpSender, Outcome, Sender
from .delivery import Deliveries, DeliveryResult, Retry, RouteTrial
from .destinations import DestinationRefused, check_literal
from .downlinks import Submit, submit_query
from .messages import MessageWriter, Position, Positions
from .table import Profile, Route, RoutingTable
from .undelivered import Undelivered, deliver_again, list_undelivered
from .webhook import post_signed

__all__ = [
    "Deliveries",
    "DeliveryResult",
    "DestinationRefused",
    "HttpSender",
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
    "check_literal",
    "deliver_again",
    "list_undelivered",
    "post_signed",
    "submit_query",
]
