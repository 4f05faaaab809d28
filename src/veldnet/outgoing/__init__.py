"""HTTP requests to addresses that customers chose: application servers, webhooks, trials.

`addresses` parses an address once, for its check and for its use. `networks` says which IP addresses are
public; `resolver` finds those of a name and lets only allowed ones pass, and `client` connects to exactly
these. `answers` reads what comes back, without I/O and within bounds.
"""

from .addresses import Address, AddressRefused, check_reachable, masked, parse_address, parse_broker
from .client import Answer, HttpClient, RequestFailed
from .networks import is_public
from .resolver import NameNotFound, Resolver

__all__ = [
    "Address",
    "AddressRefused",
    "Answer",
    "HttpClient",
    "NameNotFound",
    "RequestFailed",
    "Resolver",
    "check_reachable",
    "is_public",
    "masked",
    "parse_address",
    "parse_broker",
]
