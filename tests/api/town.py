"""Two subscribers of two operators on one server with a real mail server, for tests of accounts."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.api.hosting import HostedServer
from tests.installation import sandbox
from tests.monitoring.post_office import PostOffice
from tests.person import Person
from veldnet.simulator.customer import Account
from veldnet.store import EngineStore

V1 = "/api/v1"
PASSWORD = "correct horse battery"
URL = "https://lora.example.com"


class Town:
    """Two subscribers of two operators on one server, and its mail server."""

    def __init__(self, data: Path, post: PostOffice) -> None:
        self.account, self.foreign = sandbox(data), sandbox(data)
        self.post = post
        self.server = HostedServer(
            data,
            VELDNET_MAIL__HOST="127.0.0.1",
            VELDNET_MAIL__PORT=str(post.port),
            VELDNET_MAIL__SECURITY="none",
            VELDNET_SIGN_IN__URL=URL,
        )
        self.admin = self.sign_in(self.account)
        self.outsider = self.sign_in(self.foreign)
        self.operator = Person(self.server, operator_of(self.account), self.account.thingpark_password)
        self._names = iter(range(1000))

    def sign_in(self, account: Account) -> Person:
        return Person(self.server, account.thingpark_username, account.thingpark_password)

    def ask(self, path: str, body: Any) -> Any:
        return self.server.connect().post(f"{V1}{path}", json=body)

    def letter(self, since: int) -> str:
        """The text of the one message that came."""
        self.server.pass_time(1)
        assert len(self.post.messages) == since + 1
        body = self.post.messages[-1].get_body(("plain",))
        assert body is not None
        return str(body.get_content())

    def invited(self, role: str = "rw") -> tuple[str, Person]:
        """A new colleague: the user's ref, and who has signed in."""
        name = f"colleague{next(self._names)}"
        before = len(self.post.messages)
        self.admin.call("POST", f"{V1}/invitations", {"email": f"{name}@example.com", "role": role})
        accepted = self.ask("/invitation/acceptance", acceptance(token_in(self.letter(before)), name))
        assert accepted.status_code == 204, accepted.text
        return self.ref_of(name), Person(self.server, name, PASSWORD)

    def ref_of(self, name: str) -> str:
        users = self.admin.call("GET", f"{V1}/users")
        return next(str(user["ref"]) for user in users if user["username"] == name)


def operator_of(account: Account) -> str:
    return account.thingpark_username.replace("sandbox", "operator")


def token_in(letter: str) -> str:
    found = re.search(rf"{URL}/console/\w+#([0-9A-Za-z]{{40}})\s", letter)
    assert found, letter
    return found[1]


def acceptance(token: str, name: str) -> dict[str, str]:
    return {"token": token, "username": name, "displayName": name.title(), "password": PASSWORD}


@contextmanager
def later(town: Town, seconds: float) -> Iterator[None]:
    """Meanwhile management believes that it is so much later."""
    store = town.server.platform.store
    assert isinstance(store, EngineStore)
    store.go_by(lambda: time.time() + seconds)
    try:
        yield
    finally:
        store.go_by(time.time)
