"""Shows a town of virtual devices: a live table in a terminal, lines otherwise."""

from __future__ import annotations

import time
from collections import deque

from rich.console import Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from veldnet.simulator.application_server import DecodedUplink
from veldnet.simulator.device import Received, VirtualDevice
from veldnet.simulator.town import Town

from .output import console, print_json


def reading_text(uplink: DecodedUplink) -> str:
    """A reading in words; a unit follows the name of its value behind a blank."""
    parts = []
    for name, value in uplink.reading.items():
        quantity, _blank, unit = name.partition(" ")
        parts.append(f"{quantity} {value} {unit}".rstrip())
    return ", ".join(parts)


class TownView:
    """Shows readings as they arrive at the application server."""

    def __init__(self, *, as_json: bool) -> None:
        # Names of the devices by DevEUI; filled while the town is set up.
        self.names: dict[str, str] = {}
        self._json = as_json
        self._latest: dict[str, tuple[float, DecodedUplink]] = {}
        self._counts: dict[str, int] = {}
        self._log: deque[str] = deque(maxlen=6)
        self._joined = 0
        self._problems = 0
        self._live: Live | None = None
        self.readings = 0

    def __enter__(self) -> TownView:
        if console.is_terminal and not self._json:
            self._live = Live(self._render(), console=console, refresh_per_second=4, screen=False)
            self._live.__enter__()
        return self

    def __exit__(self, *_error: object) -> None:
        if self._live is not None:
            self._live.update(self._render())
            self._live.__exit__(None, None, None)

    async def settle(self, town: Town) -> None:
        """Set up a town, and say how far it is."""
        self.names = town.names
        if self._json:
            await town.settle(lambda _step: None)
            return
        with console.status("Setting up") as status:
            await town.settle(lambda step: status.update(f"Setting up: {step}"))

    def decoded(self, uplink: DecodedUplink) -> None:
        self.readings += 1
        self._latest[uplink.dev_eui] = (time.time(), uplink)
        self._counts[uplink.dev_eui] = self._counts.get(uplink.dev_eui, 0) + 1
        if self._live is not None:
            self._live.update(self._render())
        elif self._json:
            print_json(
                {
                    "DevEUI": uplink.dev_eui,
                    "FCntUp": uplink.fcnt,
                    "model": uplink.model,
                    "reading": uplink.reading,
                    "base_stations": uplink.base_stations,
                }
            )
        else:
            console.print(
                f"{time.strftime('%H:%M:%S')}  [green]reading[/]  {self.names.get(uplink.dev_eui, ''):12}"
                f" {uplink.dev_eui}  #{uplink.fcnt:<4} SF{uplink.spreading_factor} "
                f"heard by {uplink.base_stations}  {reading_text(uplink)}",
                highlight=False,
                soft_wrap=True,
            )

    def event(self, what: str, device: VirtualDevice, received: Received | None) -> None:
        name = self.names.get(str(device.identity.dev_eui), str(device.identity.dev_eui))
        if what == "joined":
            self._joined += 1
            self._say(f"{name} joined as {device.dev_addr}")
        elif what == "downlink" and received is not None:
            parts = ["acknowledgement"] if received.ack else []
            parts += [command.NAME for command in received.commands]
            if received.payload:
                parts.append(f"{received.payload.hex()} on port {received.fport}")
            self._say(f"{name} received {', '.join(parts) or 'an empty frame'}")

    def problem(self, text: str) -> None:
        self._problems += 1
        self._say(f"refused: {text}")

    def _say(self, text: str) -> None:
        self._log.append(f"{time.strftime('%H:%M:%S')}  {text}")
        if self._live is not None:
            self._live.update(self._render())
        elif not self._json:
            console.print(f"{time.strftime('%H:%M:%S')}  {text}", highlight=False, soft_wrap=True)

    def _render(self) -> Group:
        table = Table(header_style="bold", expand=True, box=None, padding=(0, 1))
        for column, width in (
            ("Device", 12),
            ("DevEUI", 16),
            ("Model", 12),
            ("Frames", 6),
            ("SF", 2),
            ("Heard by", 8),
        ):
            table.add_column(column, min_width=width, no_wrap=True)
        table.add_column("Latest reading", ratio=1, no_wrap=True, overflow="ellipsis")
        table.add_column("Age", min_width=5, no_wrap=True)
        now = time.time()
        for dev_eui in sorted(self.names, key=lambda eui: self.names[eui]):
            found = self._latest.get(dev_eui)
            if found is None:
                table.add_row(self.names[dev_eui], dev_eui, "", "0", "", "", Text("waiting", "dim"), "")
                continue
            when, uplink = found
            table.add_row(
                self.names[dev_eui],
                dev_eui,
                uplink.model,
                str(self._counts[dev_eui]),
                str(uplink.spreading_factor),
                str(uplink.base_stations),
                Text(reading_text(uplink), "green" if now - when < 2 else ""),
                f"{now - when:.0f} s",
            )
        title = f"{self._joined} devices joined, {self.readings} readings signed, opened and decrypted"
        if self._problems:
            title += f", {self._problems} refused"
        log = Text("\n".join(self._log) or "waiting for devices to join", "dim")
        return Group(Panel(table, title=title), log)
