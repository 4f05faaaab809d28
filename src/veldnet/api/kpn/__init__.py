"""KPN's LoRa Device Management API, and the same operations on the paths of ThingPark DX Core."""
