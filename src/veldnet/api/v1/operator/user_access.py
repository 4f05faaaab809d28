"""Access of users, for the operator: the second factor of somebody who has lost it."""

from __future__ import annotations

from sqlalchemy import Connection

from veldnet.api import letters
from veldnet.api.errors import language_of
from veldnet.api.routers import OPERATOR
from veldnet.api.services import Services
from veldnet.asgi import Request
from veldnet.domain.errors import BadRequest
from veldnet.domain.scope import OperatorScope, UserRef
from veldnet.inventory import accounts
from veldnet.inventory.accounts import Addressee
from veldnet.store.schema import operator_users

from .customers import own_user


@OPERATOR.post(
    "/users/{kind}/{userRef}/secondFactor/reset",
    "resetUserSecondFactor",
    "Operator",
    "Remove the second factor of a user who has lost it.",
    status=204,
)
async def reset_factor(
    request: Request,
    kind: str,
    user_ref: str,
    services: Services,
    operator: OperatorScope,
) -> None:
    """Its sessions end; it is recorded, and the user is notified by e-mail, in the language that it has
    chosen."""

    def write(connection: Connection) -> Addressee | None:
        table, ref = own_user(connection, operator, kind, user_ref)
        user = UserRef(ref, table is operator_users)
        if not accounts.remove_second_factor(connection, user):
            raise BadRequest("this user has no second factor")
        accounts.end_sessions(connection, user)
        return accounts.addressee(connection, user)

    found = await services.change(
        write, by=operator, action="user.secondFactorReset", what=f"{kind} user {user_ref}"
    )
    services.sessions.forget()
    if found is not None:
        network = (await services.branding()).name
        language = found.language or language_of(request)
        message = letters.factor_letter(found, operator.display_name, network, language)
        await letters.send(services.mailer, found.email, message)
