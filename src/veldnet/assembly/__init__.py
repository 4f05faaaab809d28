"""One process put together: base stations, network server, routing and monitoring."""

__all__ = [
    "certificate",
    "data_directory",
    "inspection",
    "listening",
    "network_settings",
    "platform",
    "station_configuration",
    "update_desk",
    "vaults",
    "virtual_world",
]
