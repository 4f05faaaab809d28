"""Virtual devices, base stations, radio and application server, over the real protocols or in one process."""

__all__ = [
    "air",
    "application_server",
    "backhaul",
    "base_station",
    "basics_station_link",
    "customer",
    "device",
    "fine_clock",
    "gateway_wire",
    "life",
    "mqtt_forwarder",
    "permanent_memory",
    "propagation",
    "sensors",
    "town",
    "udp_link",
    "virtual_time",
]
