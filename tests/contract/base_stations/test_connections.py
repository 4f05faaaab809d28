"""What every base station protocol does when connections end, come twice, die, or are somebody else's."""

from __future__ import annotations

import pytest

from .field import EUI_HERE, EUI_THERE, HERE, THERE, Adapter, Field, in_field
from .protocols import those_with


def test_a_base_station_that_comes_back_goes_on(adapter: Adapter) -> None:
    async def story(field: Field) -> None:
        connection = await field.connect()
        before = await field.hear()
        assert field.hub.plans_both(HERE) == adapter.traits.plans_both
        seen = field.hub.presence.stations[HERE]
        assert seen.address and seen.session_at and seen.sessions == 1
        began = seen.session_at
        await field.reconnect(connection)
        if adapter.traits.sessions:
            await field.until(lambda: seen.sessions == 2)
            assert seen.session_at > began
        before = before if adapter.traits.sessions else await field.hear()
        token = field.transmit(field.window(before))
        if adapter.traits.sessions:
            # The time of the uplink means nothing to the new session: there is no waiting for an answer.
            begin = field.clock()
            assert await field.outcome(token) == "SESSION_ENDED" and field.reported_at - begin < 0.1
            assert not field.on_air[EUI_HERE]
        else:
            assert await field.outcome(token) is None
        assert await field.outcome(field.transmit(field.window(await field.hear(), 1.5))) is None
        assert await field.outcome(field.transmit(field.window(None, slot=2))) is None

    in_field(adapter, story)


def test_what_is_under_way_when_a_connection_ends_is_reported(adapter: Adapter) -> None:
    async def story(field: Field) -> None:
        connection = await field.connect()
        connection.hold_answers()
        token = field.transmit(field.window(await field.hear(), 5.0))
        await connection.leave()
        if not adapter.traits.sessions:
            return
        assert await field.outcome(token) == "SESSION_ENDED"
        await field.until(lambda: field.hub.connection(HERE) is None)
        assert await field.outcome(field.transmit(field.window(None, slot=2))) == "NO_ADDRESS"

    in_field(adapter, story)


def test_two_connections_of_one_base_station(adapter: Adapter) -> None:
    async def story(field: Field) -> None:
        await field.connect()
        await field.hear()
        await field.connect()
        uplink = await field.hear()
        assert await field.outcome(field.transmit(field.window(uplink))) is None
        # Each downlink is on air once, whichever connection it went by.
        await field.until(lambda: field.clock() > uplink.received_at + 2)
        assert len(field.on_air[EUI_HERE]) == 1
        assert field.hub.connection(HERE) is field.protocol

    in_field(adapter, story)


# Without connections to this server, frames and keep-alives of both arrive, or a broker chooses.
@those_with(lambda traits: traits.proves)
def test_two_base_stations_with_one_eui_behind_one_address_are_told_apart(adapter: Adapter) -> None:
    async def story(field: Field) -> None:
        await field.connect()
        seen = field.hub.presence.stations[HERE]
        for _ in range(2):
            await field.connect()
        # A line that breaks makes a base station come back, too; it does not answer on the old one.
        assert not seen.duplicates(field.clock())
        await field.connect()
        await field.until(lambda: len(seen.duplicates(field.clock())) == 2)
        # One of them has been found, and is off.
        await field.until(lambda: not seen.duplicates(field.clock()), 150)

    in_field(adapter, story)


def test_a_base_station_that_has_gone_without_a_word(adapter: Adapter) -> None:
    async def story(field: Field) -> None:
        connection = await field.connect()
        await field.connect(EUI_THERE)
        await field.hear()
        connection.vanish()
        dead_after = adapter.traits.finds_dead
        if dead_after is None:
            # Nothing shows that it is not there, and the downlink is not taken for sent.
            token = field.transmit(field.window(None, slot=2))
            await field.until(lambda: field.clock() > field.network.uplinks[-1].received_at + 5)
            assert field.errors(token) in ([], ["NOT_SENT"])
        else:
            await field.until(lambda: field.hub.connection(HERE) is None, dead_after)
            assert await field.outcome(field.transmit(field.window(None, slot=2))) == "NO_ADDRESS"
        assert field.hub.connection(THERE) is field.protocol
        await field.hear(eui=EUI_THERE)
        await field.reconnect(connection)
        assert await field.outcome(field.transmit(field.window(await field.hear()))) is None

    in_field(adapter, story)


@those_with(lambda traits: traits.proves)
def test_the_way_of_a_downlink_is_not_given_to_who_has_proven_nothing(adapter: Adapter) -> None:
    async def story(field: Field) -> None:
        await field.connect(token="token here")
        await field.hear()
        for token in (None, "wrong", "", "token there", "x" * 5000):
            with pytest.raises(Exception, match=r"401|403|400|not that of|refused"):
                await field.connect(token=token)
        with pytest.raises(Exception, match=r"401|403|not that of|refused"):
            await field.connect(EUI_THERE, token="token here")
        assert field.hub.connection(THERE) is None and field.refused >= 6
        assert await field.outcome(field.transmit(field.window(await field.hear()))) is None
        await field.until(lambda: bool(field.on_air[EUI_HERE]))

    in_field(adapter, story, proof=True)


@those_with(lambda traits: not traits.one_connection)
def test_the_way_of_a_downlink_stays_with_who_has_it(adapter: Adapter) -> None:
    """Where nobody can prove anything, a newcomer must hold out for longer."""

    async def story(field: Field) -> None:
        first = await field.connect()
        uplink = await field.hear()
        first_station = field.stations[EUI_HERE]
        second = await field.connect()
        # The second one has the link now; the first one transmits.
        assert await field.outcome(field.transmit(field.window(uplink, 3.0))) is None
        await field.until(lambda: bool(field.on_air[EUI_HERE]))
        assert first_station is field.stations[EUI_HERE] and first is not second

    in_field(adapter, story)


def test_a_base_station_that_is_removed_is_not_served(adapter: Adapter) -> None:
    async def story(field: Field) -> None:
        await field.connect()
        await field.hear()
        del field.directory.registered[EUI_HERE]
        if adapter.traits.one_connection:
            await field.until(lambda: field.hub.connection(HERE) is None, 60)
        else:
            with pytest.raises(TimeoutError):
                await field.until(lambda: False, 1)
                await field.hear()

    in_field(adapter, story)
