"""Keys of devices at rest: wrapped keys, exchange keys of HSM groups, moves between groups."""

__all__ = [
    "exchange_keys",
    "group_moves",
    "wrapped_keys",
]
