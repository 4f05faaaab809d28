"""Signing in with an identity provider: OpenID Connect Core 1.0, authorization code with PKCE.

What a provider answers is read as hostile: bounded, never redirected, checked against what was asked. A
person is known by issuer and `sub` alone."""

from .client import OpenIdClient
from .exchange import Attempt, Person, ProviderProblem, Registration

__all__ = ["Attempt", "OpenIdClient", "Person", "ProviderProblem", "Registration"]
