"""One process put together: base stations, network server, routing and monitoring."""
