"""Authentication: issuing and checking tokens."""
