"""The operator's desk: its people, customers, offers, base stations, and what goes on in its network."""
