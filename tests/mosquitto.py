"""A Mosquitto of its own for tests of base stations behind a broker: users, an access list, and TLS."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path

SERVER_USER, PASSWORD = "veldnet", "a password of the broker"
_HERE = "127.0.0.1"


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Broker:
    """A Mosquitto with a configuration, which listens at a port."""

    def __init__(self, folder: Path, configuration: str, port: int) -> None:
        self.port, self._file = port, folder / "mosquitto.conf"
        self._file.write_text(f"{configuration}\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        self._process = subprocess.Popen([program, "-c", str(self._file)], stderr=subprocess.DEVNULL)
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


class Mosquitto(Broker):
    """One port without TLS, and with `certificates` (authority, certificate, key) one with it where clients
    need a certificate, too, and one more, `web_port`, for WebSockets. A base station's user is its EUI, and
    it may use its own topics only; with `anonymous` anybody may use all."""

    def __init__(
        self,
        folder: Path,
        users: tuple[str, ...] = (),
        certificates: tuple[str, str, str] | None = None,
        *,
        anonymous: bool = False,
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.tls_port, self.web_port = free_port(), free_port()
        self.password_file, port = folder / "password", free_port()
        lines = [
            "user root",
            "log_dest none",
            "persistence false",
            f"allow_anonymous {str(anonymous).lower()}",
        ]
        if not anonymous:
            lines += self._guarded(folder, users)
        lines.append(f"listener {port} {_HERE}")
        if certificates is not None:
            authority, certificate, key = certificates
            tls = [
                f"cafile {authority}",
                f"certfile {certificate}",
                f"keyfile {key}",
                "require_certificate true",
            ]
            lines += [f"listener {self.tls_port} {_HERE}", *tls]
            lines += [f"listener {self.web_port} {_HERE}", "protocol websockets", *tls]
        super().__init__(folder, "\n".join(lines), port)

    def _guarded(self, folder: Path, users: tuple[str, ...]) -> list[str]:
        passwords, access = folder / "passwords", folder / "access"
        self.password_file.write_text(f"{PASSWORD}\n")
        passwords.touch(mode=0o600)
        for user in (SERVER_USER, *users):
            subprocess.run(["mosquitto_passwd", "-b", str(passwords), user, PASSWORD], check=True)
        rules = [f"user {SERVER_USER}"]
        for prefix in ("", "+/"):
            rules += [f"topic read {prefix}gateway/+/event/+", f"topic read {prefix}gateway/+/state/conn"]
            rules.append(f"topic write {prefix}gateway/+/command/+")
        rules += ["pattern readwrite gateway/%u/#", "pattern readwrite +/gateway/%u/#"]
        access.write_text("\n".join(rules) + "\n")
        return ["per_listener_settings false", f"password_file {passwords}", f"acl_file {access}"]
