"""Somebody at the console, as the browser speaks for them: a session's cookie and the page's own token."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.customers import Server

JSON = {"content-type": "application/json"}


class Person:
    """Signed in. `customer` is whom an operator's user works for."""

    def __init__(self, server: Server, username: str, password: str, customer: str = "") -> None:
        self.http = server.connect()
        self.customer = customer
        answer = self.http.post("/api/v1/session", json={"username": username, "password": password})
        assert answer.status_code == 200, answer.text
        self.signed_in: dict[str, Any] = answer.json()
        self.csrf = self.signed_in["csrfToken"]

    def headers(self, method: str) -> dict[str, str]:
        found = {"x-subscriber": self.customer} if self.customer else {}
        return found if method == "GET" else found | {"x-csrf-token": self.csrf}

    def request(self, method: str, path: str, body: Any = None, **arguments: Any) -> httpx.Response:
        headers = self.headers(method) | arguments.pop("headers", {})
        return self.http.request(method, path, json=body, headers=headers, **arguments)

    def call(self, method: str, path: str, body: Any = None, **arguments: Any) -> Any:
        answer = self.request(method, path, body, **arguments)
        assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text}"
        is_json = answer.headers.get("content-type", "").startswith("application/json")
        return answer.json() if answer.content and is_json else answer.text

    @contextmanager
    def live(self, path: str = "/api/v1/frames/live") -> Iterator[Iterator[tuple[str, Any]]]:
        """Events of a stream, begun when this returns."""
        with self.http.stream("GET", path, headers=self.headers("GET")) as answer:
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/event-stream")
            events = _events(answer.iter_lines())
            assert next(events) == ("ready", {})
            yield events


def _events(lines: Iterator[str]) -> Iterator[tuple[str, Any]]:
    event = ""
    end = time.monotonic() + 40
    for line in lines:
        # Keep-alives never end.
        assert time.monotonic() < end, "what was waited for did not come"
        if line.startswith("event: "):
            event = line[7:]
        elif line.startswith("data: "):
            yield event, json.loads(line[6:])
