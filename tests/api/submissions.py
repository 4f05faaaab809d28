"""What campaigns submit, and what they have the database do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

from tests.api.hosting import HostedServer
from veldnet.lorawan import DevEui
from veldnet.network.core import DownlinkRequest, SubmissionRefusal


class Submissions:
    """Takes what the campaigns submit instead of the network, and refuses it with a code."""

    def __init__(self, server: HostedServer) -> None:
        self.sent: list[tuple[DevEui, DownlinkRequest]] = []
        self.answer: SubmissionRefusal | Exception | None = None
        self.faults: dict[DevEui, Exception] = {}
        self.campaigns = server.platform.campaigns

    async def __call__(self, dev_eui: DevEui, request: DownlinkRequest) -> SubmissionRefusal | None:
        self.sent.append((dev_eui, request))
        if dev_eui in self.faults:
            raise self.faults[dev_eui]
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@contextmanager
def statements() -> Iterator[list[str]]:
    """What is executed meanwhile; many rows of one statement count once."""
    executed: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        executed.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield executed
    finally:
        event.remove(Engine, "before_cursor_execute", note)
