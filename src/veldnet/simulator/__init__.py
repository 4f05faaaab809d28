"""Virtual devices, base stations, radio and application server, over the real protocols or in one process."""
