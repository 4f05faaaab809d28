"""One typed tree of settings: from `veldnet.toml`, then the environment, then flags. Unknown keys are errors.

The sample file and the documentation page are generated from this tree.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
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


def _help(text: str, **limits: Any) -> Meta:
    return Meta(description=text, **limits)


class ApiSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The HTTP API."""

    http: Annotated[Address, _help("Where HTTP is served.")] = Address("127.0.0.1:8080")
    rate_limit: Annotated[float, _help("Requests a second for each project; 0 is no limit.", ge=0)] = 10.0
    token_lifetime: Annotated[Duration, _help("How long an access token is valid.")] = Duration(3600)
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
            "Whether projects must be activated again once the user they act as has another password or role."
        ),
    ] = True
    connections: Annotated[
        int,
        _help(
            "Connections at most, fewer where the system allows fewer open files. For a new one the one "
            "that has been idle for longest is closed.",
            ge=10,
        ),
    ] = 2000
    connections_per_address: Annotated[
        int, _help("Connections from one address (IPv6: one /64), but for trusted proxies.", ge=1)
    ] = 100
    probe_connections: Annotated[
        int, _help("Connections beyond those, on which only /healthz, /readyz and /metrics answer.", ge=1)
    ] = 32
    trusted_proxies: Annotated[
        tuple[str, ...],
        _help(
            "Addresses of reverse proxies: their X-Forwarded-For and X-Forwarded-Proto count, and they may "
            "open any number of connections."
        ),
    ] = ("127.0.0.1", "::1")
    header_timeout: Annotated[Duration, _help("Longest wait for the header of a request.")] = Duration(10)
    request_timeout: Annotated[Duration, _help("Longest wait for the body of a request.")] = Duration(60)
    idle_timeout: Annotated[Duration, _help("How long a connection without a request is kept.")] = Duration(
        65
    )
    write_timeout: Annotated[
        Duration, _help("A client that takes less than 1 KiB a second of an answer for so long is cut off.")
    ] = Duration(20)


class GatewaySettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Base stations."""

    udp: Annotated[Address, _help("Where Semtech UDP packet forwarders send to.")] = Address("0.0.0.0:1700")
    basics_station: Annotated[
        Address, _help("Reserved for Basics Station, which this version does not serve yet.")
    ] = Address("0.0.0.0:8887")


class NetworkSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The network server."""

    net_id: Annotated[str, _help("NetID, six hexadecimal digits.", pattern="^[0-9A-Fa-f]{6}$")] = "000000"
    lrc_id: Annotated[
        str, _help("Identifier of this network server in messages.", pattern="^[0-9A-Fa-f]{8}$")
    ] = "00000001"
    region: Annotated[str, _help("Region of the network.")] = "EU868"
    more_regions: Annotated[
        tuple[str, ...], _help("Regions served beside it; a device lives by that of its device profile.")
    ] = ()
    extra_channels: Annotated[
        tuple[int | str, ...],
        _help(
            "Channels beside the defaults of regions with dynamic plans, in Hz; as REGION=HZ where several "
            "of the regions served have the frequency. The first five of a region go into joins."
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
        _help("RX1 on other frequencies, as UPLINK=DOWNLINK in Hz; devices are told with DlChannelReq."),
    ] = ()
    rx1_delay: Annotated[int, _help("Seconds between an uplink and RX1.", ge=1, le=15)] = 1
    rx2_data_rate: Annotated[
        int,
        _help(
            "Data rate of RX2 in `region` where no profile says otherwise; -1 is the region's.", ge=-1, le=15
        ),
    ] = -1
    uplink_dwell: Annotated[
        Literal["region", "on", "off"], _help("Dwell time limit of 400 ms for uplinks, in AS923 and AU915.")
    ] = "region"
    downlink_dwell: Annotated[
        Literal["region", "on", "off"], _help("Dwell time limit of 400 ms for downlinks, in AS923 and AU915.")
    ] = "region"
    repeater: Annotated[bool, _help("Keep payloads short enough for repeaters.")] = False
    duty_cycle: Annotated[bool, _help("Keep base stations within the duty cycles of their sub-bands.")] = True
    adr_ack_limit_exp: Annotated[int, _help("ADR_ACK_LIMIT of 1.1 devices is 2 to this.", ge=0, le=15)] = 6
    adr_ack_delay_exp: Annotated[int, _help("ADR_ACK_DELAY of 1.1 devices is 2 to this.", ge=0, le=15)] = 5
    rejoin_time_exp: Annotated[
        int,
        _help("1.1 devices rejoin at least every 2^(this + 10) seconds; -1 leaves it to them.", ge=-1, le=15),
    ] = -1
    rejoin_count_exp: Annotated[
        int,
        _help("1.1 devices rejoin at least every 2^(this + 4) uplinks; needs rejoin_time_exp.", ge=0, le=15),
    ] = 15
    deduplication_window: Annotated[
        Duration, _help("How long copies of a frame are collected; must fit well before RX1.")
    ] = Duration(0.2)
    strangers: Annotated[
        int,
        _help(
            "Frames of devices without a session, join-requests among them, that are let in from one base "
            "station within a deduplication window. A real base station cannot receive more, so the excess "
            "is treated as forged; raise it for load tests.",
            ge=1,
            le=100_000,
        ),
    ] = 8
    mean_per: Annotated[
        Literal["window50", "ewma"],
        _help("MeanPER over a window of 50 frames as ThingPark 7.3, or smoothed as 7.2."),
    ] = "window50"
    adr_margin: Annotated[float, _help("Installation margin of ADR v2 in dB.", ge=0, le=30)] = 10.0
    device_capacity: Annotated[int, _help("Devices kept in memory at most.", ge=100)] = 200_000
    commit_interval: Annotated[Duration, _help("Longest wait for a group commit.")] = Duration(0.010)
    commit_size: Annotated[int, _help("Records after which a group commit begins at once.", ge=1)] = 500


class RoutingSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Application servers."""

    allow_private_destinations: Annotated[
        bool, _help("Whether messages may go to private addresses, such as this machine.")
    ] = False
    retention: Annotated[
        Duration, _help("How long an unanswered message is tried again; 0 tries once, as ThingPark does.")
    ] = Duration(86_400)
    first_retry: Annotated[Duration, _help("Wait before the second attempt; it doubles from then on.")] = (
        Duration(1)
    )
    longest_retry: Annotated[Duration, _help("Longest wait between two attempts.")] = Duration(300)
    connect_timeout: Annotated[Duration, _help("Longest wait for a connection.")] = Duration(5)
    total_timeout: Annotated[Duration, _help("Longest wait for an answer.")] = Duration(10)
    connections_per_destination: Annotated[
        int,
        _help(
            "Most messages under way to one destination; how many it carries is found by measurement.",
            ge=1,
        ),
    ] = 256
    connections: Annotated[
        int, _help("Most messages under way to all destinations at once.", ge=1, le=100_000)
    ] = 2048
    refusals: Annotated[
        int,
        _help(
            "How often a message is refused (with 500, for example) before it is set aside as undelivered, "
            "where the same application server accepts others.",
            ge=1,
            le=1000,
        ),
    ] = 5
    messages_in_memory: Annotated[
        int, _help("Pending messages kept in memory at most; the rest waits in the store.", ge=100)
    ] = 20_000
    as_key_entropy: Annotated[
        float,
        _help(
            "Least entropy of an asKey in bits a hexadecimal digit, from how often each digit occurs: 0 for "
            "one digit repeated, 4 for sixteen equally often, about 3.5 for a random key. 0 takes any key.",
            ge=0,
            le=4,
        ),
    ] = 2.0
    require_signed_downlinks: Annotated[
        bool,
        _help("Refuse downlinks for devices whose routing has no AS key; ThingPark accepts them unsigned."),
    ] = False


class ModuleSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A token of a PKCS#11 module, one of those that serve a vault."""

    module: str
    token: str = ""
    pin_file: str = ""
    sessions: Annotated[int, Meta(ge=1, le=64)] = 1


class VaultSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A vault for HSM groups: tokens with the same master keys, which stand in for each other."""

    modules: Annotated[tuple[ModuleSettings, ...], Meta(min_length=1)]
    key_label: str = "veldnet-master"


class KeySettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The vault."""

    vault: Annotated[
        str,
        _help("What uses root keys: software, pkcs11 for the module below, or the name of one of `vaults`."),
    ] = "software"
    vaults: Annotated[
        dict[str, VaultSettings],
        _help(
            "Further vaults, which HSM groups name: each with `modules` (module, token, pin_file, sessions) "
            "and `key_label`; in the environment as JSON."
        ),
    ] = {}
    process: Annotated[
        bool, _help("Whether the server keeps the vault in a process of its own, out of its memory.")
    ] = True
    user: Annotated[str, _help("User that the vault process becomes, where the server starts as root.")] = ""
    module: Annotated[str, _help("Shared library of the PKCS#11 module.")] = ""
    token: Annotated[str, _help("Label of the token; empty takes the only one there is.")] = ""
    key_label: Annotated[str, _help("Label of the master key on the token.")] = "veldnet-master"
    pin_file: Annotated[
        str, _help("File with the PIN; without one PKCS11_PIN of the environment, else a prompt.")
    ] = ""
    sessions: Annotated[
        int, _help("Sessions with the module, used side by side where it can do that.", ge=1, le=64)
    ] = 1
    ask_plaintext: Annotated[
        Literal["raw", "hex"], _help("Form of the AS key under RSA: 16 raw bytes, or 32 hexadecimal digits.")
    ] = "raw"
    ask_padding: Annotated[
        Literal["pkcs1v15", "oaep-sha1", "oaep-sha256"],
        _help("Padding of the AS key under RSA. KPN's is pkcs1v15; SoftHSM 2 knows no oaep-sha256."),
    ] = "pkcs1v15"
    master_key: Annotated[
        str, _help("File of the master key; empty puts it beside the database, in vault/master.key.")
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
    """How long what happened is kept."""

    frames: Annotated[Duration, _help("Retention of frame rows.")] = Duration(400 * 86_400)
    bodies: Annotated[Duration, _help("Retention of record bodies and delivery results.")] = Duration(
        35 * 86_400
    )
    statistics: Annotated[
        Duration, _help("Retention of the hourly totals of fleets, plans and base stations.")
    ] = Duration(1095 * 86_400)
    audit: Annotated[Duration, _help("Retention of the audit log.")] = Duration(1095 * 86_400)


class AlarmSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Alarms of devices and base stations."""

    enabled: Annotated[
        bool, _help("Whether there are alarms, health and hourly totals; off to measure what they cost.")
    ] = True
    severities: Annotated[
        tuple[str, ...],
        _help("Severities other than the built-in ones, as 10=MAJOR or by occurrences 10=WARNING,MAJOR@50."),
    ] = ()
    unheard: Annotated[
        Duration,
        _help("Silence after which a device without alarmThresholds counts as RF_CNX_ERROR."),
    ] = Duration(7 * 86_400)
    learnt_factor: Annotated[
        float,
        _help(
            "Alarm 004 for devices without alarmThresholds after so many times their longest usual interval; "
            "0 is off.",
            ge=0,
            le=1000,
        ),
    ] = 0.0
    check_interval: Annotated[
        Duration, _help("How often silent devices and base stations are looked at.")
    ] = Duration(15)
    base_station_silence: Annotated[
        Duration, _help("Silence after which a base station counts as disconnected.")
    ] = Duration(180)
    base_station_no_frames: Annotated[
        Duration, _help("Time without a frame after which a connected base station counts as deaf.")
    ] = Duration(12 * 3600)
    history: Annotated[Duration, _help("How long cleared alarms stay in the history.")] = Duration(
        15 * 86_400
    )
    notification_window: Annotated[Duration, _help("How long changes are collected for one message.")] = (
        Duration(60)
    )
    notification_interval: Annotated[
        Duration, _help("Least time between two messages to the same customer or operator.")
    ] = Duration(600)


class MailSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The mail server that takes messages about alarms."""

    host: Annotated[str, _help("Name of the mail server; empty sends no e-mail.")] = ""
    port: Annotated[int, _help("Its port.", ge=1, le=65_535)] = 587
    security: Annotated[
        Literal["starttls", "tls", "none"],
        _help("How the connection is protected; none only on one machine."),
    ] = "starttls"
    sender: Annotated[str, _help("Address that messages come from.")] = "veldnet@localhost"
    username: Annotated[str, _help("User name; empty does not sign in.")] = ""
    password_file: Annotated[str, _help("File with the password.")] = ""
    ca_file: Annotated[str, _help("Certificates to trust beside those of the system.")] = ""


class LogSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Logs, on standard error."""

    level: Annotated[Literal["debug", "info", "warning", "error"], _help("Least severity shown.")] = "info"
    format: Annotated[Literal["text", "json"], _help("For people or for machines.")] = "text"


class ConsoleSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The console in the browser."""

    session_idle: Annotated[Duration, _help("A session ends after so long without a request.")] = Duration(
        3600
    )
    session_lifetime: Annotated[Duration, _help("A session ends after so long in any case.")] = Duration(
        43_200
    )
    rate_limit: Annotated[float, _help("Requests a second of one person; 0 is no limit.", ge=0)] = 50.0
    live_streams: Annotated[int, _help("Live streams of frames at the same time, of all people.", ge=1)] = 200
    tiles: Annotated[
        str,
        _help(
            "Address of map tiles, such as https://tiles.example/{z}/{x}/{y}.png; without it maps show "
            "built-in outlines and nothing is loaded from another host."
        ),
    ] = ""
    tiles_attribution: Annotated[str, _help("Whose map it is, shown beside it.")] = ""
    decoder_time: Annotated[Duration, _help("How long a payload decoder may run for one frame.")] = Duration(
        0.1
    )
    decoder_memory: Annotated[
        int, _help("Bytes a payload decoder may use.", ge=1_000_000, le=256_000_000)
    ] = 16_000_000
    decoder_workers: Annotated[
        int,
        _help("Processes that run payload decoders. One subscriber never has all of them.", ge=2, le=32),
    ] = 2
    decoder_waiting: Annotated[
        int,
        _help(
            "Decoder runs of one subscriber that may wait at once; more are answered with 429.", ge=1, le=1000
        ),
    ] = 8
    decoder_source: Annotated[
        int,
        _help("Largest payload decoder in characters, to try and to save.", ge=100_000, le=4_000_000),
    ] = 512_000


class Settings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """All settings of Veldnet."""

    data: Annotated[str, _help("Directory of the database and the vault.")] = "./veldnet-data"
    api: ApiSettings = ApiSettings()
    console: ConsoleSettings = ConsoleSettings()
    gateways: GatewaySettings = GatewaySettings()
    network: NetworkSettings = NetworkSettings()
    routing: RoutingSettings = RoutingSettings()
    keys: KeySettings = KeySettings()
    journal: JournalSettings = JournalSettings()
    alarms: AlarmSettings = AlarmSettings()
    mail: MailSettings = MailSettings()
    log: LogSettings = LogSettings()


_PREFIX = "VELDNET_"
FILE = "veldnet.toml"


def load_settings(
    flags: Mapping[str, Any] | None = None,
    *,
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """Read the settings; `flags` maps `section.name` to a value. Raises `SettingsError`, naming the key."""
    tree: dict[str, Any] = {}
    path = file if file is not None else Path(FILE)
    if file is not None or path.exists():
        try:
            tree = tomllib.loads(path.read_text())
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise SettingsError(f"{path}: {error}") from None
    for key, value in (environment if environment is not None else os.environ).items():
        if key.startswith(_PREFIX):
            _put(tree, key.removeprefix(_PREFIX).lower().replace("__", "."), _from_text(value))
    for key, value in (flags or {}).items():
        if value is not None:
            _put(tree, key, value)
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
    keys = settings.keys
    if keys.vault not in ("software", "pkcs11", *keys.vaults):
        known = ", ".join(("software", "pkcs11", *keys.vaults))
        raise SettingsError(f"settings: keys.vault {keys.vault!r} is not one of {known}")
    for name in keys.vaults:
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,31}", name) or name in ("software", "pkcs11"):
            raise SettingsError(f"settings: keys.vaults: {name!r} must be a short name in small letters")


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
    if kind in (Duration, Address):
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
