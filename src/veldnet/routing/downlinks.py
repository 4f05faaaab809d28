"""Downlink submission of ThingPark's tunnel interface: read the query, check its signature, queue it.

Everything travels in the query string. The codes and texts are those of the interface, versions 1 and 2.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from urllib.parse import unquote

from veldnet.lorawan import DevEui, InvalidIdentifier
from veldnet.network.core import DownlinkRequest, SubmissionRefusal

from .table import Profile, Route
from .tokens import downlink_token_fits

_CORRELATION_ID = re.compile(r"[0-9A-Fa-f]{1,16}")
_TOKEN = re.compile(r"[0-9A-Fa-f]{64}")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})*")
_MAX_QUERY = 16_384
_MAX_COUNTER = 0xFFFFFFFF

# Queues a downlink; the network server does it.
Submit = Callable[[DevEui, DownlinkRequest], Awaitable[SubmissionRefusal | None]]


class Refused(Exception):
    """A submission that is refused before it reaches the network server."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.refusal = SubmissionRefusal(code, message)


def query_parameters(raw_query: str) -> dict[str, str]:
    """Decoded parameters; a `+` stays a plus sign, for that is what times contain."""
    parameters: dict[str, str] = {}
    for pair in raw_query[:_MAX_QUERY].split("&"):
        name, _equals, value = pair.partition("=")
        if name:
            parameters.setdefault(unquote(name), unquote(value))
    return parameters


_FLAGS = {"0": False, "false": False, "1": True, "true": True}


def parse_dev_eui(parameters: dict[str, str]) -> DevEui:
    """The device a submission is for. Raises `Refused`."""
    try:
        return DevEui.parse(parameters.get("DevEUI", ""))
    except InvalidIdentifier:
        raise Refused(100, "Invalid DevEUI") from None


def parse_request(parameters: dict[str, str], now: float) -> DownlinkRequest:
    """Read and check the parameters that describe the downlink. Raises `Refused`."""
    flush = _flag(parameters, "FlushDownlinkQueue")
    payload_text = parameters.get("Payload")
    payload = None
    if payload_text:
        if len(payload_text) > 500 or not _HEX.fullmatch(payload_text):
            raise Refused(113, "Payload too big or invalid size")
        payload = bytes.fromhex(payload_text)
    elif not flush:
        raise Refused(118, "Invalid payload. Must not be empty")
    correlation_id = parameters.get("CorrelationID")
    if correlation_id is not None and not _CORRELATION_ID.fullmatch(correlation_id):
        raise Refused(117, "Invalid CorrelationID. Must be a 64 bits hexadecimal value encoded as string")
    fport = None
    if payload is not None:
        fport = _number(parameters.get("FPort", ""), 104, "Invalid LoRa port", 225)
    counter = parameters.get("FCntDn") or parameters.get("AFCntDn")
    fcnt = None
    if counter:
        fcnt = _number(counter, 102, "Downlink counter value increment too large", _MAX_COUNTER)
    return DownlinkRequest(
        fport=fport,
        payload=payload,
        fcnt=fcnt,
        confirmed=_flag(parameters, "Confirmed"),
        flush=flush,
        expires_at=_validity(parameters.get("ValidityTime"), now),
        # Echoed as it was sent: servers compare text.
        correlation_id=correlation_id,
        priority=_number(parameters.get("Priority", "0"), 120, "Invalid Priority. Must be 0 to 255", 255),
        retry_ineligible=_flag(parameters, "RetryIneligibleGateways", "1"),
    )


def _flag(parameters: dict[str, str], name: str, absent: str = "0") -> bool:
    value = parameters.get(name) or absent
    if value.lower() not in _FLAGS:
        raise Refused(120, f"Invalid {name}. Must be 0 or 1")
    return _FLAGS[value.lower()]


def _number(text: str, code: int, message: str, highest: int) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 10 or int(text) > highest:
        raise Refused(code, message)
    return int(text)


def _validity(text: str | None, now: float) -> float | None:
    """A moment, or a number of seconds from now."""
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) <= 9:
        expires_at = now + int(text)
    else:
        try:
            expires_at = parse_time(text)
        except ValueError:
            raise Refused(112, "ValidityTime expired or invalid") from None
    if expires_at <= now:
        raise Refused(112, "ValidityTime expired or invalid")
    return expires_at


def parse_time(text: str) -> float:
    """Unix seconds of an ISO 8601 time; without an offset it is UTC. Raises `ValueError`."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()


def check_signature(
    profile: Profile | None, parameters: dict[str, str], raw_query: str, now: float, *, required: bool
) -> None:
    """Check who submits. Signing is mandatory where a route of the device has an AS id and key, and, with
    `required`, everywhere. Raises `Refused`."""
    signed = [route for route in profile.all_routes if route.signed] if profile is not None else []
    if not signed and not required:
        return
    as_id = parameters.get("AS_ID")
    if not as_id:
        raise Refused(105, "Security Check. AS_ID is mandatory")
    time_value, token = parameters.get("Time"), parameters.get("Token")
    if not time_value or not token:
        raise Refused(106, "Security Check. missing timestamp/token")
    matching = [route for route in signed if route.as_id == as_id]
    if not matching:
        raise Refused(107, "Security Check. bad AS_ID")
    if not _TOKEN.fullmatch(token):
        raise Refused(108, "Security Check. Server Decrypt Error")
    try:
        sent_at = parse_time(time_value)
    except ValueError:
        raise Refused(109, "Security Check. malformed ISO8601 time") from None
    _check_token(matching, raw_query, token, abs(now - sent_at))


def _check_token(matching: list[Route], raw_query: str, token: str, deviation: float) -> None:
    fitting = [
        route
        for route in matching
        if route.as_key is not None and downlink_token_fits(raw_query, token, route.as_key)
    ]
    if not fitting and any(route.damage for route in matching):
        raise Refused(108, "Security Check. Server Decrypt Error")
    if not fitting:
        raise Refused(111, "Security Check. bad token")
    # No limit where maxDeviation is absent or 0.
    if all(route.max_deviation and deviation > route.max_deviation for route in fitting):
        raise Refused(110, "Security Check. Invalid downlink frame timestamp")


async def submit_query(
    raw_query: str,
    *,
    profile_of: Callable[[DevEui], Awaitable[Profile | None]],
    submit: Submit,
    clock: Callable[[], float],
    signature_required: bool,
) -> SubmissionRefusal | None:
    """The whole way of a submission. `profile_of` raises `LookupError` for an unknown device."""
    parameters = query_parameters(raw_query)
    now = clock()
    try:
        dev_eui = parse_dev_eui(parameters)
        try:
            profile = await profile_of(dev_eui)
        except LookupError:
            raise Refused(100, "Invalid DevEUI") from None
        check_signature(profile, parameters, raw_query, now, required=signature_required)
        request = parse_request(parameters, now)
    except Refused as refused:
        return refused.refusal
    return await submit(dev_eui, request)
