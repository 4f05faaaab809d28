"""Statistics: of a device from its frame rows, of fleets, plans and base stations from hourly totals."""

__all__ = [
    "frame_statistics",
    "recompute",
    "rollups",
    "totals",
]
