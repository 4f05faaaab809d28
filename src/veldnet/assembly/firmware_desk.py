"""Which base station is handed out firmware when it asks, and how that ends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial

import msgspec
import structlog
from sqlalchemy import Connection

from veldnet.gateways.basics_station import Report, Update, signature_segment
from veldnet.inventory import base_stations
from veldnet.inventory.base_stations import Offered, Wanted
from veldnet.store import Store

log = structlog.get_logger(__name__)

# Milliseconds that a station has to run an update before it is given it again.
RUNNING = 600_000


class Judged(msgspec.Struct, frozen=True):
    """What a station gets: `attempt` is the order that is handed out, `done` those that it has carried out,
    `failed` the one that is given up."""

    signature: bytes = b""
    update: Update | None = None
    attempt: int | None = None
    done: list[int] = []
    failed: int | None = None

    def note(self, connection: Connection, now: int) -> None:
        """Write down what is not done yet; `done` is noted with other orders."""
        if self.attempt is not None:
            base_stations.note_attempt(connection, self.attempt)
        if self.failed is not None:
            base_stations.note_failed(connection, self.failed, now)


class FirmwareDesk:
    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock

    async def judge(self, report: Report, order: Wanted | None, now: int, *, holds: bool) -> Judged:
        """What a station gets that reports this; with `holds` it is asked to come back first. Firmware that
        was confirmed once is never handed out again: the station may have newer one by now."""
        if order is None or order.confirmed or order.firmware_ref is None:
            return Judged()
        if _has(report, order.value):
            return Judged(done=[order.ref])
        running = order.fetched_at is not None and now - order.fetched_at < RUNNING
        if order.failed or running or holds:
            return Judged()
        if order.attempts >= base_stations.MOST_ATTEMPTS:
            log.warning("firmware_failed", version=order.value, attempts=order.attempts)
            return Judged(failed=order.ref)
        firmware_ref = order.firmware_ref
        firmware = await self._store.read(lambda c: base_stations.offered(c, firmware_ref))
        if firmware is None or firmware.model != report.model:
            return Judged()
        key = next((key for key in report.keys if key in firmware.signatures), None)
        if key is None:
            return Judged()
        update = Update(firmware.size, partial(self._parts, firmware), partial(self._taken, order.ref))
        return Judged(signature_segment(key, firmware.signatures[key]), update, order.ref)

    async def _parts(self, firmware: Offered) -> AsyncIterator[bytes]:
        left, number = firmware.size, 0
        while left > 0:
            found = await self._store.read(partial(base_stations.part, ref=firmware.ref, number=number))
            if found is None:
                # Removed meanwhile: the station drops what is not whole.
                raise ConnectionAbortedError(f"firmware {firmware.version} is gone")
            yield found
            left -= len(found)
            number += 1

    async def _taken(self, order: int) -> None:
        at = round(self._clock() * 1000)
        await self._store.write(lambda c: base_stations.note_taken(c, order, at))


def _has(report: Report, version: str) -> bool:
    """Whether a station reports a version: as its package, or as its own where it has no package."""
    if report.package is not None:
        return report.package.strip() == version
    return report.station is not None and report.station.split("(")[0].split(" ")[0] == version
