"""One typed tree of settings: from `veldnet.toml`, then the environment, then flags. Unknown keys are errors.

The sample file and the documentation page are generated from this tree.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta


class SettingsError(Exception):
    """A setting is unknown or has a value it must not have."""


class Duration(float):
    """Seconds. Written as a number of seconds, or with a unit: `200ms`, `10s`, `5m`, `24h`, `35d`."""

    _UNITS: ClassVar[dict[str, float]] = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
    _FORM: ClassVar[re.Pattern[str]] = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?")

    @classmethod
    def parse(cls, value: object) -> Duration:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return cls(value)
        found = cls._FORM.fullmatch(str(value).strip())
        if found is None:
            raise ValueError(f"{value!r} is not a duration; write for example 200ms, 10s, 5m, 24h or 35d")
        return cls(float(found[1]) * cls._UNITS[found[2] or "s"])


class Address(str):
    """`HOST:PORT`; an IPv6 host stands in brackets. Port 0 takes any free one."""

    @property
    def host(self) -> str:
        return self.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        return int(self.rpartition(":")[2])

    @classmethod
    def parse(cls, value: object) -> Address:
        text = str(value)
        host, _colon, port = text.rpartition(":")
        if not host or not (port.isascii() and port.isdigit()) or int(port) > 65_535:
            raise ValueError(f"{text!r} is not HOST:PORT")
        return cls(text)


class OptionalAddress(Address):
    """`HOST:PORT`, or nothing where nobody is listened to."""

    @classmethod
    def parse(cls, value: object) -> OptionalAddress:
        return cls("") if value == "" else cls(Address.parse(value))


def _help(text: str, **limits: Any) -> Meta:
    return Meta(description=text, **limits)


class ApiSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The HTTP API."""

    http: Annotated[Address, _help("Listen address for HTTP.")] = Address("127.0.0.1:8080")
    rate_limit: Annotated[float, _help("Requests per second per project; 0 is unlimited.", ge=0)] = 10.0
    token_lifetime: Annotated[Duration, _help("Lifetime of access tokens.")] = Duration(3600)
    hsm_required: Annotated[
        bool, _help("Whether a device must name an HSM group, as KPN requires in version 1.2.")
    ] = True
    legacy_abp: Annotated[
        bool, _help("Whether api-version v1.1.1 may create ABP devices, which have no root key.")
    ] = False
    max_body: Annotated[int, _help("Largest request body in bytes.", ge=1024)] = 1_048_576
    renew_activations: Annotated[
        bool,
        _help(
            "Whether projects must be activated again after a change of the password or role of their user."
        ),
    ] = True
    connections: Annotated[
        int,
        _help(
            "Maximum number of connections, fewer if the system limits open files. If all are used, "
            "the connection that has been idle longest is closed.",
            ge=10,
        ),
    ] = 2000
    connections_per_address: Annotated[
        int, _help("Maximum connections per client address (IPv6: per /64), except trusted proxies.", ge=1)
    ] = 100
    probe_connections: Annotated[
        int, _help("Additional connections that serve only /healthz, /readyz and /metrics.", ge=1)
    ] = 32
    trusted_proxies: Annotated[
        tuple[str, ...],
        _help(
            "Addresses or networks (10.0.0.0/24) of reverse proxies: their X-Forwarded-For and "
            "X-Forwarded-Proto are trusted, and their connections are not limited."
        ),
    ] = ("127.0.0.1", "::1")
    header_timeout: Annotated[Duration, _help("Timeout for the header of a request.")] = Duration(10)
    request_timeout: Annotated[Duration, _help("Timeout for the body of a request.")] = Duration(60)
    idle_timeout: Annotated[Duration, _help("Timeout of idle connections.")] = Duration(65)
    write_timeout: Annotated[
        Duration,
        _help("Close the connection of a client that reads a response slower than 1 KiB/s for this long."),
    ] = Duration(20)


class TlsSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """HTTPS on the address `api.http`."""

    certificate: Annotated[
        str,
        _help(
            "File with the certificate and its chain in PEM form; empty serves HTTP. It is loaded again when "
            "it changes, and on SIGHUP."
        ),
    ] = ""
    key: Annotated[str, _help("File with the private key in PEM form, closed to other users.")] = ""
    warn_before: Annotated[Duration, _help("Raise an alarm so long before the certificate expires.")] = (
        Duration(14 * 86_400)
    )


class GatewaySettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Base stations."""

    udp: Annotated[Address, _help("Listen address for Semtech UDP packet forwarders.")] = Address(
        "0.0.0.0:1700"
    )
    basics_station: Annotated[
        OptionalAddress, _help("Listen address for LoRa Basics Station (LNS); empty: not served.")
    ] = OptionalAddress("")
    basics_station_certificate: Annotated[
        str, _help("Certificate file (PEM, with its chain) for Basics Station; empty: that of `tls`, if any.")
    ] = ""
    basics_station_key: Annotated[str, _help("Private key file (PEM) of that certificate.")] = ""
    basics_station_client_ca: Annotated[
        str,
        _help(
            "File with the authorities (PEM) whose client certificates prove who a base station is; their "
            "common name is its EUI."
        ),
    ] = ""
    basics_station_authentication: Annotated[
        Literal["auto", "required", "none"],
        _help(
            "Whether base stations must present a token or a client certificate; auto: yes, but for an "
            "address of this machine without TLS."
        ),
    ] = "auto"
    basics_station_uri: Annotated[
        str,
        _help("Public address of the LNS, such as wss://lns.example.org:8887; empty: the one they asked."),
    ] = ""


class NetworkSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The network server."""

    net_id: Annotated[str, _help("NetID, six hexadecimal digits.", pattern="^[0-9A-Fa-f]{6}$")] = "000000"
    lrc_id: Annotated[
        str, _help("Identifier of this network server in messages.", pattern="^[0-9A-Fa-f]{8}$")
    ] = "00000001"
    region: Annotated[str, _help("Region of the network.")] = "EU868"
    more_regions: Annotated[
        tuple[str, ...], _help("Additional regions; a device uses the region of its device profile.")
    ] = ()
    extra_channels: Annotated[
        tuple[int | str, ...],
        _help(
            "Channels in addition to the defaults of regions with dynamic channel plans, in Hz; REGION=HZ "
            "if several regions contain the frequency. The first five of a region are sent in join-accepts."
        ),
    ] = (
        "EU868=867100000",
        "EU868=867300000",
        "EU868=867500000",
        "EU868=867700000",
        "EU868=867900000",
    )
    sub_bands: Annotated[
        tuple[int, ...],
        _help("Sub-bands used in regions with a fixed plan (US915, AU915, CN470), 1 for channels 0 to 7."),
    ] = ()
    rx1_frequencies: Annotated[
        tuple[str, ...],
        _help("Other RX1 frequencies, as UPLINK=DOWNLINK in Hz; sent to devices with DlChannelReq."),
    ] = ()
    rx1_delay: Annotated[int, _help("Seconds between an uplink and RX1.", ge=1, le=15)] = 1
    rx2_data_rate: Annotated[
        int,
        _help(
            "Data rate of RX2 in `region` unless set in the profile; -1 uses the default of the region.",
            ge=-1,
            le=15,
        ),
    ] = -1
    uplink_dwell: Annotated[
        Literal["region", "on", "off"], _help("Dwell time limit of 400 ms for uplinks, in AS923 and AU915.")
    ] = "region"
    downlink_dwell: Annotated[
        Literal["region", "on", "off"], _help("Dwell time limit of 400 ms for downlinks, in AS923 and AU915.")
    ] = "region"
    repeater: Annotated[bool, _help("Limit payload sizes for operation with repeaters.")] = False
    duty_cycle: Annotated[bool, _help("Enforce the duty cycles of sub-bands at base stations.")] = True
    adr_ack_limit_exp: Annotated[int, _help("ADR_ACK_LIMIT of 1.1 devices is 2 to this.", ge=0, le=15)] = 6
    adr_ack_delay_exp: Annotated[int, _help("ADR_ACK_DELAY of 1.1 devices is 2 to this.", ge=0, le=15)] = 5
    rejoin_time_exp: Annotated[
        int,
        _help(
            "1.1 devices rejoin at least every 2^(this + 10) seconds; -1 lets the device decide.",
            ge=-1,
            le=15,
        ),
    ] = -1
    rejoin_count_exp: Annotated[
        int,
        _help("1.1 devices rejoin at least every 2^(this + 4) uplinks; needs rejoin_time_exp.", ge=0, le=15),
    ] = 15
    deduplication_window: Annotated[
        Duration, _help("How long copies of a frame are collected; must be well below the RX1 delay.")
    ] = Duration(0.2)
    unknown_device_limit: Annotated[
        int,
        _help(
            "Maximum frames of devices without a session, including join-requests, per base station and "
            "deduplication window. A real gateway cannot receive more, so the excess is treated as forged; "
            "raise it for load tests.",
            ge=1,
            le=100_000,
        ),
    ] = 8
    mean_per: Annotated[
        Literal["window50", "ewma"],
        _help("MeanPER over a window of 50 frames (ThingPark 7.3) or exponentially smoothed (7.2)."),
    ] = "window50"
    adr_margin: Annotated[float, _help("Installation margin of ADR v2 in dB.", ge=0, le=30)] = 10.0
    device_capacity: Annotated[int, _help("Maximum number of devices kept in memory.", ge=100)] = 200_000
    commit_interval: Annotated[Duration, _help("Maximum delay of a group commit.")] = Duration(0.010)
    commit_size: Annotated[int, _help("Number of records that triggers a group commit.", ge=1)] = 500


class RoutingSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Application servers."""

    allow_private_destinations: Annotated[
        bool, _help("Whether messages may be sent to private addresses, such as localhost.")
    ] = False
    retention: Annotated[
        Duration, _help("How long an unanswered message is retried; 0 disables retries, as ThingPark does.")
    ] = Duration(86_400)
    first_retry: Annotated[
        Duration, _help("Delay before the second attempt; doubles with each further attempt.")
    ] = Duration(1)
    longest_retry: Annotated[Duration, _help("Maximum delay between two attempts.")] = Duration(300)
    connect_timeout: Annotated[Duration, _help("Connect timeout.")] = Duration(5)
    total_timeout: Annotated[Duration, _help("Response timeout.")] = Duration(10)
    connections_per_destination: Annotated[
        int,
        _help(
            "Maximum parallel requests to one destination; the actual number adapts to its response times.",
            ge=1,
        ),
    ] = 256
    connections: Annotated[int, _help("Maximum parallel requests to all destinations.", ge=1, le=100_000)] = (
        2048
    )
    max_refusals: Annotated[
        int,
        _help(
            "How often a message may be refused (for example with 500) before it is set aside as "
            "undelivered, if the same application server accepts others.",
            ge=1,
            le=1000,
        ),
    ] = 5
    messages_in_memory: Annotated[
        int, _help("Maximum pending messages kept in memory; others stay in the store.", ge=100)
    ] = 20_000
    as_key_entropy: Annotated[
        float,
        _help(
            "Minimum entropy of an asKey in bits per hexadecimal digit, from the digit frequencies: 0 for "
            "one repeated digit, 4 for sixteen equally frequent ones, about 3.5 for a random "
            "key. 0 accepts any key.",
            ge=0,
            le=4,
        ),
    ] = 2.0
    require_signed_downlinks: Annotated[
        bool,
        _help("Refuse downlinks to devices whose routing has no AS key; ThingPark accepts them unsigned."),
    ] = False


class ModuleSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A token of a PKCS#11 module that serves a vault."""

    module: str
    token: str = ""
    pin_file: str = ""
    sessions: Annotated[int, Meta(ge=1, le=64)] = 1


class VaultSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A vault for HSM groups: tokens with the same master keys, with failover."""

    modules: Annotated[tuple[ModuleSettings, ...], Meta(min_length=1)]
    key_label: str = "veldnet-master"


class KeySettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The vault."""

    vault: Annotated[
        str,
        _help("Default vault: software, pkcs11 for the module below, or the name of one of `vaults`."),
    ] = "software"
    vaults: Annotated[
        dict[str, VaultSettings],
        _help(
            "Further vaults for HSM groups: each with `modules` (module, token, pin_file, sessions) "
            "and `key_label`; JSON in the environment."
        ),
    ] = {}
    process: Annotated[
        bool,
        _help(
            "Whether the vault runs in a separate process, so that root keys are not in the server's memory."
        ),
    ] = True
    user: Annotated[str, _help("User of the vault process if the server starts as root.")] = ""
    module: Annotated[str, _help("Shared library of the PKCS#11 module.")] = ""
    token: Annotated[str, _help("Label of the token; may be empty if there is only one.")] = ""
    key_label: Annotated[str, _help("Label of the master key on the token.")] = "veldnet-master"
    pin_file: Annotated[
        str, _help("File with the PIN; otherwise the environment variable PKCS11_PIN, or a prompt.")
    ] = ""
    sessions: Annotated[
        int, _help("Parallel sessions with the module, if it supports them.", ge=1, le=64)
    ] = 1
    ask_plaintext: Annotated[
        Literal["raw", "hex"],
        _help("Encoding of the AS key before RSA encryption: 16 raw bytes, or 32 hexadecimal digits."),
    ] = "raw"
    ask_padding: Annotated[
        Literal["pkcs1v15", "oaep-sha1", "oaep-sha256"],
        _help("RSA padding of the AS key. KPN uses pkcs1v15; SoftHSM 2 does not support oaep-sha256."),
    ] = "pkcs1v15"
    master_key: Annotated[
        str, _help("File of the master key; empty uses vault/master.key in the data directory.")
    ] = ""

    def vault_of(self, name: str) -> VaultSettings | None:
        """The settings of a vault by its name, empty for the default one; None for the software vault."""
        wanted = name or self.vault
        if wanted == "software":
            return None
        if wanted == "pkcs11":
            module = ModuleSettings(self.module, self.token, self.pin_file, self.sessions)
            return VaultSettings((module,), self.key_label)
        return self.vaults[wanted]


class JournalSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Retention of the journal."""

    frames: Annotated[Duration, _help("Retention of frame rows.")] = Duration(400 * 86_400)
    bodies: Annotated[Duration, _help("Retention of record bodies and delivery results.")] = Duration(
        35 * 86_400
    )
    statistics: Annotated[
        Duration, _help("Retention of hourly totals of fleets, plans and base stations.")
    ] = Duration(1095 * 86_400)
    audit: Annotated[Duration, _help("Retention of the audit log.")] = Duration(1095 * 86_400)


class AlarmSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Alarms of devices and base stations."""

    enabled: Annotated[
        bool, _help("Enables alarms, health and hourly totals; off to measure their cost.")
    ] = True
    severities: Annotated[
        tuple[str, ...],
        _help("Overrides of severities, such as 10=MAJOR, or by occurrences 10=WARNING,MAJOR@50."),
    ] = ()
    inactive_after: Annotated[
        Duration,
        _help("Time without an uplink after which a device without alarmThresholds is RF_CNX_ERROR."),
    ] = Duration(7 * 86_400)
    learnt_factor: Annotated[
        float,
        _help(
            "Raise alarm 004 for devices without alarmThresholds after this multiple of their longest usual "
            "interval; 0 is off.",
            ge=0,
            le=1000,
        ),
    ] = 0.0
    check_interval: Annotated[
        Duration, _help("How often inactive devices and base stations are checked.")
    ] = Duration(15)
    base_station_silence: Annotated[
        Duration, _help("Time without a datagram after which a base station is disconnected.")
    ] = Duration(180)
    base_station_no_frames: Annotated[
        Duration, _help("Time without a frame after which a connected base station raises alarm 103.")
    ] = Duration(12 * 3600)
    history: Annotated[Duration, _help("Retention of cleared alarms in the history.")] = Duration(15 * 86_400)
    notification_window: Annotated[
        Duration, _help("How long alarm changes are collected for one message.")
    ] = Duration(60)
    notification_interval: Annotated[
        Duration, _help("Minimum interval between two messages to the same customer or operator.")
    ] = Duration(600)


class BackupSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Scheduled backups of the database."""

    directory: Annotated[
        str, _help("Existing directory for scheduled backups, best on another disk; empty makes none.")
    ] = ""
    every: Annotated[Duration, _help("Time between two backups, one minute at least.")] = Duration(86_400)
    daily: Annotated[int, _help("Number of days of which the last backup is kept.", ge=0, le=3660)] = 7
    weekly: Annotated[int, _help("Number of weeks of which the last backup is kept.", ge=0, le=520)] = 4


class MailSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Mail server for alarm notifications."""

    host: Annotated[str, _help("Host name of the mail server; empty disables e-mail.")] = ""
    port: Annotated[int, _help("Port of the mail server.", ge=1, le=65_535)] = 587
    security: Annotated[
        Literal["starttls", "tls", "none"],
        _help("Transport security; none only for a server on the same machine."),
    ] = "starttls"
    sender: Annotated[str, _help("Sender address.")] = "veldnet@localhost"
    username: Annotated[str, _help("User name; empty for no authentication.")] = ""
    password_file: Annotated[str, _help("File with the password.")] = ""
    ca_file: Annotated[str, _help("File with additional trusted certificates.")] = ""


class LogSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Logs, on standard error."""

    level: Annotated[Literal["debug", "info", "warning", "error"], _help("Minimum log level.")] = "info"
    format: Annotated[Literal["text", "json"], _help("Log format: text or JSON.")] = "text"


class ConsoleSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The console in the browser."""

    session_idle: Annotated[Duration, _help("Idle timeout of sessions.")] = Duration(3600)
    session_lifetime: Annotated[Duration, _help("Maximum lifetime of sessions.")] = Duration(43_200)
    rate_limit: Annotated[float, _help("Requests per second per user; 0 is unlimited.", ge=0)] = 50.0
    live_streams: Annotated[
        int, _help("Maximum concurrent live streams of frames, over all users.", ge=1)
    ] = 200
    tiles: Annotated[
        str,
        _help(
            "URL of map tiles, such as https://tiles.example/{z}/{x}/{y}.png; without it maps show "
            "built-in outlines and nothing is loaded from other hosts."
        ),
    ] = ""
    tiles_attribution: Annotated[str, _help("Attribution shown on maps.")] = ""
    name: Annotated[
        str,
        _help(
            "Name shown on the sign-in page, in the header, in page titles and before the subjects of mails.",
            pattern="^[^\\x00-\\x1f<>]{1,40}$",
        ),
    ] = "Veldnet"
    logo: Annotated[
        str,
        _help("File with a logo: PNG, JPEG, WebP or SVG without scripts, 200 KB at most; empty shows ours."),
    ] = ""
    colour: Annotated[
        str,
        _help(
            "Colour of buttons and links, such as #1f774d; white text on it must be readable (contrast 4.5).",
            pattern="^(#[0-9A-Fa-f]{6})?$",
        ),
    ] = ""
    decoder_time: Annotated[Duration, _help("Time limit of a payload decoder per frame.")] = Duration(0.1)
    decoder_memory: Annotated[
        int, _help("Memory limit of a payload decoder in bytes.", ge=1_000_000, le=256_000_000)
    ] = 16_000_000
    decoder_workers: Annotated[
        int,
        _help("Processes that run payload decoders. One subscriber never occupies all of them.", ge=2, le=32),
    ] = 2
    decoder_queue: Annotated[
        int,
        _help("Maximum queued decoder runs per subscriber; further ones get 429.", ge=1, le=1000),
    ] = 8
    decoder_source: Annotated[
        int,
        _help("Maximum size of a payload decoder in characters.", ge=100_000, le=4_000_000),
    ] = 512_000


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
        _help(
            "Public address of the server, such as https://lora.example.com. Without it no links are sent by "
            "e-mail, and identity providers cannot be used."
        ),
    ] = ""
    invitation_lifetime: Annotated[Duration, _help("How long the link of an invitation is valid.")] = (
        Duration(7 * 86_400)
    )
    reset_lifetime: Annotated[Duration, _help("How long a link that resets a password is valid.")] = Duration(
        1800
    )
    second_factor: Annotated[
        tuple[Literal["operator", "admin", "rw", "ro"], ...],
        _help(
            "Who must use a second factor: operator for users of operators, admin, rw and ro for users of "
            "subscribers by role."
        ),
    ] = ()
    providers: Annotated[
        dict[str, ProviderSettings],
        _help(
            "Identity providers (OpenID Connect) by a short name: see accounts.md; JSON in the environment."
        ),
    ] = {}


