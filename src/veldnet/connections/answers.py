"""What servers of HTTP mean with their answers."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime

from veldnet.outgoing import Answer
from veldnet.texts import Text

from .model import Outcome

# Answers of the 400s that speak of the moment, not of the message.
_NOT_NOW = (408, 425, 429)


def address_refused(words: str, url: str) -> Outcome:
    """An address that is never tried again."""
    return Outcome(False, "Error", words, url, refusal="never", reason="addressRefused")


def described(answer: Answer) -> str:
    status = answer.status
    if 300 <= status < 400:
        return Text("HTTP status {status} (a redirect, which is not followed)", status=status)
    return Text("HTTP status {status}", status=status)


def refusal_of(status: int) -> str:
    if status in _NOT_NOW:
        return "busy"
    return "never" if 400 <= status < 500 else "message"


def seconds_of(retry_after: str | None, now: float) -> float | None:
    """What `Retry-After` asks for: seconds, or a date."""
    if retry_after is None:
        return None
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(moment.timestamp() - now, 0.0)
