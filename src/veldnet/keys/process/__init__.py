"""A vault in a process of its own: whoever owns the network server's memory owns no root key.

The two talk over a socket pair that only they have, in frames of MessagePack whose types are checked.
"""

from .remote import Proof, RemoteVault
from .serving import send_failure, serve_vault
from .vault_process import Starter

__all__ = [
    "Proof",
    "RemoteVault",
    "Starter",
    "hardening",
    "send_failure",
    "serve_vault",
]
