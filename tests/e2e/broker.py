"""A Mosquitto of its own for tests of base stations behind a broker: users, an access list, and TLS."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path

SERVER_USER, PASSWORD = "veldnet", "a password of the broker"


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Mosquitto:
    """One port without TLS, and with `certificates` (authority, certificate, key) one with it where clients
    need a certificate, too. A base station's user is its EUI, and it may use its own topics only."""

    def __init__(
        self, folder: Path, users: tuple[str, ...], certificates: tuple[str, str, str] | None = None
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.port, self.tls_port = _free_port(), _free_port()
        self.password_file = folder / "password"
        self.password_file.write_text(f"{PASSWORD}\n")
        passwords, access, self._file = folder / "passwords", folder / "access", folder / "mosquitto.conf"
        passwords.touch(mode=0o600)
        for user in (SERVER_USER, *users):
            subprocess.run(["mosquitto_passwd", "-b", str(passwords), user, PASSWORD], check=True)
        access.write_text(
            f"user {SERVER_USER}\ntopic read +/gateway/+/event/+\ntopic read +/gateway/+/state/conn\n"
            "topic read gateway/+/event/+\ntopic read gateway/+/state/conn\n"
            "topic write +/gateway/+/command/+\ntopic write gateway/+/command/+\n"
            "pattern readwrite +/gateway/%u/#\npattern readwrite gateway/%u/#\n"
        )
        lines = [
            "per_listener_settings false", "user root", "log_dest none", "persistence false",
            "allow_anonymous false", f"password_file {passwords}", f"acl_file {access}",
            f"listener {self.port} 127.0.0.1",
        ]  # fmt: skip
        if certificates is not None:
            authority, certificate, key = certificates
            lines += [
                f"listener {self.tls_port} 127.0.0.1", f"cafile {authority}", f"certfile {certificate}",
                f"keyfile {key}", "require_certificate true",
            ]  # fmt: skip
        self._file.write_text("\n".join(lines) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        self._process = subprocess.Popen([program, "-c", str(self._file)])
        end = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert time.monotonic() < end and self._process.poll() is None, "the broker does not start"
                time.sleep(0.02)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None
