"""An authenticator app: codes by time (RFC 6238), computed here from the RFC and not by the server's code."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
from typing import Any, Protocol


def code_at(secret: str, seconds: float, digits: int = 6) -> str:
    """The code that an authenticator with this secret (base 32) shows at a Unix time."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    mac = hmac.new(key, struct.pack(">Q", int(seconds) // 30), hashlib.sha1).digest()
    offset = mac[-1] & 15
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**digits:0{digits}}"


class Caller(Protocol):
    """A person, or the page of one."""

    def call(self, method: str, path: str, body: Any = None) -> Any: ...


class Enrolled:
    """A person's second factor, set up over the API. `now` is the server's clock."""

    def __init__(self, person: Caller, password: str, now: float) -> None:
        made: dict[str, Any] = person.call("POST", "/api/v1/secondFactor/enrolment", {"password": password})
        self.secret: str = made["secret"]
        self.uri: str = made["uri"]
        confirmed = person.call("PUT", "/api/v1/secondFactor", {"code": self.code(now)})
        self.recovery: list[str] = confirmed["recoveryCodes"]

    def code(self, now: float) -> str:
        return code_at(self.secret, now)
