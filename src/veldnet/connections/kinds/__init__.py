"""The types of connection: one file and one line each."""

from collections.abc import Mapping
from importlib import import_module

from veldnet.connections.kind import Kind

# In the order in which they are offered; of types whose addresses begin alike the first one is meant where
# none is named.
_FILES = (
    "mqtt",
    "http",
    "nats",
    "amqp",
    "amqp1",
    "kafka",
    "postgresql",
    "influxdb",
)


def _kind(file: str) -> Kind:
    found: Kind = import_module(f"{__name__}.{file}").KIND
    return found


KINDS: Mapping[str, Kind] = {kind.type: kind for kind in map(_kind, _FILES)}

__all__ = ["KINDS"]
