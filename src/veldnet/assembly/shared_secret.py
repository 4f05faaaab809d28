"""A secret that all nodes of an installation have: what one seals into a browser, another can open."""

from __future__ import annotations

import secrets

import structlog
from sqlalchemy import Connection

from veldnet.keys import VaultError, Vaults, labels
from veldnet.store import Store, read_property, write_property

log = structlog.get_logger(__name__)

_PROPERTY = "shared_secret"
_OCTETS = 32


async def shared_secret(store: Store, vault: Vaults) -> bytes:
    """Made by the node that asks first. It is kept as the default vault seals it; a node
    that cannot open it has one of its own, and its browsers must come back to it."""
    try:
        while True:
            kept = await store.read(lambda connection: read_property(connection, _PROPERTY))
            if kept is not None:
                return await vault.unseal(labels.SHARED_SECRET, bytes.fromhex(kept))
            sealed = await vault.seal(labels.SHARED_SECRET, secrets.token_bytes(_OCTETS))

            def keep(connection: Connection, made: str = sealed.hex()) -> None:
                if read_property(connection, _PROPERTY) is None:
                    write_property(connection, _PROPERTY, made)

            await store.write(keep)
    except VaultError as error:
        log.warning("shared_secret_not_opened", error=str(error))
        return secrets.token_bytes(_OCTETS)
