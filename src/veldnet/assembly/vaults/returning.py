"""What a node that has started without its default vault takes up when that returns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from veldnet.assembly.platform import Platform

log = structlog.get_logger(__name__)


class ReturningVault:
    """The default vault opens keys and passwords of deliveries when they are loaded: those that it could not
    open at the start of this process are loaded again."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._away = platform.vault.of("").problem is not None

    async def look(self) -> None:
        """Raises `StoreError`."""
        platform = self._platform
        if not self._away or platform.vault.of("").problem is not None:
            return
        await platform.table.reload_damaged()
        for ref, connection in list(platform.connecting.table.connections.items()):
            if connection.problem is not None:
                await platform.connecting.connection_changed(ref)
        self._away = False
        log.info("vault_returned")
