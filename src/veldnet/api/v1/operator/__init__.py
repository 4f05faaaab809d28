"""The operator's desk: its people, customers, offers, base stations, and what goes on in its network."""

from . import base_stations, customers, offers, oversight

HANDLERS = (*customers.HANDLERS, *offers.HANDLERS, *base_stations.HANDLERS, *oversight.HANDLERS)
