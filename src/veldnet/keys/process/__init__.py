"""A vault in a separate process, so that root keys are not in the memory of the network server.

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
