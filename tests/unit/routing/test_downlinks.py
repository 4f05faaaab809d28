"""Reading and checking downlink submissions: every code that needs no network server."""

from __future__ import annotations

import asyncio
import hashlib
from urllib.parse import quote

import pytest

from veldnet.lorawan import DevEui
from veldnet.network.core import DownlinkRequest, SubmissionRefusal
from veldnet.routing.downlinks import Refused, parse_request, parse_time, query_parameters, submit_query
from veldnet.routing.table import Profile, Route

NOW = parse_time("2026-01-01T00:00:00Z")
KEY = "46ab678cd45df4a4e4b375Eacd096acc"
BASE = "DevEUI=0059AC0000170311&FPort=2&Payload=0102"


def profile(*, key: str | None = KEY, deviation: int = 0) -> Profile:
    route = Route(1, None, False, "JSON", "my.as", key, deviation, ("http://as.example/",))
    return Profile(1, "100000001", (("my.as", (route,)),))


def sign(
    query: str, time: str = "2026-01-01T00:00:00.000+00:00", as_id: str = "my.as", key: str = KEY
) -> str:
    plain = f"{query}&AS_ID={as_id}&Time={time}"
    token = hashlib.sha256((plain + key.lower()).encode()).hexdigest()
    return f"{query}&AS_ID={as_id}&Time={quote(time, safe='')}&Token={token}"


def submit(
    query: str, target: Profile | None, *, required: bool = False
) -> tuple[SubmissionRefusal | None, list[DownlinkRequest]]:
    taken: list[DownlinkRequest] = []

    async def profile_of(dev_eui: DevEui) -> Profile | None:
        if str(dev_eui) != "0059AC0000170311":
            raise LookupError
        return target

    async def accept(dev_eui: DevEui, request: DownlinkRequest) -> SubmissionRefusal | None:
        taken.append(request)
        return None

    refusal = asyncio.run(
        submit_query(
            query, profile_of=profile_of, submit=accept, clock=lambda: NOW, signature_required=required
        )
    )
    return refusal, taken


def test_a_signed_submission_is_taken() -> None:
    query = sign(f"{BASE}&Confirmed=1&FCntDn=9&ValidityTime=60&CorrelationID=0123456789abcdef")
    refusal, taken = submit(query, profile())
    assert refusal is None
    assert taken == [
        DownlinkRequest(
            fport=2,
            payload=b"\x01\x02",
            fcnt=9,
            confirmed=True,
            expires_at=NOW + 60,
            correlation_id="0123456789abcdef",
        )
    ]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ("RetryIneligibleGateways=2", 120),
        ("FlushDownlinkQueue=yes", 120),
        ("Confirmed=-1", 120),
        ("Priority=256", 120),
        ("ValidityTime=0", 112),
        ("ValidityTime=tomorrow", 112),
        ("CorrelationID=xyz", 117),
        ("FCntDn=4294967296", 102),
        ("FCntDn=-1", 102),
        ("FPort=226", 104),
        ("FPort=-1", 104),
        ("FPort=5&Payload=012", 113),
    ],
)
def test_values_out_of_range_are_refused(wrong: str, code: int) -> None:
    with pytest.raises(Refused) as refused:
        parse_request({"FPort": "5", "Payload": "0102"} | query_parameters(wrong), NOW)
    assert refused.value.refusal is not None and refused.value.refusal.code == code


@pytest.mark.parametrize(
    "time", ["2026-01-01T00:00:00", "2026-01-01T01:00:00.000+01:00", "2026-01-01T00:00:00Z"]
)
def test_times_with_and_without_an_offset(time: str) -> None:
    refusal, _taken = submit(sign(BASE, time), profile(deviation=5))
    assert refusal is None


@pytest.mark.parametrize(
    ("query", "target", "code"),
    [
        ("", profile(), 100),
        ("DevEUI=xyz", profile(), 100),
        ("DevEUI=0059AC0000170399&FPort=2&Payload=00", profile(), 100),
        (BASE, profile(), 105),
        (f"{BASE}&AS_ID=my.as", profile(), 106),
        (f"{BASE}&AS_ID=my.as&Time=2026-01-01T00:00:00", profile(), 106),
        (sign(BASE, as_id="other"), profile(), 107),
        (f"{BASE}&AS_ID=my.as&Time=2026-01-01T00:00:00&Token=zz", profile(), 108),
        (sign(BASE, time="yesterday"), profile(), 109),
        (sign(BASE, time="2026-01-01T00:00:10+00:00"), profile(deviation=5), 110),
        (sign(BASE, key="0" * 32), profile(), 111),
        (sign(BASE).replace("Payload=0102", "Payload=0103"), profile(), 111),
        (sign("DevEUI=0059AC0000170311&FPort=2"), profile(), 118),
        (sign(BASE.replace("0102", "010")), profile(), 113),
        (sign(BASE.replace("0102", "0g")), profile(), 113),
        (sign(BASE.replace("FPort=2", "FPort=x")), profile(), 104),
        (sign(BASE.replace("FPort=2", "FPort=300")), profile(), 104),
        (sign(f"{BASE}&CorrelationID=12G"), profile(), 117),
        (sign(f"{BASE}&ValidityTime=soon"), profile(), 112),
        (sign(f"{BASE}&ValidityTime=2025-12-31T23:59:59Z"), profile(), 112),
        (sign(f"{BASE}&FCntDn=99999999999"), profile(), 102),
    ],
)
def test_refusals(query: str, target: Profile, code: int) -> None:
    refusal, taken = submit(query, target)
    assert refusal is not None and refusal.code == code and taken == []


def test_without_signing_anybody_may_submit_unless_the_operator_forbids_it() -> None:
    assert submit(BASE, profile(key=None))[0] is None
    assert submit(BASE, None)[0] is None
    refusal, _taken = submit(BASE, profile(key=None), required=True)
    assert refusal is not None and refusal.code == 105


def test_a_flush_needs_no_payload() -> None:
    refusal, taken = submit(sign("DevEUI=0059AC0000170311&FlushDownlinkQueue=1"), profile())
    assert refusal is None and taken[0].flush and taken[0].payload is None


@pytest.mark.parametrize(
    "given", ["0", "a", "12", "DeadBeef", "0123456789abcde", "0123456789abcdef", "F" * 16]
)
def test_d7_a_correlation_id_has_up_to_16_digits_and_comes_back_as_sent(given: str) -> None:
    refusal, taken = submit(sign(f"{BASE}&CorrelationID={given}"), profile())
    assert refusal is None and taken[0].correlation_id == given


@pytest.mark.parametrize("given", ["", "12G", "0" * 17, "0x12", "-1"])
def test_d7_other_correlation_ids_are_refused(given: str) -> None:
    refusal, taken = submit(sign(f"{BASE}&CorrelationID={given}"), profile())
    assert refusal is not None and refusal.code == 117 and not taken
