"""Invitations of colleagues, by administrators, and their acceptance by the invited."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from veldnet.api import letters
from veldnet.api.auth.guessing import limit_origin
from veldnet.api.errors import GatewayError
from veldnet.api.routers import ADMINISTRATOR, SIGN_IN
from veldnet.api.services import Services
from veldnet.asgi import Request
from veldnet.domain.errors import BadRequest
from veldnet.domain.scope import Role, Scope
from veldnet.inventory import accounts, audit
from veldnet.inventory.accounts import Invitation, Invited, Link
from veldnet.texts import Language


class NewInvitation(msgspec.Struct):
    """Whom to invite, with which role; `language` is that of the e-mail."""

    email: str
    role: Role = "ro"
    language: Language = "en"


class SentInvitation(msgspec.Struct):
    """An invitation. `mailed`: whether the mail server accepted the message; where it did not, `token` is
    what the link `/console/invitation#<token>` needs, to be passed on. It is in this answer only."""

    invitation: Invitation
    mailed: bool
    token: str | None


class LinkLanguage(msgspec.Struct):
    """The language of the e-mail."""

    language: Language = "en"


class OneTimeToken(msgspec.Struct):
    """The token of a link."""

    token: str


class Acceptance(msgspec.Struct):
    """The token of the link, and the user to be: a password has 8 to 256 characters."""

    token: str
    username: str
    displayName: str
    password: str


@ADMINISTRATOR.get("/invitations", "listInvitations", "Users", "Invitations that are not accepted yet.")
async def list_invitations(services: Services, scope: Scope) -> list[Invitation]:
    """The newest first; those that have expired stay until they are withdrawn or sent again."""
    return await services.read(lambda c: accounts.list_invitations(c, scope.subscriber_ref))


@ADMINISTRATOR.post(
    "/invitations",
    "inviteUser",
    "Users",
    "Invite somebody to become a user of the subscriber.",
    status=201,
    max_body=4096,
)
async def invite(services: Services, scope: Scope, body: NewInvitation) -> SentInvitation:
    """Send a link that works once; an earlier one to the same address is void."""
    _limit(services, scope)
    lifetime = services.platform.settings.sign_in.invitation_lifetime
    link = await services.change(
        lambda c: accounts.invite(
            c, scope.subscriber_ref, body.email, body.role, by=scope.display_name, lifetime=lifetime
        ),
        by=scope,
        action="user.invited",
        what=f"invitation {body.email.strip()[:254]}",
        details={"role": body.role},
    )
    return await _send(services, scope, link, body.language)


@ADMINISTRATOR.post(
    "/invitations/{invitationRef}/link",
    "renewInvitation",
    "Users",
    "Send a new link for an invitation; the one before is void.",
    max_body=4096,
)
async def renew(invitation_ref: str, services: Services, scope: Scope, body: LinkLanguage) -> SentInvitation:
    _limit(services, scope)
    lifetime = services.platform.settings.sign_in.invitation_lifetime
    link = await services.change(
        lambda c: accounts.renew_invitation(c, scope.subscriber_ref, invitation_ref, lifetime),
        by=scope,
        action="user.invited",
        what=f"invitation {invitation_ref}",
    )
    return await _send(services, scope, link, body.language)


def _limit(services: Services, scope: Scope) -> None:
    quota = services.invitations.take(str(scope.subscriber_ref))
    if quota is not None and not quota.allowed:
        raise GatewayError(429, "Too many invitations; wait a minute", {"retry-after": "60"})


async def _send(services: Services, scope: Scope, link: Link, language: Language) -> SentInvitation:
    if services.mailer is None:
        return SentInvitation(link.invitation, False, link.token)
    invited = await services.read(lambda c: accounts.open_invitation(c, link.token))
    address = letters.page_link(services.platform.settings.sign_in.url, "invitation", link.token)
    network = (await services.branding()).name
    message = letters.invitation_letter(link.invitation, invited.subscriber, address, network, language)
    mailed = await letters.send(services.mailer, link.invitation.email, message)
    return SentInvitation(link.invitation, mailed, None if mailed else link.token)


@ADMINISTRATOR.delete(
    "/invitations/{invitationRef}", "withdrawInvitation", "Users", "Withdraw an invitation; its link is void."
)
async def withdraw(invitation_ref: str, services: Services, scope: Scope) -> None:
    await services.change(
        lambda c: accounts.withdraw_invitation(c, scope.subscriber_ref, invitation_ref),
        by=scope,
        action="user.invitationWithdrawn",
        what=f"invitation {invitation_ref}",
    )


@SIGN_IN.post(
    "/invitation",
    "openInvitation",
    "Session",
    "What the link of an invitation invites to.",
    refusals=(410,),
    max_body=4096,
)
async def open_invitation(request: Request, services: Services, body: OneTimeToken) -> Invited:
    """For the page that the link leads to; the link stays valid."""
    limit_origin(request, services.link_origins)
    return await services.read(lambda c: accounts.open_invitation(c, body.token))


@SIGN_IN.post(
    "/invitation/acceptance",
    "acceptInvitation",
    "Session",
    "Accept an invitation: become a user, who then signs in.",
    status=204,
    refusals=(410,),
    max_body=4096,
)
async def accept(request: Request, services: Services, body: Acceptance) -> None:
    """The link is used up."""
    limit_origin(request, services.link_origins)
    await services.read(lambda c: accounts.open_invitation(c, body.token))
    if body.password == body.username:
        raise BadRequest("the password must differ from the user name")
    hashed = await services.secrets.hash(accounts.hash_password, body.password)

    def write(connection: Connection) -> None:
        done = accounts.accept_invitation(
            connection, body.token, body.username, hashed, body.displayName or body.username
        )
        author = audit.Author(done.user.displayName, done.subscriber_ref, done.operator_ref)
        details = {"invitedBy": done.invited_by, "role": done.user.role}
        audit.note(connection, author, "user.created", f"user {done.user.username}", details)

    await services.write(write)
