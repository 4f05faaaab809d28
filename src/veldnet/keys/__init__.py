"""Join keys and HSM groups behind one interface, `Vault`: root keys go in and never come out."""

from . import labels, master, moving
from .failover import FailoverVault
from .group_orders import GroupKeyOrder, GroupSessionKeys, McKey, Member
from .interface import (
    UNAVAILABLE,
    ClearKey,
    ExchangeKey,
    Form,
    GeneratedAsKey,
    Health,
    Sealed,
    Transported,
    Vault,
    VaultError,
)
from .master_files import MasterFiles, create_master_key
from .rsa import AskForm, parse_rsa_public_key
from .software import SoftwareVault
from .vaults import Vaults

__all__ = [
    "UNAVAILABLE",
    "AskForm",
    "ClearKey",
    "ExchangeKey",
    "FailoverVault",
    "Form",
    "GeneratedAsKey",
    "GroupKeyOrder",
    "GroupSessionKeys",
    "Health",
    "MasterFiles",
    "McKey",
    "Member",
    "Sealed",
    "SoftwareVault",
    "Transported",
    "Vault",
    "VaultError",
    "Vaults",
    "create_master_key",
    "labels",
    "master",
    "moving",
    "parse_rsa_public_key",
    "pkcs11",
    "process",
]
