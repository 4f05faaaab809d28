"""Tells systemd how the server is (sd_notify): ready, alive, stopping. Does nothing elsewhere."""

from __future__ import annotations

import os
import socket


class ServiceManager:
    """Whoever has started this process, if it wants to know."""

    def __init__(self) -> None:
        # Not for the processes that this one starts.
        address = os.environ.pop("NOTIFY_SOCKET", "")
        watchdog = os.environ.pop("WATCHDOG_USEC", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        # Seconds between two signs of life: half of what is allowed.
        self.alive_every = int(watchdog) / 2_000_000 if watchdog.isdigit() and address else 0.0

    def ready(self) -> None:
        self._send("READY=1")

    async def alive(self) -> None:
        self._send("WATCHDOG=1")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def _send(self, text: str) -> None:
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            try:
                sock.connect(self._address)
                sock.sendall(text.encode())
            except OSError:
                # It is not the server's concern that nobody listens.
                return
