"""A customer of the device management API: what a KPN LoRa customer does first, over HTTP."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any, NamedTuple

import aiohttp
import msgspec

from .device import Identity

# Of a server that serves so many requests per second of a project only: how often, a second apart, one is
# sent again.
# A server that allows no more now is asked again so many seconds long, once a second.
_TOO_MANY, _ASK_FOR = HTTPStatus.TOO_MANY_REQUESTS, 30


class ApiProblem(Exception):
    """The API refused; the message is what it said."""


class _Answer(NamedTuple):
    status: int
    text: str


class Account(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """What a customer has been given, as `veldnet sandbox --json` prints it; with the operator's user, who
    registers base stations, if there is one."""

    thingpark_username: str
    thingpark_password: str
    client_id: str
    client_secret: str
    connectivity_plan_id: str
    device_profile_id: str
    hsm_group_id: str
    base_station_eui: str
    operator_username: str = ""
    operator_password: str = ""


class Customer:
    """A session with the API at `base_url`, such as http://127.0.0.1:8080."""

    def __init__(self, base_url: str, account: Account, http: aiohttp.ClientSession) -> None:
        self._base_url = base_url.rstrip("/")
        self._account = account
        self._http = http
        self._token = ""

    async def sign_in(self) -> None:
        """Get a token and activate the project."""
        form = {"client_id": self._account.client_id, "client_secret": self._account.client_secret}
        url = f"{self._base_url}/oauth/client_credential/accesstoken?grant_type=client_credentials"
        async with self._http.post(url, data=form) as response:
            if response.status != 200:
                raise ApiProblem(await response.text())
            self._token = (await response.json())["access_token"]
        await self.call(
            "POST",
            "/activate",
            {
                "thingpark_username": self._account.thingpark_username,
                "thingpark_password": self._account.thingpark_password,
            },
        )

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        base: str = "/data/lora/thingpark",
        version: str | None = None,
    ) -> Any:
        """One operation below `base`, at the pace that the server allows. Raises `ApiProblem`."""
        waited = 0
        while (answer := await self._ask(method, base + path, body, version)).status == _TOO_MANY:
            if waited == _ASK_FOR:
                break
            waited += 1
            await asyncio.sleep(1)
        if answer.status >= 300:
            raise ApiProblem(f"{method} {path}: {answer.status} {answer.text}")
        return msgspec.json.decode(answer.text) if answer.text else None

    async def _ask(self, method: str, path: str, body: Any, version: str | None) -> _Answer:
        async with self._http.request(
            method,
            self._base_url + path,
            json=body,
            headers={"Authorization": f"Bearer {self._token}"}
            | ({} if version is None else {"api-version": version}),
        ) as response:
            return _Answer(response.status, await response.text())

    async def create_routing_profile(
        self, name: str, address: str, as_id: str, as_key: str, public_key_pem: str
    ) -> tuple[str, str]:
        """Id of a new routing profile with an AS key, and that key encrypted under RSA."""
        created = await self.call(
            "POST",
            "/routingProfiles",
            {
                "name": name,
                "hsmGroupId": self._account.hsm_group_id,
                "rsaPublicKey": public_key_pem,
                "routes": [{"contentType": "JSON", "asId": as_id, "asKey": as_key, "addresses": [address]}],
            },
        )
        return created["id"], created["rsaEncryptedASKey"]

    async def create_device(
        self,
        name: str,
        identity: Identity,
        routing_profile_id: str,
        *,
        position: tuple[float, float] | None = None,
        hsm: bool = True,
    ) -> str:
        """Ref of a new device. Without an HSM group, which the legacy interface allows, the network reads its
        payloads."""
        more: dict[str, Any] = {"hsmGroupId": self._account.hsm_group_id} if hsm else {}
        if position is not None:
            more |= {"geoLatitude": position[0], "geoLongitude": position[1]}
        created = await self.call(
            "POST",
            "/devices",
            {
                "name": name,
                "EUI": str(identity.dev_eui),
                "applicationEUI": str(identity.join_eui),
                "applicationKey": identity.app_key.hex(),
                "deviceProfileId": self._account.device_profile_id,
                "connectivityPlanId": self._account.connectivity_plan_id,
                "routingProfileId": routing_profile_id,
                **more,
            },
            version=None if hsm else "v1.1.1",
        )
        return str(created["ref"])

    async def create_decoder(self, name: str, source: str) -> None:
        """A payload decoder for the devices of the account's profile."""
        body = {
            "name": name,
            "kind": "JAVASCRIPT",
            "source": source,
            "deviceProfileIds": [self._account.device_profile_id],
        }
        await self.call("POST", "/decoders", body, base="/api/v1")

    async def submit_downlink(self, query: str) -> str:
        """Submit a downlink; returns the text of the answer."""
        url = f"{self._base_url}/thingpark/lrc/rest/downlink?{query}"
        async with self._http.post(url) as response:
            return await response.text()
