"""Operator functions: users, customers, offers, base stations and network state."""
