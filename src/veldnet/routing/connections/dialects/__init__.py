"""What records are called and look like in the tools of applications: one pure module for each dialect.

A dialect makes events of a record, puts what a decoder has read into their documents, and reads downlinks.
"""

from collections.abc import Mapping

from veldnet.domain.flows import Dialect as Name

from .chirpstack import ChirpStack
from .interface import Answer, BadDownlink, Dialect, Facts, Instruction
from .the_things_stack import TheThingsStack
from .thingpark import ThingPark

DIALECTS: Mapping[Name, Dialect] = {
    "THINGPARK": ThingPark(),
    "CHIRPSTACK": ChirpStack(),
    "THE_THINGS_STACK": TheThingsStack(),
}

__all__ = ["DIALECTS", "Answer", "BadDownlink", "Dialect", "Facts", "Instruction"]
