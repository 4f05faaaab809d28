"""One process put together: base stations, network server, routing and monitoring."""

__all__ = [
    "campaigning",
    "certificate",
    "certificate_authority",
    "clustering",
    "data_directory",
    "fleets",
    "inspection",
    "listening",
    "lone_connection",
    "monitoring",
    "multicast",
    "network_settings",
    "platform",
    "redelivery",
    "remote_operation",
    "sights",
    "station_configuration",
    "station_desk",
    "vaults",
    "virtual_world",
]
