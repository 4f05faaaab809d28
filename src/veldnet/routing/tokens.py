"""Tokens that sign tunnel requests: SHA-256 over what is sent, decoded, and the shared AS key.

Uplinks: body elements, query without token, key (reference: ThingPark tunnel interface). Downlinks: the query
as received without its Token, decoded, and the key.
"""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import unquote


def uplink_token(body_elements: str, query: str, as_key: str) -> str:
    """Token of a message to an application server; `query` is decoded, `as_key` is used in lower case."""
    return hashlib.sha256(f"{body_elements}{query}{as_key.lower()}".encode()).hexdigest()


def downlink_token_input(raw_query: str) -> str:
    """What an application server has hashed: its query in the order received, without the Token pair."""
    pairs = [pair for pair in raw_query.split("&") if pair.split("=", 1)[0] != "Token"]
    return unquote("&".join(pairs))


def downlink_token_fits(raw_query: str, token: str, as_key: str) -> bool:
    """Whether a downlink was signed with a key, in lower case or as its owner typed it."""
    signed = downlink_token_input(raw_query)
    fits = False
    for key in (as_key.lower(), as_key):
        expected = hashlib.sha256(f"{signed}{key}".encode()).hexdigest()
        fits |= hmac.compare_digest(expected, token.lower())
    return fits
