"""Files that the programs on base stations are configured with, ready to copy."""

from .makers import kerlink_files
from .packet_forwarder import packet_forwarder_files
from .station_files import basics_station_files
from .through_mqtt import gateway_bridge_files, mqtt_forwarder_files, topic_prefix
from .wanted import CHIPS, Chip, ConfigurationFile, Wanted

__all__ = [
    "CHIPS",
    "Chip",
    "ConfigurationFile",
    "Wanted",
    "basics_station_files",
    "gateway_bridge_files",
    "kerlink_files",
    "mqtt_forwarder_files",
    "packet_forwarder_files",
    "topic_prefix",
]
