"""`veldnet migrate compare`: whether two networks that hear the same devices deliver the same."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from veldnet.migration.comparison import (
    JOIN_TOPICS,
    TOPICS,
    BadBroker,
    BadEvent,
    BrokerAccess,
    Comparison,
    DeviceComparison,
    EventBroker,
    Heard,
    Joined,
    Rival,
    Side,
    read_event,
    read_own,
)

from .api_client import ApiClient, Lost, read_key
from .flows import Access
from .migrate_ending import dev_euis_of
from .options import Json
from .output import console, counted, errors, fail, print_json

_EVENTS = "/api/v1/events/live?type=uplink&decode=true"
_LONGEST = 1 << 20
_MOST_ROWS = 40
_PAUSE, _LONGEST_PAUSE = 0.5, 15.0
_COLOURS = {
    "agrees": "green",
    "waiting": "yellow",
    "differs": "red",
    "onlyHere": "red",
    "onlyThere": "red",
    "joined": "red",
}
_WORDS = {
    "agrees": "agrees",
    "waiting": "waiting",
    "differs": "differs",
    "onlyHere": "only here",
    "onlyThere": "only there",
    "joined": "joined again",
}


class Other(msgspec.Struct, frozen=True):
    """Where the other network's events come from."""

    mqtt: Annotated[
        str | None, typer.Option(help="Its broker, such as mqtts://HOST:8883 (mqtt:// without TLS).")
    ] = None
    topic: Annotated[
        str | None, typer.Option(help="Topic of its uplink events, where that was changed there.")
    ] = None
    username: Annotated[str, typer.Option(help="User at the broker.")] = ""
    password_file: Annotated[Path | None, typer.Option(help="File with the password at the broker.")] = None
    mqtt_ca: Annotated[
        Path | None,
        typer.Option(help="File with the authorities of its certificate; the system's if absent."),
    ] = None
    listen: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Take its events as a webhook (HTTP POST) here instead."),
    ] = None


class Until(msgspec.Struct, frozen=True):
    """When it ends."""

    frames: Annotated[
        int, typer.Option(min=1, max=1000, help="A device agrees after so many equal frames in a row.")
    ] = 3
    device: Annotated[
        list[str] | None,
        typer.Option(help="DevEUI to compare; may be repeated. Ends once all of these agree."),
    ] = None
    devices: Annotated[
        int | None, typer.Option(min=1, help="End once so many devices agree, and none differs.")
    ] = None
    minutes: Annotated[float, typer.Option(min=0.01, max=100_000, help="End after so many minutes.")] = 60.0
    window: Annotated[
        float, typer.Option(min=1, max=3600, help="Seconds after which a frame was heard by one alone.")
    ] = 30.0


class Result(msgspec.Struct, rename="camel"):
    """What was compared: `agreed` where all devices that were asked for, or heard, agree. `problems` say why
    one of the networks could not be read, `bad_events` how many messages could not."""

    agreed: bool
    seconds: float
    frames: int
    statuses: dict[str, int]
    bad_events: int
    problems: list[str]
    devices: list[DeviceComparison]


def compare_command(
    source: Annotated[Rival, typer.Argument(help="chirpstack (v4) or tts (The Things Stack v3).")],
    access: Access,
    other: Other,
    until: Until,
    as_json: Json = False,
) -> None:
    """Compare the uplinks of this network with those that another one delivers, by device, until they agree.

    Reads the other network's application events, as JSON over MQTT or as a webhook, and this one's live
    events with an API key of the customer. Ends with 0 where all devices agree, else with 1.
    """
    if (other.mqtt is None) == (other.listen is None):
        fail("give either --mqtt, the broker that the other network publishes its events at, or --listen")
    client = ApiClient(access.server, read_key(access.key_file), access.ca, access.customer_id)
    client.call("GET", "/api/v1/flows")
    run = _Run(until, as_json)
    try:
        asyncio.run(run.work(source, client, other))
    except BadBroker as error:
        fail(str(error))
    result = run.result()
    if as_json:
        print_json(result)
    else:
        console.print(run.table())
        _explain(result)
    if not result.agreed:
        raise SystemExit(1)


