"""Keys of devices at rest: wrapped keys, exchange keys of HSM groups, moves between groups."""
