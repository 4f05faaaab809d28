"""Reads settings from the file, the environment and flags, and checks what depends on each other."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import msgspec

from .cluster import ROLES
from .sign_in import SignInSettings
from .tree import RENAMED, Settings
from .values import Address, Duration, OptionalAddress, Processes, SettingsError

OnOldName = Callable[[str, str], None]

PREFIX = "VELDNET_"

_HERE = r"http://(?:localhost|127\.0\.0\.1|\[::1\])"
_HOST = rf"(?:https://(?:[A-Za-z0-9.\-]+|\[[0-9a-fA-F:]+\])|{_HERE})(?::\d{{1,5}})?"
_WEB_ADDRESS = re.compile(_HOST + r"/?")
_ISSUER = re.compile(_HOST + r"(?:/[A-Za-z0-9._~%@:+/\-]*)?")

FILE = "veldnet.toml"

# Names another file.
FILE_VARIABLE = "VELDNET_CONFIG"
# The key of commands that ask a server over its API: no setting, but often there beside those of settings.
API_KEY_VARIABLE = "VELDNET_API_KEY"


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
        key.removeprefix(PREFIX).lower().replace("__", "."): _from_text(value)
        for key, value in environment.items()
        if key.startswith(PREFIX) and key not in (FILE_VARIABLE, API_KEY_VARIABLE)
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
    if settings.store.url and settings.backup.directory:
        raise SettingsError(
            "settings: backup.directory is for the SQLite file; PostgreSQL is backed up with its own tools "
            "(docs/postgresql.md)"
        )
    _check_cluster(settings)
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


def _check_cluster(settings: Settings) -> None:
    cluster = settings.cluster
    if cluster.nats and settings.server.processes.number > 1:
        raise SettingsError(
            "settings: server.processes must be 1 with cluster.nats: start more nodes instead, on the same "
            "machine if need be (docs/cluster.md)"
        )
    if cluster.nats and not settings.store.url:
        raise SettingsError(
            "settings: cluster.nats needs PostgreSQL: several nodes cannot share an SQLite file; set "
            "store.url (docs/postgresql.md)"
        )
    for key, name in (("name", cluster.name), ("node", cluster.node or "node")):
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
            raise SettingsError(
                f"settings: cluster.{key} {name!r} must be of letters, digits, - and _ only, 64 at most"
            )
    if not cluster.roles:
        raise SettingsError(f"settings: cluster.roles must have at least one of {', '.join(ROLES)}")
    if bool(cluster.certificate) != bool(cluster.key):
        missing = "key" if cluster.certificate else "certificate"
        raise SettingsError(f"settings: cluster.{missing} is missing: a client certificate needs its key")


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
    for key, networks in (
        ("api.trusted_proxies", settings.api.trusted_proxies),
        ("gateways.udp_networks", settings.gateways.udp_networks),
    ):
        for network in networks:
            try:
                ip_network(network)
            except ValueError:
                raise SettingsError(
                    f"settings: {key}: {network!r} is not an address such as 192.0.2.1 or a network "
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
    if kind in (Duration, Address, OptionalAddress, Processes):
        return kind.parse(value)
    raise NotImplementedError
