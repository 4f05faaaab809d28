"""For customers and their application servers: open what the network cannot read, and answer it.

The network wraps each device's AppSKey under an AS key that only its vault and the customer have. With the
customer's RSA key this opens the AS key, with that the AppSKey of an uplink, with that its payload; and it
encrypts and signs downlinks.
"""

from .keys import (
    AsKey,
    ClientError,
    create_rsa_key,
    load_rsa_key,
    open_as_key,
    private_pem,
    public_pem,
)
from .messages import Downlink, Message, read_message
from .signing import Signer, signed_downlink_query, token_fits
from .transport import encrypt_app_key, wrap_app_key

__all__ = [
    "AsKey",
    "ClientError",
    "Downlink",
    "Message",
    "Signer",
    "create_rsa_key",
    "encrypt_app_key",
    "load_rsa_key",
    "open_as_key",
    "private_pem",
    "public_pem",
    "read_message",
    "signed_downlink_query",
    "token_fits",
    "wrap_app_key",
]
