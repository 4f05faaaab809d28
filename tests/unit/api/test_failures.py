"""What the API says when the store fails: that nothing was changed only where that is so."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, func, select

from veldnet.api.application import create_application
from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.assembly.platform import Platform
from veldnet.cli.sandbox import make_sandbox
from veldnet.inventory.sandbox import Sandbox
from veldnet.settings import load_settings
from veldnet.store import StoreError
from veldnet.store.schema import devices


class Api:
    """The application over a platform on a data directory of its own."""

    def __init__(self, platform: Platform, account: Sandbox) -> None:
        self.platform = platform
        self.account = account
        application: Any = create_application(platform)
        transport = httpx.ASGITransport(app=application, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://veldnet")

    async def sign_in(self) -> None:
        answer = await self.http.post(
            "/oauth/client_credential/accesstoken?grant_type=client_credentials",
            data={"client_id": self.account.client_id, "client_secret": self.account.client_secret},
        )
        self.http.headers["authorization"] = f"Bearer {answer.json()['access_token']}"
        body = {
            "thingpark_username": self.account.thingpark_username,
            "thingpark_password": self.account.thingpark_password,
        }
        assert (await self.http.post("/data/lora/thingpark/activate", json=body)).status_code == 200

    async def create_device(self) -> httpx.Response:
        return await self.http.post(
            "/data/lora/thingpark/devices",
            json={
                "EUI": "0059AC0000000007",
                "applicationKey": "00112233445566778899AABBCCDDEEFF",
                "deviceProfileId": self.account.device_profile_id,
                "hsmGroupId": self.account.hsm_group_id,
            },
        )

    async def devices(self) -> int:
        query = select(func.count()).select_from(devices)
        return int(await self.platform.store.read(lambda c: c.execute(query).scalar_one()))


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    settings = load_settings(
        {"data": str(tmp_path / "data"), "keys.process": False, "api.rate_limit": 0}, file=None
    )
    data = await DataDirectory.open(settings, create=True)
    account = await make_sandbox(data)
    platform = Platform(settings, data)
    await platform.start()
    opened = Api(platform, account)
    await opened.sign_in()
    yield opened
    await opened.http.aclose()
    await platform.stop()


def fail(*_arguments: Any, **_named: Any) -> Any:
    raise StoreError("disk I/O error")


async def test_b6_nothing_was_changed_where_the_write_failed(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(api.platform.store, "write", fail)
        answer = await api.create_device()
    assert answer.status_code == 500 and answer.json()["errorId"] == "LDM-500"
    assert "nothing was changed" in answer.json()["message"]
    assert await api.devices() == 0
    assert (await api.create_device()).status_code == 201


async def test_b6_a_change_that_is_durable_counts_though_it_is_taken_up_later(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(api.platform, "apply_changes", fail)
        assert (await api.create_device()).status_code == 201
    assert await api.devices() == 1


async def test_b6_a_request_that_was_carried_out_in_part_says_so(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The device is written, and cannot be read for the answer."""
    store = api.platform.store
    write = store.write

    async def write_then_fail(change: Callable[[Connection], Any]) -> Any:
        result = await write(change)
        patched.setattr(store, "read", fail)
        return result

    with monkeypatch.context() as patched:
        patched.setattr(store, "write", write_then_fail)
        refs = [(await api.http.get("/data/lora/thingpark/devices")).json()]
        answer = await api.create_device()
    assert refs == [[]]
    if answer.status_code != 201:
        assert answer.json()["errorId"] == "LDM-500"
        assert "nothing was changed" not in answer.json()["message"]
    assert await api.devices() == 1
    # The next request starts over.
    with monkeypatch.context() as patched:
        patched.setattr(store, "read", fail)
        answer = await api.http.get("/data/lora/thingpark/devices")
    assert answer.status_code == 500 and "nothing was changed" in answer.json()["message"]


async def test_b6_bulk_changes_that_fail_half_way_say_so(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    created = (await api.create_device()).json()
    store = api.platform.store
    write = store.write
    calls = 0

    async def write_once(change: Callable[[Connection], Any]) -> Any:
        nonlocal calls
        calls += 1
        return await write(change) if calls == 1 else fail()

    with monkeypatch.context() as patched:
        patched.setattr(store, "write", write_once)
        answer = await api.http.post(
            "/api/v1/devices/bulk", json={"action": "delete", "refs": [created["ref"], "4711"]}
        )
    assert answer.status_code == 500 and answer.json()["errorId"] == "LDM-500"
    assert "a part of it has been carried out" in answer.json()["message"]
    assert await api.devices() == 0
