"""Whether a broker can be used, found out by connecting and subscribing once."""

from __future__ import annotations

import asyncio

from .broker import Broker, BrokerOptions

_TIMEOUT = 10.0


async def broker_problem(options: BrokerOptions) -> str | None:
    """Why a broker cannot be used, in words; None where it can."""
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[str | None] = loop.create_future()

    def tell(problem: str | None) -> None:
        if not outcome.done():
            outcome.set_result(problem)

    broker = Broker(
        options,
        lambda *_message: None,
        lambda broker: tell(broker.problem),
        lambda _task, error: tell(str(error)),
        tell,
    )
    running = loop.create_task(broker.run())
    try:
        async with asyncio.timeout(_TIMEOUT):
            return await outcome
    except TimeoutError:
        return "it does not answer"
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
