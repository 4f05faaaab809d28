"""ChirpStack's MQTT gateways: base stations whose gateway bridge or MQTT forwarder publishes to a broker."""

from .broker import BadAddress, BrokerOptions, parse_address
from .probe import broker_problem
from .server import ChirpStackMqtt, MqttOptions
from .topics import filters, is_prefix

__all__ = [
    "BadAddress",
    "BrokerOptions",
    "ChirpStackMqtt",
    "MqttOptions",
    "broker_problem",
    "filters",
    "is_prefix",
    "parse_address",
]
