"""Requests that have no handler."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus


class HttpProblem(Exception):
    """A request that is answered with a status, headers, and a sentence or else the name of the status."""

    def __init__(self, status: int, detail: str = "", headers: Mapping[str, str] | None = None) -> None:
        self.status = status
        self.detail = detail or HTTPStatus(status).phrase
        self.headers = dict(headers or {})
        super().__init__(self.detail)


class NotFound(HttpProblem):
    """There is nothing at the path."""

    def __init__(self) -> None:
        super().__init__(404)


class MethodNotAllowed(HttpProblem):
    """What is at the path has other methods: those of `allow`."""

    def __init__(self, allow: str) -> None:
        super().__init__(405, headers={"allow": allow})
