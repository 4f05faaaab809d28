"""What an access token looks like: random text, or a JSON Web Token (RFC 7519) for clients that read one.

Either way it is looked up by its digest, so that it can be revoked; who holds one is told by `tokeninfo`, and
nobody needs to check the signature, whose key is thrown away."""

from __future__ import annotations

import time

from veldnet.api.services import Services
from veldnet.inventory.accounts import random_text

_OCTETS = 28


def new_token(services: Services, client_id: str, scopes: list[str], lifetime: int) -> str:
    """A token as the settings want it, valid for so many seconds."""
    random = random_text(_OCTETS)
    if not services.settings.jwt_tokens:
        return random
    # Few servers want it, and it takes time to load.
    from joserfc import jwt
    from joserfc.jwk import OctKey

    now = int(time.time())
    claims = {
        "sub": client_id,
        "client_id": client_id,
        "scope": scopes,
        "iat": now,
        "exp": now + lifetime,
        "jti": random,
    }
    return jwt.encode({"alg": "HS256", "typ": "JWT"}, claims, OctKey.generate_key(256))
