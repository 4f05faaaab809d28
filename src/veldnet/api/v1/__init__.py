"""Veldnet's own API: everything KPN's API does not offer."""
