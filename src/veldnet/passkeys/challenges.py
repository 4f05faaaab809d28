"""Challenges: each is for one purpose and one browser or session, is taken once, and expires.

The browser carries its own challenge, sealed, so that people who never finish cost no memory. Those that
were taken are remembered until they expire."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable

import msgspec
from cryptography.fernet import Fernet, InvalidToken

from .answers import PasskeyProblem

SECONDS = 300
# Taken ones that are remembered; more in five minutes are refused.
_MOST = 50_000


class _Ticket(msgspec.Struct, frozen=True, array_like=True):
    """What the browser carries."""

    purpose: str
    holder: bytes
    challenge: bytes
    expires: float


class Challenges:
    """Makes challenges and takes them back. With a `key` of 32 octets any node that has it can take them,
    else a restart ends those that are out."""

    def __init__(self, clock: Callable[[], float], key: bytes | None = None) -> None:
        self._clock = clock
        self._seal = Fernet(Fernet.generate_key() if key is None else base64.urlsafe_b64encode(key))
        self._taken: OrderedDict[bytes, float] = OrderedDict()
        # Called with the digest of one that was taken, and when it expires.
        self.on_taken: Callable[[bytes, float], None] = lambda _digest, _expires: None

    def new(self, purpose: str, holder: bytes = b"") -> tuple[bytes, str]:
        """A challenge, and the ticket that the browser brings back with its answer."""
        challenge = secrets.token_bytes(32)
        ticket = _Ticket(purpose, holder, challenge, self._clock() + SECONDS)
        return challenge, self._seal.encrypt(msgspec.msgpack.encode(ticket)).decode()

    def take(self, text: str, purpose: str, holder: bytes = b"") -> bytes:
        """The challenge of a ticket, which is good for nothing afterwards. Raises `PasskeyProblem`."""
        try:
            ticket = msgspec.msgpack.decode(self._seal.decrypt(text.encode()), type=_Ticket)
        except (InvalidToken, msgspec.DecodeError, UnicodeEncodeError):
            raise PasskeyProblem("challenge", "no challenge was asked for in this browser") from None
        now = self._clock()
        while self._taken and next(iter(self._taken.values())) <= now:
            self._taken.popitem(last=False)
        if ticket.purpose != purpose or not hmac.compare_digest(ticket.holder, holder):
            raise PasskeyProblem("challenge", f"the challenge was for {ticket.purpose}, or another session")
        digest = hashlib.sha256(ticket.challenge).digest()
        if ticket.expires <= now or digest in self._taken or len(self._taken) >= _MOST:
            raise PasskeyProblem("challenge", "the challenge has expired or was used")
        self._taken[digest] = ticket.expires
        self.on_taken(digest, ticket.expires)
        return ticket.challenge

    def taken_elsewhere(self, digest: bytes, expires: float) -> None:
        """Another node has taken one."""
        if self._clock() < expires <= self._clock() + SECONDS and len(self._taken) < _MOST:
            self._taken.setdefault(digest, expires)
