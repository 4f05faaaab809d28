"""Names of devices that are meant to break out of topics, subjects, routing keys, addresses and rows: over
every type of connection, to the real thing."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from tests.contract.test_connections import Application, application, counters, flowing

__all__ = ["application"]

LONG = "x" * 65_536
NAMES = [
    "+/#",
    "*.>",
    "#",
    "a/b.c",
    "$SYS/x",
    "a\x00b\x01\x1b[2J\x7f",
    "a\r\nDELETE / HTTP/1.1\r\n\r\n",
    "../../etc/passwd",
    "a?b=c&d#e%2F",
    "';DROP TABLE devices;--",
    "{DevEUI}{deviceName}{0.__class__}",
    "é🌡\u202e\u2028",
    "\\u0000\\\x00",
    " ",
    "",
    LONG,
]
# What separates levels in the topics of their types, and what stands for others there.
_SEPARATORS = {"MQTT": "/", "NATS": ".", "AMQP": ".", "AMQP1": "."}
_SIGNS = {"/": "+#", ".": "*>#"}


async def test_names_break_out_of_nothing(application: Application, tmp_path: Path) -> None:
    settings = application.settings
    separator = _SEPARATORS.get(settings.type, "")
    if separator:
        settings = replace(settings, topic="things/{deviceName}/up")
    elif settings.type == "HTTP":
        settings = replace(settings, address=settings.address.replace("{DevEUI}", "{deviceName}/{DevEUI}"))
    async with flowing(tmp_path) as network:
        ref = await network.connection(settings)
        for number, name in enumerate(NAMES, 1):
            await network.hear(number, name=name)
        # Another device waits for none of them.
        await network.hear(7, ref=2, name="Lamp")
        await network.until(lambda: 7 in counters(application.bodies, 2))
        await network.until(lambda: network.deliveries.pending == 0)
        listed = [each for each in await network.listed() if each.state != "pending"]
        # An application may read later than it has.
        await network.until(lambda: len(counters(application.bodies)) + len(listed) >= len(NAMES))
        # What cannot be a topic is listed with the reason; all else has come, and nothing twice.
        assert {each.reason for each in listed} <= {"refused", "addressRefused"}, listed
        # A row holds any name.
        assert not (settings.type == "POSTGRESQL" and listed), listed
        come = counters(application.bodies)
        assert come == sorted(come) and len(come) + len(listed) == len(NAMES), (come, listed)
        for each in listed:
            assert each.last_error and len(each.last_error) < 300, each
        assert 1 in come and 4 in come and 10 in come
        for uplink in (body["DevEUI_uplink"] for body in application.bodies):
            # Points have values alone, and the name as a tag.
            if uplink["DevEUI"].endswith("1") and settings.type != "INFLUXDB":
                name = NAMES[uplink["FCntUp"] - 1]
                # No column holds a null character.
                kept = name.replace("\x00", "\ufffd") if settings.type == "POSTGRESQL" else name
                assert uplink["CustomerData"].get("name", "") == kept
        for topic in getattr(application, "topics", []) if separator else []:
            levels = topic.split(separator)
            # The subject of AMQP 1.0 is cut where it is too long.
            assert len(levels) == 3 - ("x" * 200 in topic) and levels[0] == "things", topic
            assert "x" * 200 in topic or levels[2] == "up", topic
            assert not set(levels[1]) & set(_SIGNS[separator] + "\x00\r\n\x1b"), topic
        assert network.open_connections.conditions[ref].status == "ACTIVE"
