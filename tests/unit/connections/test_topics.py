"""Topics and subjects of messages: templates, and names that have signs of their own."""

from __future__ import annotations

from veldnet.connections.dotted import dotted, pattern, slashed
from veldnet.domain.flows import fill, topic_filter, values_in


def test_topics_with_dots() -> None:
    values = {"deviceName": "a.b*/> c", "event": "down/sent"}
    assert dotted("x/{deviceName}/{event}", values) == "x.a_b___ _c.down.sent".replace(" ", "")
    assert pattern("v3/{applicationId}/{DevEUI}/down", {"applicationId": "a.b"}) == "v3.a_b.*.down"
    assert pattern("v3.{DevEUI}.down", {}) == "v3.*.down"
    assert slashed("v3.0A.down", "v3/{DevEUI}/down") == "v3/0A/down"
    assert slashed("v3.0A.down", "v3.{DevEUI}.down") == "v3.0A.down"


def test_names_are_safe_in_topics() -> None:
    values = {"deviceName": "a/b+#\x00ü$", "DevEUI": "01", "applicationId": "app"}
    assert fill("x/{deviceName}/{DevEUI}", values) == "x/a_b___ü$/01"
    assert fill("{deviceName}/{event}", {"deviceName": "a/b", "event": "down/sent"}) == "a_b/down/sent"
    assert fill("{deviceName}", {"deviceName": "$SYS"}) == "_SYS"
    assert topic_filter("v3/{applicationId}/{DevEUI}/down", {"applicationId": "app"}) == "v3/app/+/down"
    assert values_in("v3/{DevEUI}/down", "v3/0A/down") == {"DevEUI": "0A"}
    assert values_in("v3/{DevEUI}/down", "v3/0A/b/down") is None
