"""Forgotten passwords: a link by e-mail sets another one."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Connection

from veldnet.api import letters
from veldnet.api.auth.guessing import limit_origin
from veldnet.api.errors import GatewayError
from veldnet.api.routers import SIGN_IN
from veldnet.api.services import Services
from veldnet.asgi import Request
from veldnet.inventory import accounts, audit
from veldnet.inventory.accounts import Addressee, Reset
from veldnet.texts import Language

from .invitations import OneTimeToken


class ResetRequest(msgspec.Struct):
    """A user name or e-mail address, and the language of the e-mail."""

    username: str
    language: Language = "en"


class ResetOf(msgspec.Struct):
    """Whose password a link sets."""

    username: str
    displayName: str


class NewPassword(msgspec.Struct):
    """The token of the link, and the password to be: 8 to 256 characters."""

    token: str
    password: str
    language: Language = "en"


@SIGN_IN.post(
    "/passwordReset",
    "requestPasswordReset",
    "Session",
    "Have a link sent that sets another password.",
    status=204,
    refusals=(409,),
    max_body=4096,
)
async def request_reset(request: Request, services: Services, body: ResetRequest) -> None:
    """The answer, and the time it takes, are the same whether there is such a user or not: the user is looked
    up and the message sent afterwards."""
    if services.mailer is None:
        raise GatewayError(
            409, "This server sends no links by e-mail; ask an administrator to set another password"
        )
    limit_origin(request, services.reset_origins)
    name = body.username.strip()[:254]
    quota = services.reset_names.take(name.lower())
    if name and (quota is None or quota.allowed):
        services.platform.supervisor.start("password reset", _send_links(services, name, body.language))


async def _send_links(services: Services, name: str, language: Language) -> None:
    lifetime = services.platform.settings.sign_in.reset_lifetime
    for to in await services.read(lambda c: accounts.addressees(c, name)):
        token = await services.write(partial(accounts.begin_reset, user=to.user, lifetime=lifetime))
        await send_link(services, to, token, to.language or language)


async def send_link(services: Services, to: Addressee, token: str, language: Language) -> bool:
    """Whether a link was mailed to a user."""
    settings = services.platform.settings.sign_in
    link = letters.page_link(settings.url, "reset", token)
    network = (await services.branding()).name
    message = letters.reset_letter(to, link, settings.reset_lifetime, network, language)
    return await letters.send(services.mailer, to.email, message)


@SIGN_IN.post(
    "/passwordReset/link",
    "openPasswordReset",
    "Session",
    "Whose password a link sets.",
    refusals=(410,),
    max_body=4096,
)
async def open_reset(request: Request, services: Services, body: OneTimeToken) -> ResetOf:
    """For the page that the link leads to; the link stays valid."""
    limit_origin(request, services.link_origins)
    found = await services.read(lambda c: accounts.open_reset(c, body.token))
    return ResetOf(found.username, found.display_name)


@SIGN_IN.post(
    "/passwordReset/password",
    "finishPasswordReset",
    "Session",
    "Set another password with the token of a link.",
    status=204,
    refusals=(410,),
    max_body=4096,
)
async def finish_reset(request: Request, services: Services, body: NewPassword) -> None:
    """The link is used up; all sessions, tokens and API keys of the user end. A second factor stays."""
    limit_origin(request, services.link_origins)
    await services.read(lambda c: accounts.open_reset(c, body.token))
    hashed = await services.secrets.hash(accounts.hash_password, body.password)

    def write(connection: Connection) -> Reset:
        done = accounts.finish_reset(connection, body.token, hashed)
        if services.settings.renew_activations and not done.addressee.user.operator:
            accounts.end_activations(connection, done.addressee.user.ref)
        author = audit.Author(done.addressee.display_name, done.subscriber_ref, done.operator_ref)
        what = f"user {done.addressee.username}"
        audit.note(connection, author, "user.password", what, {"by": "link"})
        return done

    done = await services.write(write)
    services.forget_callers()
    network = (await services.branding()).name
    message = letters.changed_letter(done.addressee, network, done.addressee.language or body.language)
    services.platform.supervisor.start("password notice", _notify(services, done.addressee.email, message))


async def _notify(services: Services, to: str, message: Any) -> None:
    await letters.send(services.mailer, to, message)