class Settings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """All settings of Veldnet."""

    data: Annotated[str, _help("Directory of the database and the vault.")] = "./veldnet-data"
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
OnOldName = Callable[[str, str], None]

_PREFIX = "VELDNET_"
_HERE = r"http://(?:localhost|127\.0\.0\.1|\[::1\])"
_HOST = rf"(?:https://(?:[A-Za-z0-9.\-]+|\[[0-9a-fA-F:]+\])|{_HERE})(?::\d{{1,5}})?"
_WEB_ADDRESS = re.compile(_HOST + r"/?")
_ISSUER = re.compile(_HOST + r"(?:/[A-Za-z0-9._~%@:+/\-]*)?")
FILE = "veldnet.toml"
# Names another file.
FILE_VARIABLE = "VELDNET_CONFIG"


def load_settings(
    flags: Mapping[str, Any] | None = None,
    *,
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    on_old_name: OnOldName = lambda _old, _new: None,
) -> Settings:
    """Read the settings; `flags` maps `section.name` to a value. Without `file` it is the one that
    VELDNET_CONFIG names, else `veldnet.toml` where there is one. Calls `on_old_name` with the old and the
    new name of each setting given by its old one. Raises `SettingsError`, naming the key."""
    tree: dict[str, Any] = {}
    environment = environment if environment is not None else os.environ
    if file is None and environment.get(FILE_VARIABLE):
        file = Path(environment[FILE_VARIABLE])
    path = file if file is not None else Path(FILE)
    if file is not None or path.exists():
        try:
            tree = tomllib.loads(path.read_text())
        except OSError as error:
            raise SettingsError(f"settings file {path}: {error.strerror}") from None
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise SettingsError(f"settings file {path}: {error}") from None
    _rename_in_tables(tree, on_old_name)
    variables = {
        key.removeprefix(_PREFIX).lower().replace("__", "."): _from_text(value)
        for key, value in environment.items()
        if key.startswith(_PREFIX) and key != FILE_VARIABLE
    }
    given = {key: value for key, value in (flags or {}).items() if value is not None}
    for source in (variables, given):
        for key, value in _rename_keys(source, on_old_name).items():
            _put(tree, key, value)
    # A section may come as one JSON object in the environment.
    _rename_in_tables(tree, on_old_name)
    try:
        settings = msgspec.convert(tree, Settings, strict=False, dec_hook=_decode)
    except msgspec.ValidationError as error:
        raise SettingsError(f"settings: {error}") from None
    _check(settings)
    return settings


def _check(settings: Settings) -> None:
    window = settings.network.deduplication_window
    if not 0 <= window <= 0.8 * settings.network.rx1_delay:
        raise SettingsError(
            f"settings: network.deduplication_window {window:g} s does not fit before RX1 "
            f"({settings.network.rx1_delay} s); write for example 200ms"
        )
    _check_http(settings)
    if settings.backup.every < 60:
        raise SettingsError("settings: backup.every must be one minute at least; write for example 24h")
    keys = settings.keys
    if keys.vault not in ("software", "pkcs11", *keys.vaults):
        known = ", ".join(("software", "pkcs11", *keys.vaults))
        raise SettingsError(f"settings: keys.vault {keys.vault!r} is not one of {known}")
    for name in keys.vaults:
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,31}", name) or name in ("software", "pkcs11"):
            raise SettingsError(f"settings: keys.vaults: {name!r} must be a short name in small letters")
    _check_sign_in(settings.sign_in)


def _check_sign_in(sign_in: SignInSettings) -> None:
    if sign_in.url and not _WEB_ADDRESS.fullmatch(sign_in.url):
        raise SettingsError(
            f"settings: sign_in.url {sign_in.url!r} must be https:// and a host, such as "
            "https://lora.example.com (http:// for this machine only)"
        )
    if sign_in.providers and not sign_in.url:
        raise SettingsError(
            "settings: sign_in.providers need sign_in.url, where providers send users back to"
        )
    for name, provider in sign_in.providers.items():
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,31}", name):
            raise SettingsError(
                f"settings: sign_in.providers: {name!r} must be a short name in small letters"
            )
        if not _ISSUER.fullmatch(provider.issuer):
            raise SettingsError(
                f"settings: sign_in.providers.{name}.issuer {provider.issuer!r} must be an https:// address "
                "without query (http:// for this machine only)"
            )
        if not provider.client_id:
            raise SettingsError(f"settings: sign_in.providers.{name}.client_id is missing")


