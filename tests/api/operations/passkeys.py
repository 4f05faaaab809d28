"""Examples of the operations of passkeys, with an authenticator in software."""

from __future__ import annotations

from typing import Any

from tests.api.operations.example import Example
from tests.passkeys import Authenticator
from tests.person import Person

# The public address of the server with the examples.
URL = "http://localhost"


def _own(world: Any) -> tuple[Authenticator, Person, str]:
    """A passkey of the world's user, who has no other second factor; its ref."""
    world.bare()
    person: Person = world.user
    authenticator = Authenticator(URL)
    options = person.call("POST", "/api/v1/passkeys/enrolment", _password(world))
    body = authenticator.create(options) | {"name": "Phone"}
    made = person.call("POST", "/api/v1/passkeys", body)
    return authenticator, person, str(made["passkey"]["ref"])


def _password(world: Any) -> dict[str, str]:
    return {"password": world.account.thingpark_password}


def _begin(world: Any) -> Example:
    world.bare()
    return Example(body=_password(world))


def _add(world: Any) -> Example:
    world.bare()
    options = world.user.call("POST", "/api/v1/passkeys/enrolment", _password(world))
    return Example(body=Authenticator(URL).create(options) | {"name": "Phone"})


def _rename(world: Any) -> Example:
    return Example({"passkeyRef": _own(world)[2]}, {"name": "Tablet"})


def _enter(world: Any) -> Example:
    authenticator = _own(world)[0]
    http = world.server.connect()
    options = http.post("/api/v1/session/passkey/challenge", json={}).json()
    return Example(body=authenticator.show(options), anonymous=True, cookies=dict(http.cookies))


def _ask_factor(world: Any) -> Example:
    _own(world)
    return Example(body={})


def _show(world: Any) -> Example:
    authenticator, person, _ref = _own(world)
    options = person.call("POST", "/api/v1/session/secondFactor/passkey/challenge", {})
    return Example(body=authenticator.show(options))


def _remove(world: Any) -> Example:
    return Example({"passkeyRef": _own(world)[2]}, _password(world))


EXAMPLES = {
    "beginPasskey": _begin,
    "addPasskey": _add,
    "renamePasskey": _rename,
    "askForPasskey": lambda _world: Example(body={}, anonymous=True),
    "signInWithPasskey": _enter,
    "askForSecondFactor": _ask_factor,
    "showPasskey": _show,
    "listPasskeys": lambda _world: Example(),
    "removePasskey": _remove,
}
