"""Who calls the API of a server, be it a process or in this one: a customer with a token."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import httpx

from veldnet.simulator.customer import Account

KPN = "/data/lora/thingpark"


class Server(Protocol):
    """What serves the API."""

    data: Path

    def connect(self, **arguments: Any) -> httpx.Client: ...


class Client:
    """A customer with a token."""

    def __init__(self, server: Server, account: Account) -> None:
        self.server = server
        self.account = account
        self.http = server.connect()
        answer = self.http.post(
            "/oauth/client_credential/accesstoken?grant_type=client_credentials",
            data={"client_id": account.client_id, "client_secret": account.client_secret},
        )
        assert answer.status_code == 200, answer.text
        self.token: str = answer.json()["access_token"]
        self.http.headers["authorization"] = f"Bearer {self.token}"

    def activate(self) -> None:
        body = {
            "thingpark_username": self.account.thingpark_username,
            "thingpark_password": self.account.thingpark_password,
        }
        assert self.call("POST", "/activate", body) == {"status": "activated"}

    def request(self, method: str, path: str, body: Any = None, **arguments: Any) -> httpx.Response:
        return self.http.request(method, KPN + path, json=body, **arguments)

    def call(self, method: str, path: str, body: Any = None, **arguments: Any) -> Any:
        answer = self.request(method, path, body, **arguments)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def device_body(self, number: int, **changes: Any) -> dict[str, Any]:
        return {
            "EUI": f"0059AC00000{number:05X}",
            "applicationEUI": "0059AC0000000001",
            "applicationKey": "00112233445566778899AABBCCDDEEFF",
            "deviceProfileId": self.account.device_profile_id,
            "hsmGroupId": self.account.hsm_group_id,
        } | changes