def _check_http(settings: Settings) -> None:
    if bool(settings.tls.certificate) != bool(settings.tls.key):
        missing = "key" if settings.tls.certificate else "certificate"
        raise SettingsError(f"settings: tls.{missing} is missing: HTTPS needs a certificate and its key")
    for proxy in settings.api.trusted_proxies:
        try:
            ip_network(proxy)
        except ValueError:
            raise SettingsError(
                f"settings: api.trusted_proxies: {proxy!r} is not an address such as 192.0.2.1 or a network "
                "such as 10.0.0.0/24"
            ) from None


def _rename_keys(values: dict[str, Any], on_old_name: OnOldName) -> dict[str, Any]:
    """The values of one source under the present names of settings."""
    for old, new in RENAMED.items():
        if old in values:
            if new in values:
                raise SettingsError(f"settings: {old} is the old name of {new}; remove {old}")
            on_old_name(old, new)
    return {RENAMED.get(key, key): value for key, value in values.items()}


def _rename_in_tables(tree: dict[str, Any], on_old_name: OnOldName) -> None:
    """The same for sections that are tables, as in the file."""
    for section, table in tree.items():
        if isinstance(table, dict):
            renamed = _rename_keys({f"{section}.{name}": value for name, value in table.items()}, on_old_name)
            tree[section] = {key.removeprefix(f"{section}."): value for key, value in renamed.items()}


def _put(tree: dict[str, Any], key: str, value: Any) -> None:
    *sections, name = key.split(".")
    for section in sections:
        tree = tree.setdefault(section, {})
        if not isinstance(tree, dict):
            raise SettingsError(f"settings: {section} is not a section")
    tree[name] = value


def _from_text(value: str) -> Any:
    """Lists and tables come as JSON in the environment; everything else stays text and is converted by its
    type."""
    if value[:1] in ("[", "{"):
        try:
            return msgspec.json.decode(value)
        except msgspec.DecodeError:
            return value
    return value


def _decode(kind: type, value: Any) -> Any:
    if kind in (Duration, Address, OptionalAddress):
        return kind.parse(value)
    raise NotImplementedError


class Setting(msgspec.Struct, frozen=True):
    """One setting as the documentation shows it."""

    section: str
    name: str
    default: str
    help: str

    @property
    def environment(self) -> str:
        section = f"{self.section.upper()}__" if self.section else ""
        return f"{_PREFIX}{section}{self.name.upper()}"


def describe() -> Iterator[Setting]:
    """Every setting in order, for the sample file and the documentation."""
    defaults = Settings()
    for name, kind in get_type_hints(Settings, include_extras=True).items():
        value = getattr(defaults, name)
        if isinstance(value, msgspec.Struct):
            hints = get_type_hints(type(value), include_extras=True)
            for inner, inner_kind in hints.items():
                yield Setting(name, inner, _toml(getattr(value, inner)), _description(inner_kind))
        else:
            yield Setting("", name, _toml(value), _description(kind))


def _description(kind: Any) -> str:
    assert get_origin(kind) is Annotated
    meta = get_args(kind)[1]
    assert isinstance(meta, Meta) and meta.description is not None
    return meta.description


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Duration):
        for unit, seconds in (("d", 86_400.0), ("h", 3600.0), ("s", 1.0)):
            if value >= seconds and value % seconds == 0:
                return f'"{value / seconds:g}{unit}"'
        return f'"{value * 1000:g}ms"'
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, dict):
        return "{}"
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def sample_file() -> str:
    """`veldnet.toml` with every setting at its default, each with its help."""
    lines = ["# Settings of Veldnet. Every line shows the default; remove the # to change it."]
    section = ""
    for setting in describe():
        if setting.section != section:
            section = setting.section
            lines += ["", f"[{section}]"]
        lines += [f"# {setting.help} ({setting.environment})", f"# {setting.name} = {setting.default}"]
    return "\n".join(lines) + "\n"
