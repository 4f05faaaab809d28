"""Statements that go to the server in one piece and come back as one answer.

The driver's own pipeline makes a cursor's work of each statement, which for a commit of a frame or two costs
more than anything else about it. This one speaks to libpq."""

from __future__ import annotations

import select
from collections.abc import Sequence
from typing import Any, Protocol

from psycopg import Connection, OperationalError
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGconn, PGresult

_TEXT, _BINARY = 0, 1


class Encoded(Protocol):
    """A value in the binary form of a type."""

    @property
    def data(self) -> bytes: ...

    @property
    def oid(self) -> int: ...


Value = Encoded | int | str | None


def _numbered(statement: str) -> bytes:
    """With values as the server has them, where the driver's statements have `%s`."""
    first, *others = statement.split("%s")
    return (first + "".join(f"${number}{part}" for number, part in enumerate(others, 1))).encode()


class Pipeline:
    """Of a connection, which nobody else uses between the first `execute` and `finish`. Each statement is
    prepared once; where anything fails, the connection is good for nothing more."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._pg: PGconn = connection.pgconn
        self._names: dict[str, bytes] = {}
        self._begun = False
        self._poll = select.poll()
        self._fileno = connection.fileno()
        self._poll.register(self._fileno, select.POLLIN)

    def execute(self, statement: str, values: Sequence[Value] = ()) -> None:
        """Have a statement done; values that are not encoded are given in words, so their types must follow
        from the statement."""
        pg = self._pg
        if not self._begun:
            pg.enter_pipeline_mode()
            self._begun = True
        parameters: list[bytes | None] = []
        formats, types = [], []
        for value in values:
            if value is None or isinstance(value, int | str):
                parameters.append(None if value is None else str(value).encode())
                formats.append(_TEXT)
                types.append(0)
            else:
                parameters.append(value.data)
                formats.append(_BINARY)
                types.append(value.oid)
        name = self._names.get(statement)
        if name is None:
            name = self._names[statement] = b"veldnet_%d" % len(self._names)
            pg.send_prepare(name, _numbered(statement), types)
        pg.send_query_prepared(name, parameters, formats)

    def finish(self) -> None:
        """Wait until all is done. Raises the driver's error of what failed first."""
        pg, failed = self._pg, None
        pg.pipeline_sync()
        try:
            self._send()
            while (result := self._result()) is None or result.status != ExecStatus.PIPELINE_SYNC:
                if failed is None and result is not None and result.status == ExecStatus.FATAL_ERROR:
                    failed = result
        except OperationalError:
            # What the server said before it hung up says more.
            if failed is None:
                raise
        if failed is not None:
            raise error_from_result(failed)
        pg.exit_pipeline_mode()
        self._begun = False

    def _send(self) -> None:
        """Hand over all, and take what comes meanwhile: the server stops reading when nobody takes its
        answers."""
        pg = self._pg
        while pg.flush():
            self._poll.modify(self._fileno, select.POLLIN | select.POLLOUT)
            try:
                events = self._poll.poll()
            finally:
                self._poll.modify(self._fileno, select.POLLIN)
            if any(event & ~select.POLLOUT for _fileno, event in events):
                pg.consume_input()

    def _result(self) -> PGresult | None:
        """The next result; None where those of a statement end."""
        pg = self._pg
        while pg.is_busy():
            self._poll.poll()
            pg.consume_input()
        result = pg.get_result()
        if result is None and pg.status != ConnStatus.OK:
            raise OperationalError(pg.get_error_message())
        return result
