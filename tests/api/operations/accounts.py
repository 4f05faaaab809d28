"""Examples of the operations on accounts: sessions, users, second factors."""

from __future__ import annotations

from typing import Any

from tests.api.operations.example import Example, Make, plain
from tests.api.operations.world import PASSWORD, World
from tests.authenticator import Enrolled, code_at
from tests.person import Person


def _another(world: World) -> tuple[str, Person]:
    """A new user of the subscriber who has signed in."""
    ref = world.new_user()
    name = next(user["username"] for user in world.v1("GET", "/users") if user["ref"] == ref)
    return ref, Person(world.server, name, PASSWORD)


def _other_session(world: World) -> str:
    """Another session of the world's user."""
    account = world.account
    Person(world.server, account.thingpark_username, account.thingpark_password)
    return str(next(each["id"] for each in world.v1("GET", "/sessions") if not each["current"]))


def _session_of_another(world: World) -> dict[str, str]:
    ref, _person = _another(world)
    sessions = world.v1("GET", f"/users/{ref}/access")["sessions"]
    return {"userRef": ref, "sessionId": sessions[0]["id"]}


def _key_of_another(world: World) -> dict[str, str]:
    ref, person = _another(world)
    return {"userRef": ref, "keyRef": person.call("POST", "/api/v1/apiKeys", {"name": "K"})["ref"]}


def _with_factor(world: World) -> str:
    ref, person = _another(world)
    Enrolled(person, PASSWORD, world.server.clock())
    return ref


def _begun(world: World) -> str:
    """The first code of a second factor that is being set up."""
    body = {"password": world.account.thingpark_password}
    made = world.v1("POST", "/secondFactor/enrolment", body)
    return code_at(made["secret"], world.server.clock() + 3)


def _invitation(world: World) -> Any:
    return world.v1("POST", "/invitations", {"email": f"i{world.number()}@example.com", "role": "ro"})


def _reset(world: World) -> str:
    """The token of a link; the mail server does not answer."""
    return str(world.v1("POST", f"/users/{world.new_user()}/passwordReset", {})["token"])


EXAMPLES: dict[str, Make] = {
    "getSignInOptions": plain(anonymous=True),
    "listSessions": plain(),
    "endSession": lambda w: Example({"sessionId": _other_session(w)}),
    "endOtherSessions": plain(),
    "listApiKeys": plain(),
    "createApiKey": plain(body={"name": "CI", "scope": "read", "days": 30}),
    "revokeApiKey": lambda w: Example({"keyRef": w.v1("POST", "/apiKeys", {"name": "K"})["ref"]}),
    "listInvitations": plain(),
    "inviteUser": plain(body={"email": "new@example.com", "role": "rw"}),
    "renewInvitation": lambda w: Example({"invitationRef": _invitation(w)["invitation"]["ref"]}, {}),
    "withdrawInvitation": lambda w: Example({"invitationRef": _invitation(w)["invitation"]["ref"]}),
    "openInvitation": lambda w: Example(body={"token": _invitation(w)["token"]}, anonymous=True),
    "acceptInvitation": lambda w: Example(
        body={
            "token": _invitation(w)["token"],
            "username": "invited",
            "displayName": "I",
            "password": PASSWORD,
        },
        anonymous=True,
    ),
    "requestPasswordReset": plain(body={"username": "nobody@example.com"}, anonymous=True),
    "openPasswordReset": lambda w: Example(body={"token": _reset(w)}, anonymous=True),
    "finishPasswordReset": lambda w: Example(body={"token": _reset(w), "password": PASSWORD}, anonymous=True),
    "listColleagues": plain(),
    "changeColleague": lambda w: Example({"userRef": w.new_user()}, {"role": "rw"}),
    "removeColleague": lambda w: Example({"userRef": w.new_user()}),
    "getUserAccess": lambda w: Example({"userRef": w.new_user()}),
    "endUserSession": lambda w: Example(_session_of_another(w)),
    "endUserSessions": lambda w: Example({"userRef": w.new_user()}),
    "revokeUserApiKey": lambda w: Example(_key_of_another(w)),
    "resetUserPassword": lambda w: Example({"userRef": w.new_user()}, {}),
    "resetSecondFactor": lambda w: Example({"userRef": _with_factor(w)}, {}),
    "resetUserSecondFactor": lambda w: Example({"kind": "subscriber", "userRef": _with_factor(w)}),
    "getSecondFactor": plain(),
    "listIdentities": plain(),
    "unlinkIdentity": lambda w: Example({"identityRef": w.identity()}),
    "newRecoveryCodes": lambda w: Example(body={"code": w.enrolled().pop()}),
    "showCode": lambda w: Example(body={"code": w.enrolled().pop()}),
    "removeSecondFactor": lambda w: Example(body={"code": w.enrolled().pop()}),
    "beginSecondFactor": lambda w: Example(body={"password": w.account.thingpark_password}),
    "confirmSecondFactor": lambda w: Example(body={"code": _begun(w)}),
}  # fmt: skip

# They end the session.
ENDING: dict[str, Make] = {
    "changePassword": lambda w: Example(
        body={"currentPassword": w.account.thingpark_password, "newPassword": PASSWORD}
    ),
    "signOut": plain(),
}
