"""Statistics: of a device from its frame rows, of fleets, plans and base stations from hourly totals."""
