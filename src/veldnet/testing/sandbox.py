"""A sandbox in a process of its own, and what tests ask of it."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

KPN = "/data/lora/thingpark"
V1 = "/api/v1"
# Seconds for a server to start, and for an answer.
_START, _ANSWER = 60.0, 60.0
# Moves of the clock that a call may need, each of ten seconds.
_MOVES = 30


class SandboxFailed(RuntimeError):
    """The server did not start; the text says why."""


class ApiError(RuntimeError):
    """The API refused a request; `status` is that of HTTP, `message` what it said."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"HTTP {status}: {message}")
        self.status = status
        self.message = message


@dataclass(frozen=True)
class Downlink:
    """A downlink as a virtual device received it, decrypted."""

    time: datetime
    port: int | None
    payload: bytes
    fcnt: int | None
    confirmed: bool
    acknowledges: bool


@dataclass(frozen=True)
class SentUplink:
    """What became of an uplink: its counter, whether the device joined for it, and what came back."""

    fcnt: int
    joined: bool
    acknowledged: bool
    downlinks: list[Downlink] = field(default_factory=list)


class Sandbox:
    """A running server with the credentials of its customer: `account` is what `veldnet sandbox --json`
    prints. Calls go to `base_url` with a token; other clients find in `account` what they need to get
    their own."""

    def __init__(self, account: dict[str, str]) -> None:
        self.account = account
        self.base_url = account["base_url"]
        self.clock = Clock(self)
        self._token = ""
        self._numbers = itertools.count(1)

    @property
    def token(self) -> str:
        """A token of the customer's project, which is activated."""
        if not self._token:
            form = {key: self.account[key] for key in ("client_id", "client_secret")}
            answer = self._ask(
                "POST",
                "/oauth/client_credential/accesstoken?grant_type=client_credentials",
                urllib.parse.urlencode(form).encode(),
                {"content-type": "application/x-www-form-urlencoded"},
            )
            self._token = answer["access_token"]
            user = {key: self.account[key] for key in ("thingpark_username", "thingpark_password")}
            self.call("POST", f"{KPN}/activate", user)
        return self._token

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """One operation of the API, by its whole path; `headers` with underscores for hyphens. Raises
        `ApiError`."""
        data = None if body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named |= {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        return self._ask(method, path, data, named)

    def _ask(self, method: str, path: str, data: bytes | None, headers: dict[str, str]) -> Any:
        request = urllib.request.Request(  # noqa: S310 - the address of our own server
            self.base_url + path, data=data, headers=headers, method=method
        )
        try:
            with _OPENER.open(request, timeout=_ANSWER) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise ApiError(error.code, _message(error.read())) from None
        return json.loads(text) if text else None

    def create_device(self, **members: Any) -> Device:
        """A new device, with made-up identifiers and key where `members` (those of `POST /devices`) name
        none. A member that is None is left out; without `hsmGroupId`, which takes the legacy interface,
        the network reads the payloads of the device."""
        body = {
            "EUI": f"0059AC7E57{next(self._numbers):06X}",
            "name": "Virtual device",
            "applicationEUI": "0059AC0000000001",
            "applicationKey": secrets.token_hex(16).upper(),
            "deviceProfileId": self.account["device_profile_id"],
            "connectivityPlanId": self.account["connectivity_plan_id"],
            "hsmGroupId": self.account["hsm_group_id"],
        } | members
        body = {name: value for name, value in body.items() if value is not None}
        legacy = {} if "hsmGroupId" in body else {"api_version": "v1.1.1"}
        created = self.call("POST", f"{KPN}/devices", body, **legacy)
        return Device(self, str(created["ref"]), created["EUI"], body["applicationKey"])

    def device(self, ref: str, app_key: str) -> Device:
        """A device that exists, such as one that the application under test has created, with its AppKey."""
        found = self.call("GET", f"{KPN}/devices/{ref}")
        return Device(self, ref, found["EUI"], app_key)


class Clock:
    """The virtual clock of the server. Between moves it passes as outside."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def now(self) -> datetime:
        return datetime.fromisoformat(self._sandbox.call("GET", f"{V1}/clock")["time"])

    def advance(self, **duration: float) -> datetime:
        """Move ahead by so much, as `timedelta` takes it: `advance(hours=6)`. What is due meanwhile has
        happened when this returns. Returns the time then."""
        left = timedelta(**duration).total_seconds()
        for _ in range(_MOVES):
            answer = self._sandbox.call("POST", f"{V1}/clock", {"advance": left})
            if not answer["left"]:
                return datetime.fromisoformat(answer["time"])
            left = answer["left"]
        raise TimeoutError(
            f"the clock is at {answer['time']}, {left:.0f} s short of where it should be: too much happens "
            "meanwhile, or an application server takes long to answer"
        )


class Device:
    """A device, and the virtual one that sends as it does."""

    def __init__(self, sandbox: Sandbox, ref: str, eui: str, app_key: str) -> None:
        self.ref = ref
        self.eui = eui
        self.app_key = app_key
        self._sandbox = sandbox

    def send(
        self, payload: bytes | str = b"", port: int = 1, *, confirmed: bool = False, **members: Any
    ) -> SentUplink:
        """Send an uplink; the device joins before its first one. `payload` are octets or hexadecimal digits,
        `members` others of `POST /api/v1/devices/{ref}/virtualUplinks`, such as `rssi` or `rejoin`."""
        body = {
            "payload": payload if isinstance(payload, str) else payload.hex(),
            "fPort": port,
            "confirmed": confirmed,
            "applicationKey": self.app_key,
        } | members
        sent = self._sandbox.call("POST", f"{V1}/devices/{self.ref}/virtualUplinks", body)
        return SentUplink(
            sent["fCntUp"],
            sent["joined"],
            sent["acknowledged"],
            [_downlink(each) for each in sent["downlinks"]],
        )

    def received(self) -> list[Downlink]:
        """The last hundred downlinks that the device received, oldest first."""
        state = self._sandbox.call("GET", f"{V1}/devices/{self.ref}/virtualDevice")
        return [_downlink(each) for each in state["downlinks"]]

    def alarms(self) -> list[dict[str, Any]]:
        """Its alarms, the last updated first, as `GET /api/v1/alarms` has them: `type`, `state`, `text`
        and more."""
        return list(self._sandbox.call("GET", f"{V1}/alarms?deviceRef={self.ref}")["alarms"])


def _downlink(each: dict[str, Any]) -> Downlink:
    return Downlink(
        datetime.fromisoformat(each["time"]),
        each["fPort"],
        bytes.fromhex(each["payload"]),
        each["fCntDn"],
        each["confirmed"],
        each["acknowledges"],
    )


# Whatever proxies the environment names: the server is on this machine.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _message(text: bytes) -> str:
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text[:200].decode(errors="replace")


@contextlib.contextmanager
def start_sandbox(data: Path | None = None, **environment: str) -> Iterator[Sandbox]:
    """Run a sandbox under a virtual clock while this is open, in `data` or a temporary directory.
    `environment` are settings, such as `VELDNET_NETWORK__REGION="US915"`. Raises `SandboxFailed`."""
    with contextlib.ExitStack() as held:
        if data is None:
            data = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="veldnet-"))) / "data"
        errors = held.enter_context(tempfile.TemporaryFile())
        process = subprocess.Popen(  # noqa: S603 - this program
            [
                *(sys.executable, "-m", "veldnet", "sandbox", "--serve", "--virtual-clock", "--json"),
                *("--data", str(data), "--http", "127.0.0.1:0", "--udp", "127.0.0.1:0"),
            ],
            stdout=subprocess.PIPE,
            stderr=errors,
            # A settings file of the place where the tests run is not meant for this one.
            cwd=data.parent,
            env=os.environ | environment,
        )
        held.callback(_stop, process)
        yield Sandbox(_account(process, errors))


def _account(process: subprocess.Popen[bytes], errors: Any) -> dict[str, str]:
    """What the server prints once it listens."""
    assert process.stdout is not None
    late = threading.Timer(_START, process.kill)
    late.start()
    try:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.rstrip() == b"}":
                return dict(json.loads(b"".join(lines)))
    finally:
        late.cancel()
    process.wait()
    errors.seek(0)
    said = errors.read().decode(errors="replace").strip()
    raise SandboxFailed(said or f"the server did not start within {_START:g} s")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
