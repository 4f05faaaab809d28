"""Connections to applications: what each type has in its form, where it may lead, how it carries messages.

`kinds` has a file for each type, entered by its name. `kind` is what such a file says of its type, `fields`
are those that several types have. `kept` holds a connection to a server; `model` and `interface` are what
goes over it.
"""

from .answers import address_refused
from .interface import ACTIVE, ERROR, WAITING, Condition, ConnectionTransport, MakeTransport, Surroundings
from .kind import MEMBERS, SECRETS, Field, FieldType, Kind, Option, Preset, Shown, kind_of
from .kinds import KINDS
from .model import Connection, Incoming, Outcome, Outgoing
from .sending import HttpSender, Request

__all__ = [
    "ACTIVE",
    "ERROR",
    "KINDS",
    "MEMBERS",
    "SECRETS",
    "WAITING",
    "Condition",
    "Connection",
    "ConnectionTransport",
    "Field",
    "FieldType",
    "HttpSender",
    "Incoming",
    "Kind",
    "MakeTransport",
    "Option",
    "Outcome",
    "Outgoing",
    "Preset",
    "Request",
    "Shown",
    "Surroundings",
    "address_refused",
    "kind_of",
]
