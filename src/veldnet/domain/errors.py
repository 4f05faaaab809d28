"""Errors of requests: each with a stable error id, an HTTP status and a clear message.

`OSS-214` is ThingPark's own and kept verbatim. All others carry Veldnet's prefix `LDM-`, so that no
invented number passes for a genuine one.
"""

from __future__ import annotations

from typing import Any, ClassVar

from veldnet.texts import Text


class Refusal(Exception):
    """A request that is refused. The text says what was wrong, where, and what would be right, as an English
    form and its values. `message` is the English sentence behind the `prefix` of its kind, which programs
    know."""

    status: ClassVar[int] = 500
    error_id: ClassVar[str] = "LDM-500"
    prefix: ClassVar[str] = ""

    def __init__(self, form: str, /, **values: Any) -> None:
        self.text = form if isinstance(form, Text) else Text(form, **values)
        self.message = f"{self.prefix}{self.text}"
        super().__init__(self.message)


class BadRequest(Refusal):
    """The request cannot be understood or breaks a rule."""

    status = 400
    error_id = "LDM-400"
    prefix = "Bad request: "


class InvalidField(BadRequest):
    """A member or parameter has a value it must not have."""

    error_id = "LDM-401"


class UnusableKey(BadRequest):
    """A public key with which nothing can be encrypted, or not well enough."""

    error_id = "LDM-420"


class MissingField(BadRequest):
    """A mandatory member is absent."""

    error_id = "LDM-402"


class NotUpdatable(BadRequest):
    """The member is fixed at creation."""

    error_id = "LDM-403"


class DuplicateEui(BadRequest):
    """The EUI is registered already."""

    error_id = "LDM-404"

    def __init__(self, eui: str) -> None:
        super().__init__("EUI {eui} is already registered; a DevEUI is globally unique", eui=eui)


class UnknownConnectivityPlan(BadRequest):
    """The plan does not exist or is not granted to the subscriber."""

    error_id = "OSS-214"

    def __init__(self, plan_id: str, operator: int) -> None:
        super().__init__(
            "No ConnectivityPlan for ID: {plan_id} and Operator: {operator}",
            plan_id=plan_id,
            operator=operator,
        )


class UnknownReference(BadRequest):
    """A member names something that does not exist."""

    error_id = "LDM-405"


class NoFreeConnection(BadRequest):
    """Every granted connection of the plan is used."""

    error_id = "LDM-406"


class TooManyDestinations(BadRequest):
    """The routing profile has more application servers than the plan allows."""

    error_id = "LDM-407"


class InUse(BadRequest):
    """Something else still needs it."""

    error_id = "LDM-408"


class WeakKey(BadRequest):
    """A key that is too easy to guess."""

    error_id = "LDM-409"


class Unauthorized(Refusal):
    """Credentials are missing or wrong."""

    status = 401
    error_id = "LDM-410"


class Forbidden(Refusal):
    """The caller is known but may not do this."""

    status = 403
    error_id = "LDM-430"


class ReadOnly(Forbidden):
    """The caller may look but not change."""

    error_id = "LDM-431"

    def __init__(self) -> None:
        super().__init__("your role is read-only; ask for the role read-write")


class Changed(Refusal):
    """Somebody else has changed it since the caller read it."""

    status = 412
    error_id = "LDM-450"

    def __init__(self, what: str) -> None:
        super().__init__(
            "{what} was changed by somebody else since you opened it; load it again and repeat your change",
            what=Text(what),
        )


class NotFound(Refusal):
    """It does not exist, or belongs to somebody else, which looks the same from outside."""

    status = 404
    error_id = "LDM-440"

    def __init__(self, what: str, ref: str) -> None:
        super().__init__("No {what} for ref: {ref}", what=Text(what), ref=ref[:80])


class Conflict(Refusal):
    """It cannot be done as things are now."""

    status = 409
    error_id = "LDM-443"


class NoSpace(Refusal):
    """There is no room for what was sent."""

    status = 507
    error_id = "LDM-470"


class LinkExpired(Refusal):
    """A one-time link was used already, withdrawn, or is too old."""

    status = 410
    error_id = "LDM-442"

    def __init__(self) -> None:
        super().__init__("this link has expired or was used already; ask for a new one")


class SecondFactorNeeded(Forbidden):
    """The session may do nothing until the second factor is shown, or set up."""

    error_id = "LDM-432"


class WrongCode(InvalidField):
    """A code of the second factor is wrong, was used already, or is too old."""

    error_id = "LDM-411"

    def __init__(self) -> None:
        super().__init__(
            "the code is wrong or was used already; enter the one that your authenticator shows now, or a "
            "recovery code"
        )
