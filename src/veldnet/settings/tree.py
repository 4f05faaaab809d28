"""The tree of settings."""

from __future__ import annotations

from typing import Annotated

import msgspec

from .cluster import ClusterSettings
from .gateways import GatewaySettings
from .keys import KeySettings
from .location import LocationSettings
from .network import NetworkSettings
from .operation import AlarmSettings, BackupSettings, JournalSettings, LogSettings, MailSettings
from .routing import RoutingSettings
from .server import ServerSettings
from .serving import ApiSettings, ConsoleSettings, TlsSettings
from .sign_in import SignInSettings
from .store import StoreSettings
from .values import about


class Settings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """All settings of Veldnet."""

    data: Annotated[str, about("Directory of the database and the vault.")] = "./veldnet-data"
    server: ServerSettings = ServerSettings()
    store: StoreSettings = StoreSettings()
    cluster: ClusterSettings = ClusterSettings()
    api: ApiSettings = ApiSettings()
    tls: TlsSettings = TlsSettings()
    console: ConsoleSettings = ConsoleSettings()
    sign_in: SignInSettings = SignInSettings()
    gateways: GatewaySettings = GatewaySettings()
    network: NetworkSettings = NetworkSettings()
    routing: RoutingSettings = RoutingSettings()
    keys: KeySettings = KeySettings()
    journal: JournalSettings = JournalSettings()
    alarms: AlarmSettings = AlarmSettings()
    location: LocationSettings = LocationSettings()
    backup: BackupSettings = BackupSettings()
    mail: MailSettings = MailSettings()
    log: LogSettings = LogSettings()


# Old names of settings, which work for one more release.
RENAMED: dict[str, str] = {
    "network.strangers": "network.unknown_device_limit",
    "alarms.unheard": "alarms.inactive_after",
    "routing.refusals": "routing.max_refusals",
    "console.decoder_waiting": "console.decoder_queue",
}
