"""The brokers of the settings: addresses, credentials and what is subscribed to."""

from __future__ import annotations

import ssl
from pathlib import Path

from veldnet.gateways.chirpstack_mqtt import BadAddress, BrokerOptions, filters, is_prefix, parse_address
from veldnet.settings import GatewaySettings, SettingsError


def broker_options(gateways: GatewaySettings) -> tuple[BrokerOptions, ...]:
    """Raises `SettingsError`."""
    for prefix in gateways.mqtt_topic_prefixes:
        if not is_prefix(prefix):
            raise SettingsError(
                f"settings: gateways.mqtt_topic_prefixes: {prefix!r} is no prefix of topics, such as eu868"
            )
    wanted = tuple(filters(gateways.mqtt_topic_prefixes, gateways.mqtt_share))
    password = _password(gateways)
    found = []
    for text in gateways.mqtt:
        try:
            host, port, secure = parse_address(text)
        except BadAddress as error:
            raise SettingsError(f"settings: gateways.mqtt: {error}") from None
        found.append(
            BrokerOptions(
                host,
                port,
                _tls(gateways) if secure else None,
                gateways.mqtt_username,
                password,
                gateways.mqtt_client_id,
                gateways.mqtt_version,
                wanted,
            )
        )
    return tuple(found)


def _password(gateways: GatewaySettings) -> str:
    if not gateways.mqtt_password_file:
        return ""
    try:
        return Path(gateways.mqtt_password_file).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"settings: gateways.mqtt_password_file cannot be read: {error}") from None


def _tls(gateways: GatewaySettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=gateways.mqtt_ca or None)
        if gateways.mqtt_certificate:
            context.load_cert_chain(gateways.mqtt_certificate, gateways.mqtt_key or None)
    except OSError as error:
        raise SettingsError(
            f"settings: gateways.mqtt_ca, mqtt_certificate or mqtt_key cannot be used: {error}"
        ) from None
    return context
