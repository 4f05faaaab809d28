"""An operator at the console's API: registers base stations and gives them tokens."""

from __future__ import annotations

from typing import Any, NamedTuple

import aiohttp
import msgspec

from veldnet.lorawan import GatewayEui

from .customer import Account, ApiProblem

_BASE = "/api/v1"


class Registered(NamedTuple):
    """A base station of the operator, and the protocol by which the server reaches it."""

    id: str
    protocol: str | None


class Operator:
    """A session of the operator's user that an account names. `async with` begins and ends it."""

    def __init__(self, base_url: str, account: Account, http: aiohttp.ClientSession) -> None:
        self._base_url = base_url.rstrip("/") + _BASE
        self._account = account
        self._http = http
        self._headers: dict[str, str] = {}

    async def __aenter__(self) -> Operator:
        body = {"username": self._account.operator_username, "password": self._account.operator_password}
        async with self._http.post(f"{self._base_url}/session", json=body) as answer:
            text = await answer.text()
            if answer.status >= 300:
                raise ApiProblem(f"operator {body['username']}: {answer.status} {text}")
            # Given back by hand: the jar of the client keeps none of addresses without a name.
            cookies = "; ".join(f"{name}={cookie.value}" for name, cookie in answer.cookies.items())
        token = msgspec.json.decode(text)["csrfToken"]
        self._headers = {"cookie": cookies, "x-csrf-token": token}
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._call("DELETE", "/session")

    async def _call(self, method: str, path: str, body: Any = None) -> Any:
        url = f"{self._base_url}{path}"
        async with self._http.request(method, url, json=body, headers=self._headers) as answer:
            text = await answer.text()
            if answer.status >= 300:
                raise ApiProblem(f"{method} {path}: {answer.status} {text}")
            return msgspec.json.decode(text) if text else None

    async def base_stations(self) -> dict[GatewayEui, Registered]:
        """Those that are registered."""
        return {
            GatewayEui.parse(each["gatewayEUI"]): Registered(each["id"], each["protocol"])
            for each in await self._call("GET", "/operator/baseStations")
        }

    async def register(self, eui: GatewayEui, name: str, position: tuple[float, float]) -> Registered:
        body = {"gatewayEUI": str(eui), "name": name, "latitude": position[0], "longitude": position[1]}
        made = await self._call("POST", "/operator/baseStations", body)
        return Registered(made["id"], None)

    async def issue_token(self, station_id: str) -> tuple[str, str]:
        """Reference and text of a new token."""
        made = await self._call("POST", f"/operator/baseStations/{station_id}/tokens")
        return made["ref"], made["token"]

    async def revoke_token(self, station_id: str, ref: str) -> None:
        await self._call("DELETE", f"/operator/baseStations/{station_id}/tokens/{ref}")
