"""Devices: their life from creation to deletion, checks, search and personalisation."""
