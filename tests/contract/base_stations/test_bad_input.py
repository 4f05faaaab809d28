"""What every base station protocol does with messages that are none, too long, or too many."""

from __future__ import annotations

import asyncio
from functools import partial

from veldnet.gateways.basics_station import BasicsStationServer
from veldnet.lorawan.modulation import Lora
from veldnet.simulator.propagation import Heard

from .field import EUI_HERE, EUI_THERE, FRAME, HERE, JOIN_REQUEST, Adapter, Field, in_field
from .protocols import BasicsStation


def _reached(field: Field, refused: int) -> bool:
    return field.refused >= refused


def test_each_message_that_is_none_is_counted_and_the_next_one_is_read(adapter: Adapter) -> None:
    async def story(field: Field) -> None:
        connection = await field.connect()
        for message in adapter.garbage:
            expected = field.refused + 1
            await connection.send(message)
            await field.until(partial(_reached, field, expected))
        assert not field.network.uplinks
        uplink = await field.hear()
        assert await field.outcome(field.transmit(field.window(uplink))) is None

    in_field(adapter, story)


def test_what_was_wrong_is_seen_at_the_base_station(adapter: Adapter) -> None:
    async def story(field: Field) -> None:
        connection = await field.connect()
        for message in adapter.garbage:
            await connection.send(message)
        await field.hear()
        refused = field.hub.presence.stations[HERE].refused
        assert refused.count >= len(adapter.garbage) // 4 and refused.last

    in_field(adapter, story)


def test_a_message_that_is_too_long_disturbs_nobody_else(adapter: Adapter) -> None:
    async def story(field: Field) -> None:
        connection = await field.connect()
        await field.connect(EUI_THERE)
        await connection.send(adapter.oversize)
        uplink = await field.hear(eui=EUI_THERE)
        assert await field.outcome(field.transmit(field.window(uplink))) is None
        await field.reconnect(connection)
        assert await field.outcome(field.transmit(field.window(await field.hear()))) is None

    in_field(adapter, story)


def test_a_flood_of_garbage_disturbs_nobody_else(adapter: Adapter) -> None:
    async def story(field: Field) -> None:
        connection = await field.connect()
        await field.connect(EUI_THERE)
        for number in range(500):
            await connection.send(adapter.garbage[number % len(adapter.garbage)])
            await asyncio.sleep(0)
        uplink = await field.hear(eui=EUI_THERE)
        assert await field.outcome(field.transmit(field.window(uplink))) is None
        await field.until(lambda: field.refused >= 500)

    in_field(adapter, story)


def test_frames_of_unknown_devices_in_a_flood_are_dropped_unread(adapter: Adapter) -> None:
    async def story(field: Field) -> None:
        await field.connect()
        await field.connect(EUI_THERE)
        field.network.throttled.add(HERE)
        forged = b"\x40\x99\x99\x99\x01\x80\x01\x00\x01\x02\x03\x04\x05\x06\x07\x08"
        for _ in range(300):
            field.stations[EUI_HERE].hear(forged, 868_100_000, Lora(7, 125), Heard(-71, 8.5))
            await asyncio.sleep(0)
        await field.until(lambda: field.network.unread == 300)
        assert not field.network.uplinks
        # A frame of a known device is read, also of that base station, and so is a join-request elsewhere.
        assert (await field.hear(FRAME)).phy_payload == FRAME
        assert (await field.hear(JOIN_REQUEST, EUI_THERE)).phy_payload == JOIN_REQUEST

    in_field(adapter, story)


def test_a_flood_of_downlinks_is_answered_one_by_one(adapter: Adapter) -> None:
    async def story(field: Field) -> None:
        await field.connect()
        uplink = await field.hear()
        tokens = []
        for number in range(300):
            tokens.append(field.transmit(field.window(uplink, 1.0 + number)))
            await asyncio.sleep(0)
        await field.until(lambda: len(field.network.reports) == len(tokens), 400)
        sent = sum(field.errors(token) == [None] for token in tokens)
        await field.until(lambda: field.clock() > uplink.received_at + 305, 400)
        assert sent == len(field.on_air[EUI_HERE]) >= 100

    in_field(adapter, story)


def test_a_station_that_reads_nothing_is_cut_off_and_others_are_served() -> None:
    async def story(field: Field) -> None:
        connection = await field.connect()
        await field.connect(EUI_THERE)
        server = field.protocol
        assert isinstance(server, BasicsStationServer)
        await field.hear()
        connection.vanish()
        for _ in range(60):
            server.run_command(HERE, "logger", ["x" * 200_000])
            await asyncio.sleep(0)
            if server.counts.refused["unread"]:
                break
        await field.until(lambda: field.hub.connection(HERE) is None)
        assert server.counts.refused["unread"] == 1
        uplink = await field.hear(eui=EUI_THERE)
        assert await field.outcome(field.transmit(field.window(uplink))) is None

    in_field(BasicsStation(), story)
