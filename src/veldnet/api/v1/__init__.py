"""Veldnet's own API: what KPN's has no word for."""
