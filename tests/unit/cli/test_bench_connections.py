"""What `veldnet bench connections` measures of a transport."""

from __future__ import annotations

import pytest

from veldnet.cli.bench.connections import _measure, _moved, _rates
from veldnet.cli.bench.server import ServerFailed
from veldnet.cli.bench.sink import Sink
from veldnet.domain.flows import ConnectionSecrets, ConnectionSettings

NOWHERE = ConnectionSettings(type="HTTP", address="http://127.0.0.1:9/x")


async def test_rates_of_a_connection() -> None:
    sink = Sink()
    settings = ConnectionSettings(type="HTTP", address=await sink.start())
    measured = await _rates(settings, ConnectionSecrets(), 40)
    assert min(measured) > 0
    # One to see that it works, then three rounds, each alone and beside a dead one.
    assert sink.messages == 1 + 3 * 2 * 40
    sink.stop()


def test_a_connection_over_which_nothing_goes_is_not_measured() -> None:
    with pytest.raises(ServerFailed, match="nothing goes over"):
        _measure(b'{"type":"HTTP","address":"http://127.0.0.1:9/x"}', b"{}", 20)


def test_the_dead_one_is_of_the_same_form() -> None:
    assert _moved(NOWHERE, "127.0.0.1:1").address == "http://127.0.0.1:1/x"
    amqp = ConnectionSettings(type="AMQP", address="amqps://broker:5671")
    assert _moved(amqp, "127.0.0.1:1").address == "amqps://127.0.0.1:1"