def _explain(result: Result) -> None:
    for problem in result.problems:
        console.print(problem, markup=False)
    if result.bad_events:
        console.print(f"{result.bad_events} messages were no events in JSON.")
    if not result.devices:
        console.print("No uplink was heard; is traffic passed on to both networks?")


class _Run:
    """One comparison, from its beginning to its end."""

    def __init__(self, until: Until, quiet: bool) -> None:
        only = dev_euis_of(until.device)
        self._until = until
        self._quiet = quiet
        self._wanted = until.devices if only is None else len(only)
        self._comparison = Comparison(until.frames, until.window, only)
        self._problems: dict[Side, str | None] = {"here": "not connected yet", "there": "not connected yet"}
        self._bad: Counter[str] = Counter()
        self._began = time.monotonic()
        self._stop = asyncio.Event()

    async def work(self, source: Rival, client: ApiClient, other: Other) -> None:
        """Compare until devices agree, the time is over, or somebody has had enough."""
        loop = asyncio.get_running_loop()
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(each, self._stop.set)
        threading.Thread(target=self._follow_own, args=(client, loop), daemon=True).start()
        with contextlib.ExitStack() as ends:
            if other.listen is not None:
                ends.enter_context(_webhook(other.listen, loop, self._theirs))
                self._changed("there", None)
                await self._watch()
                return
            broker = EventBroker(_broker_access(source, other), self._theirs, self._there)
            connecting = asyncio.ensure_future(broker.run())
            watching = asyncio.ensure_future(self._watch())
            await asyncio.wait((connecting, watching), return_when=asyncio.FIRST_COMPLETED)
            watching.cancel()
            connecting.cancel()
            if connecting.done() and not connecting.cancelled():
                connecting.result()

    async def _watch(self) -> None:
        from rich.live import Live

        live = sys.stderr.isatty() and not self._quiet
        with (
            Live(self.table(), console=errors, transient=True) if live else contextlib.nullcontext() as shown
        ):
            while not self._stop.is_set() and not self._over:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), 0.25)
                self._comparison.expire(time.monotonic())
                if shown is not None:
                    shown.update(self.table())

    @property
    def _over(self) -> bool:
        enough = self._wanted is not None and len(self._comparison.devices) >= self._wanted
        late = time.monotonic() - self._began > self._until.minutes * 60
        return late or (enough and self._comparison.agreed)

    # What the networks say.

    def _follow_own(self, client: ApiClient, loop: asyncio.AbstractEventLoop) -> None:
        """In a thread of its own: the client blocks."""
        after, pause = "", _PAUSE
        while True:
            try:
                for event in client.follow(_EVENTS, after):
                    after, pause = event.id or after, _PAUSE
                    if event.name == "ready":
                        loop.call_soon_threadsafe(self._changed, "here", None)
                    elif event.name == "uplink":
                        loop.call_soon_threadsafe(self._ours, event.data)
                why = "the stream of events ended"
            except Lost as error:
                why = str(error)
            except RuntimeError:
                # The loop is closed: it is all over.
                return
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._changed, "here", why)
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _ours(self, line: dict[str, Any]) -> None:
        with contextlib.suppress(BadEvent):
            self._take("here", read_own(line))

    def _theirs(self, octets: bytes) -> None:
        try:
            self._take("there", read_event(octets))
        except BadEvent as error:
            self._bad[str(error)] += 1

    def _take(self, side: Side, event: Heard | Joined | None) -> None:
        if isinstance(event, Joined):
            self._comparison.join(event)
        elif event is not None:
            self._comparison.hear(side, event, time.monotonic())

    def _there(self, why: str | None) -> None:
        self._changed("there", why)

    def _changed(self, side: Side, why: str | None) -> None:
        if why is not None and why != self._problems[side] and not self._quiet:
            errors.print(f"{_network(side)}: {why}", markup=False)
        self._problems[side] = why
        if why is None:
            self._comparison.connected(side, time.monotonic())
        else:
            self._comparison.disconnected(side)

    # What is shown.

    def result(self) -> Result:
        comparison = self._comparison
        found = sorted(comparison.devices.values(), key=_order)
        problems = [f"{_network(side)}: {why}" for side, why in self._problems.items() if why is not None]
        problems += [f"{count} messages: {why}" for why, count in self._bad.most_common(3)]
        enough = self._wanted is None or len(found) >= self._wanted
        return Result(
            agreed=comparison.agreed and enough,
            seconds=round(time.monotonic() - self._began, 1),
            frames=sum(each.both + each.only_here + each.only_there for each in found),
            statuses=dict(Counter(each.status for each in found)),
            bad_events=self._bad.total(),
            problems=problems,
            devices=found,
        )

    def table(self) -> Any:
        """Devices that differ first."""
        from rich.markup import escape
        from rich.table import Table

        result = self.result()
        shown = result.devices[:_MOST_ROWS]
        counts = ", ".join(f"{count} {_WORDS[status]}" for status, count in result.statuses.items())
        table = Table(
            title=f"{counted(len(result.devices), 'device')}: {counts or 'none heard yet'}",
            title_justify="left",
        )
        for name in (
            "Device",
            "Name",
            "Status",
            "Both",
            "Equal",
            "Here alone",
            "There alone",
            "Last difference",
        ):
            # A DevEUI is never cut, however narrow the terminal is.
            table.add_column(
                name,
                justify="right" if name in ("Both", "Equal") else "left",
                no_wrap=name == "Device",
                min_width=16 if name == "Device" else None,
            )
        for each in shown:
            colour = _COLOURS[each.status]
            table.add_row(
                each.dev_eui,
                escape(each.name),
                f"[{colour}]{_WORDS[each.status]}[/]",
                *map(str, (each.both, each.equal, each.only_here, each.only_there)),
                escape(each.difference),
            )
        if len(result.devices) > len(shown):
            table.caption = f"and {len(result.devices) - len(shown)} more; --json has all"
        return table


