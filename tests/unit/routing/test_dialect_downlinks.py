"""What applications send to devices over connections: appended, or in place of all that waits."""

from __future__ import annotations

import json
from typing import Any

import pytest

from veldnet.domain.flows import ConnectionSettings, Dialect, downlink_topics
from veldnet.routing import DIALECTS, BadDownlink

STACK = DIALECTS["THE_THINGS_STACK"]


def body(*downlinks: dict[str, Any]) -> bytes:
    return json.dumps({"downlinks": downlinks}).encode()


ONE, TWO = {"f_port": 1, "frm_payload": "AQ=="}, {"f_port": 2, "decoded_payload": {"on": True}}


def test_downlinks_are_appended_or_replace_the_queue() -> None:
    pushed = STACK.downlinks(body(ONE, TWO), 0.0)
    assert [(each.fport, each.payload, each.values, each.replace) for each in pushed] == [
        (1, b"\x01", None, False),
        (2, None, {"on": True}, False),
    ]
    replacing = STACK.downlinks(body(ONE, TWO), 0.0, replaces=True)
    # The first one empties the queue, and the second one follows it.
    assert [each.replace for each in replacing] == [True, False]
    (emptying,) = STACK.downlinks(body(), 0.0, replaces=True)
    assert (emptying.replace, emptying.fport, emptying.payload) == (True, None, None)
    for wrong in (body(), b"[]", body({"f_port": 0, "frm_payload": "AQ=="}), body({"f_port": 1})):
        with pytest.raises(BadDownlink):
            STACK.downlinks(wrong, 0.0)


@pytest.mark.parametrize(
    ("dialect", "topic", "expected"),
    [
        ("THE_THINGS_STACK", "x/{devEui}/down/push", ("x/{devEui}/down/push", "x/{devEui}/down/replace")),
        ("THE_THINGS_STACK", "x.{devEui}.down.push", ("x.{devEui}.down.push", "x.{devEui}.down.replace")),
        ("THE_THINGS_STACK", "x/{devEui}", ("x/{devEui}",)),
        ("CHIRPSTACK", "x/{devEui}/down/push", ("x/{devEui}/down/push",)),
    ],
)
def test_topics_of_downlinks(dialect: Dialect, topic: str, expected: tuple[str, ...]) -> None:
    settings = ConnectionSettings(type="MQTT", address="mqtt://x", dialect=dialect, downlink_topic=topic)
    assert downlink_topics(settings) == expected
