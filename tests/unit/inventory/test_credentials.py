"""How the server hashes passwords; other tests do it with less work (tests/passwords.py)."""

from __future__ import annotations

from argon2 import extract_parameters

from tests.passwords import SERVERS_HASHER, SERVERS_NOBODY
from veldnet.inventory.accounts import credentials


def test_an_unknown_name_costs_what_a_known_one_does() -> None:
    known = extract_parameters(SERVERS_HASHER.hash("a password"))
    assert known == extract_parameters(SERVERS_NOBODY)
    # Of OWASP: Argon2id with 19 MiB, and two passes.
    assert (known.type.name, known.memory_cost, known.time_cost) == ("ID", 19 * 1024, 2)
    assert not credentials.password_fits(None, "a password")
