"""Until when a downlink is wanted."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import UNSET, UnsetType

from veldnet.domain.errors import InvalidField

_MOST = 31_536_000


def expiry(seconds: int | UnsetType, moment: str | UnsetType, now: float) -> float | None:
    """Unix seconds, of `validity` (seconds) or `validityTime` (as ThingPark takes it: seconds, or a time).
    Raises `InvalidField`."""
    if moment is not UNSET:
        if seconds is not UNSET:
            raise InvalidField("validity and validityTime are the same; give one")
        return _moment(moment, now)
    if seconds is UNSET:
        return None
    if not 1 <= seconds <= _MOST:
        raise InvalidField("validity must be seconds from 1 to 31536000")
    return now + seconds


def _moment(text: str, now: float) -> float:
    given = text[:40]
    if text.isascii() and text.isdigit():
        expires_at = now + int(text[:12])
    else:
        try:
            # A + in a query arrives as a blank.
            moment = datetime.fromisoformat(text.replace(" ", "+"))
        except ValueError:
            raise InvalidField(
                "validityTime {value!r} must be seconds, or a time such as 2026-01-31T12:00:00Z", value=given
            ) from None
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        expires_at = moment.timestamp()
    if not now < expires_at <= now + _MOST:
        raise InvalidField("validityTime {value!r} must be later than now, by a year at most", value=given)
    return expires_at
