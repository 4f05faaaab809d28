"""Connections to applications: what each type has in its form, where it may lead, how it carries messages.

`kinds` has a file for each type, entered by its name. `kind` is what such a file says of its type, `fields`
are those that several types have. `kept` holds a connection to a server; `model` and `interface` are what
goes over it.
"""

from .answers import address_refused, described, refusal_of, seconds_of
from .interface import ACTIVE, ERROR, WAITING, Condition, ConnectionTransport, MakeTransport, Surroundings
from .kind import MEMBERS, SECRETS, Field, FieldType, Kind, Option, Preset, Shown, kind_of
from .kinds import KINDS
from .model import Connection, Incoming, Outcome, Outgoing

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
    "Incoming",
    "Kind",
    "MakeTransport",
    "Option",
    "Outcome",
    "Outgoing",
    "Preset",
    "Shown",
    "Surroundings",
    "address_refused",
    "described",
    "kind_of",
    "refusal_of",
    "seconds_of",
]
