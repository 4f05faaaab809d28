"""Connections to addresses that customers chose: application servers, webhooks, brokers, trials.

`addresses` parses an address once, for its check and for its use. `networks` says which IP addresses are
public; `resolver` finds those of a name and lets only allowed ones pass. What connects (`client` for HTTP,
`mqtt`) connects to exactly these, with the certificate checked for the name (`tls`). `answers` reads what
comes back, without I/O and within bounds; `keeping` makes a connection again and again.
"""

from .addresses import Address, AddressRefused, check_reachable, masked, parse_address, parse_broker
from .client import Answer, HttpClient, RequestFailed
from .failures import text_of
from .keeping import ConnectionFailed, Pauses, keep, words_of
from .mqtt import FewerAtOnce, MqttClient, MqttMessage, MqttOptions, TooLong
from .networks import is_public
from .resolver import NameNotFound, Resolver
from .tls import NamedContext, client_context

__all__ = [
    "Address",
    "AddressRefused",
    "Answer",
    "ConnectionFailed",
    "FewerAtOnce",
    "HttpClient",
    "MqttClient",
    "MqttMessage",
    "MqttOptions",
    "NameNotFound",
    "NamedContext",
    "Pauses",
    "RequestFailed",
    "Resolver",
    "TooLong",
    "check_reachable",
    "client_context",
    "is_public",
    "keep",
    "masked",
    "parse_address",
    "parse_broker",
    "text_of",
    "words_of",
]
