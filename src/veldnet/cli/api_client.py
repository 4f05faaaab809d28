"""The API of a running server, as commands use it: with a personal API key, over the standard library."""

from __future__ import annotations

import http.client
import json
import os
import re
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from veldnet.settings import API_KEY_VARIABLE

from .output import fail

# Seconds for an answer; a stream says something every fifteen.
_TIMEOUT = 60.0
_LONGEST_EVENT = 1_048_576


class Event(NamedTuple):
    """One of a stream of server-sent events."""

    name: str
    data: dict[str, Any]
    # Behind which a reader who comes again goes on.
    id: str = ""


class Lost(Exception):
    """A stream of events ended, or the server refuses it; the text says why."""


class ApiClient:
    """Requests to a server, such as `https://veldnet.example.org`; `authority` is a file with the authorities
    of its certificate, where they are not those of the system; `customer_id` is whom an operator's user
    works for."""

    def __init__(
        self,
        server: str,
        key: str,
        authority: Path | None,
        customer_id: str | None = None,
        timeout: float = _TIMEOUT,
    ) -> None:
        self._customer_id = customer_id
        self._timeout = timeout
        self._url = urlsplit(server)
        if self._url.scheme not in ("http", "https") or not self._url.hostname:
            fail(f"--server {server!r} must be an address such as https://veldnet.example.org")
        self._key = key
        self._context: ssl.SSLContext | None = None
        if self._url.scheme == "https":
            try:
                self._context = ssl.create_default_context(cafile=authority)
            except OSError as error:
                fail(f"--ca {authority} cannot be used: {error}")

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The answer's JSON, None without; ends the command with what the server refuses."""
        connection = self._connect()
        try:
            answer = self._send(connection, method, path, body)
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            fail(f"{self._url.geturl()} does not answer: {error}")
        finally:
            connection.close()
        return json.loads(text) if text else None

    def events(self, path: str) -> Iterator[Event]:
        """The events of a stream until it ends."""
        try:
            yield from self.follow(path)
        except Lost as error:
            fail(str(error))

    def follow(self, path: str, after: str = "") -> Iterator[Event]:
        """The same, behind an event. Raises `Lost`."""
        connection = self._connect()
        try:
            answer = self._asked(connection, "GET", path, None, after)
            if answer.status >= 300:
                raise Lost(_refusal(answer))
            name = identifier = ""
            while line := answer.readline(_LONGEST_EVENT):
                kind, _colon, value = line.decode().rstrip("\r\n").partition(": ")
                if kind == "event":
                    name = value
                elif kind == "id":
                    identifier = value
                elif kind == "data" and name:
                    yield Event(name, json.loads(value), identifier)
        except (OSError, http.client.HTTPException) as error:
            raise Lost(f"the connection to {self._url.geturl()} was lost: {error}") from None
        finally:
            connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._url.hostname or "", self._url.port
        if self._context is not None:
            return http.client.HTTPSConnection(host, port, timeout=self._timeout, context=self._context)
        return http.client.HTTPConnection(host, port, timeout=self._timeout)

    def _send(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: Any
    ) -> http.client.HTTPResponse:
        answer = self._asked(connection, method, path, body)
        if answer.status >= 300:
            fail(_refusal(answer))
        return answer

    def _asked(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: Any, after: str = ""
    ) -> http.client.HTTPResponse:
        headers = {"authorization": f"Bearer {self._key}", "content-type": "application/json"}
        if self._customer_id is not None:
            headers["x-subscriber"] = self._customer_id
        if after:
            headers["last-event-id"] = after
        text = None if body is None else json.dumps(body).encode()
        connection.request(method, self._url.path.rstrip("/") + path, text, headers)
        return connection.getresponse()


def _refusal(answer: http.client.HTTPResponse) -> str:
    text = answer.read(65_536)
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return f"the server answers {answer.status} {answer.reason}"


def read_key(file: Path | None) -> str:
    """The API key of a file, or of the environment."""
    if file is None:
        key = os.environ.get(API_KEY_VARIABLE, "")
    else:
        try:
            key = file.read_text()
        except (OSError, UnicodeDecodeError) as error:
            fail(f"--key-file {file} cannot be read: {error}")
    if not key.strip():
        fail(f"give an API key: --key-file FILE, or {API_KEY_VARIABLE} in the environment")
    if not re.fullmatch(r"[!-~]+", key.strip()):
        fail(f"the API key of {file or API_KEY_VARIABLE} is not one line of letters, digits and signs")
    return key.strip()
