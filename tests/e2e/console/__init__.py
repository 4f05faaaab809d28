"""The console in a real browser against the real server, with devices on the air: the main path of each
screen, its accessibility, and what happens when things go wrong."""