def _order(each: DeviceComparison) -> tuple[int, str]:
    return ("joined", "differs", "onlyThere", "onlyHere", "waiting", "agrees").index(
        each.status
    ), each.dev_eui


def _network(side: Side) -> str:
    return "this network" if side == "here" else "the other network"


def _broker_access(source: Rival, other: Other) -> BrokerAccess:
    password = ""
    if other.password_file is not None:
        try:
            password = other.password_file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            fail(f"--password-file {other.password_file} cannot be read: {error}")
    return BrokerAccess(
        url=other.mqtt or "",
        topic=other.topic or TOPICS[source],
        join_topic="" if other.topic else JOIN_TOPICS[source],
        username=other.username,
        password=password,
        authority=other.mqtt_ca,
    )


@contextlib.contextmanager
def _webhook(listen: str, loop: asyncio.AbstractEventLoop, received: Callable[[bytes], None]) -> Any:
    """Serve a webhook in threads of its own."""

    class Handler(http.server.BaseHTTPRequestHandler):
        timeout = 30

        def do_POST(self) -> None:
            try:
                length = int(self.headers.get("content-length") or 0)
            except ValueError:
                length = -1
            if not 0 <= length <= _LONGEST:
                self.send_error(413)
                return
            octets = self.rfile.read(length)
            loop.call_soon_threadsafe(received, octets)
            try:
                read_event(octets)
            except BadEvent as error:
                self._refuse(str(error))
                return
            self.send_response(204)
            self.end_headers()

        def _refuse(self, why: str) -> None:
            said = f"no event of ChirpStack v4 or The Things Stack v3 in JSON: {why}\n".encode()
            self.send_response(400)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *_arguments: Any) -> None:
            """Nothing is logged."""

    host, _colon, port = listen.rpartition(":")
    try:
        server = http.server.ThreadingHTTPServer((host.strip("[]") or "127.0.0.1", int(port)), Handler)
    except (OSError, ValueError, OverflowError) as error:
        fail(f"--listen {listen[:80]!r}: {error}")
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
