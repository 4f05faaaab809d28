"""One typed tree of settings: from `veldnet.toml`, then the environment, then flags. Unknown keys are errors.

The sample file and the documentation page are generated from this tree.
"""

from .cluster import ROLES, ClusterSettings, Role
from .gateways import GatewaySettings
from .keys import KeySettings, ModuleSettings, VaultSettings
from .loading import API_KEY_VARIABLE, FILE, FILE_VARIABLE, OnOldName, load_settings
from .location import LocationSettings
from .network import NetworkSettings
from .operation import AlarmSettings, BackupSettings, JournalSettings, LogSettings, MailSettings
from .routing import RoutingSettings
from .sample import Setting, describe, sample_file
from .server import ServerSettings
from .serving import ApiSettings, ConsoleSettings, TlsSettings
from .sign_in import ProviderSettings, SignInSettings
from .store import StoreSettings
from .tree import RENAMED, Settings
from .values import Address, Duration, OptionalAddress, Processes, SettingsError

__all__ = [
    "API_KEY_VARIABLE",
    "FILE",
    "FILE_VARIABLE",
    "RENAMED",
    "ROLES",
    "Address",
    "AlarmSettings",
    "ApiSettings",
    "BackupSettings",
    "ClusterSettings",
    "ConsoleSettings",
    "Duration",
    "GatewaySettings",
    "JournalSettings",
    "KeySettings",
    "LocationSettings",
    "LogSettings",
    "MailSettings",
    "ModuleSettings",
    "NetworkSettings",
    "OnOldName",
    "OptionalAddress",
    "Processes",
    "ProviderSettings",
    "Role",
    "RoutingSettings",
    "ServerSettings",
    "Setting",
    "Settings",
    "SettingsError",
    "SignInSettings",
    "StoreSettings",
    "TlsSettings",
    "VaultSettings",
    "describe",
    "load_settings",
    "sample_file",
]
