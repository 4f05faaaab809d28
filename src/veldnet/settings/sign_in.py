"""Settings of signing in."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from .values import Duration, about


class ProviderSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """An identity provider (OpenID Connect). Its users get an account at their first sign-in if
    `create_users` is set: at the subscriber that `subscribers` gives for a value of `subscriber_claim`, or at
    `subscriber`, with the role that `roles` gives for a value of `role_claim`, or `role`."""

    issuer: str
    client_id: str
    client_secret_file: str = ""
    label: str = ""
    scopes: str = "openid profile email"
    create_users: bool = False
    subscriber: str = ""
    subscriber_claim: str = ""
    subscribers: dict[str, str] = {}
    role: Literal["", "ro", "rw", "admin"] = ""
    role_claim: str = ""
    roles: dict[str, Literal["ro", "rw", "admin"]] = {}
    # Whether the provider itself asks for a second factor, so that none is asked for here.
    second_factor: bool = False


class SignInSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Signing in to the console: links in e-mails, second factors, identity providers."""

    url: Annotated[
        str,
        about(
            "Public address of the server, such as https://lora.example.com. Without it no links are sent by "
            "e-mail, and neither identity providers nor passkeys can be used. Passkeys need https and a "
            "host name."
        ),
    ] = ""
    invitation_lifetime: Annotated[Duration, about("How long the link of an invitation is valid.")] = (
        Duration(7 * 86_400)
    )
    reset_lifetime: Annotated[Duration, about("How long a link that resets a password is valid.")] = Duration(
        1800
    )
    second_factor: Annotated[
        tuple[Literal["operator", "admin", "rw", "ro"], ...],
        about(
            "Who must use a second factor: operator for users of operators, admin, rw and ro for users of "
            "subscribers by role."
        ),
    ] = ()
    providers: Annotated[
        dict[str, ProviderSettings],
        about(
            "Identity providers (OpenID Connect) by a short name: see accounts.md; JSON in the environment."
        ),
    ] = {}
