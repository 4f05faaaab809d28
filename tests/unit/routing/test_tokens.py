"""Tokens against the vectors published in KPN's lora-reference and Actility's thingpark-integrations."""

from __future__ import annotations

import hashlib

import pytest

from veldnet.routing.tokens import downlink_token_fits, downlink_token_input, uplink_token

KREF = "c6f5e3b263092120b8766b9aed9c41b4"
QUERY = (
    "LrnDevEui=0059AC0000000001&LrnFPort=1&LrnInfos=TWA_100000001.999.AS-1-12345678"
    "&AS_ID=TWA_100000001.999&Time=2018-01-12T10:00:00.000+01:00"
)


@pytest.mark.parametrize(
    ("key", "elements", "query", "token"),
    [
        (
            KREF,
            "1000000010059AC000000000111000102030405",
            QUERY,
            "5b7ec8b0b2c250fc792c76348de3b16ff04e27050baf8a37c891dcc85e88b0d4",
        ),
        (
            KREF,
            "1000000010059AC000000000111",
            QUERY,
            "345dc204c72a9769441c4700cd0a0fb76c5b356e3931540e891fc7e68f236c98",
        ),
        (
            KREF,
            "1000000010059ac0000000001",
            QUERY.replace("0059AC0000000001", "0059ac0000000001").replace("LrnFPort=1", "LrnFPort=0"),
            "d23b3507663d817c77d124cfbe4f1d5a67ba957e91471b39512b8f103fe46a17",
        ),
        (
            "f3203a20a2e8dfaf6686b621f56d05e3",
            "10000216720635F01080004961718"
            "032ce4850919d85d4c9f793ad148d24f32f3c6b5488f5a087cbeb1488f5a998c83ab",
            "LrnDevEui=20635F0108000496&LrnFPort=17&LrnInfos=TWA_100002167.1111.AS-1-111974"
            "&AS_ID=TWA_100002167.1111.AS&Time=2021-04-07T08:49:51.551+00:00",
            "196c22898bf95fcf48b72be198c89256410660b9b514539651344baa594ad74f",
        ),
    ],
    ids=["uplink", "downlink sent", "location", "integration example"],
)
def test_uplink_token_vectors(key: str, elements: str, query: str, token: str) -> None:
    assert uplink_token(elements, query, key) == token
    assert uplink_token(elements, query, key.upper()) == token, "the key counts in lower case"


def test_a_downlink_token_covers_the_decoded_query_in_the_order_received() -> None:
    raw = (
        "DevEUI=0059AC0000170311&FPort=2&Payload=00&AS_ID=my.as"
        "&Time=2026-01-01T00%3A00%3A00.000%2B00%3A00&Token={}&CorrelationID=0123456789ABCDEF"
    )
    decoded = (
        "DevEUI=0059AC0000170311&FPort=2&Payload=00&AS_ID=my.as"
        "&Time=2026-01-01T00:00:00.000+00:00&CorrelationID=0123456789ABCDEF"
    )
    assert downlink_token_input(raw) == decoded
    for key in ("46ab678cd45df4a4e4b375eacd096acc", "46ab678cd45df4a4e4b375Eacd096acc"):
        token = hashlib.sha256((decoded + key).encode()).hexdigest()
        signed = raw.format(token)
        assert downlink_token_fits(signed, token, "46ab678cd45df4a4e4b375Eacd096acc")
        assert downlink_token_fits(signed, token.upper(), "46ab678cd45df4a4e4b375Eacd096acc")
        assert not downlink_token_fits(signed.replace("Payload=00", "Payload=01"), token, key)
        assert not downlink_token_fits(signed, token, "0" * 32)
