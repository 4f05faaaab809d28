"""Files of ChirpStack's programs: Gateway Bridge, MQTT Forwarder, and Concentratord beside it."""

from __future__ import annotations

import math
from typing import Any

from veldnet.gateways.radio_layout import layouts
from veldnet.lorawan.regions import ChannelPlan

from .packet_forwarder import packet_forwarder_files
from .toml import Value, as_toml
from .wanted import ConfigurationFile, Wanted

# Where the packet forwarder of the same machine finds them.
_LOCAL, _LOCAL_PORT = "127.0.0.1", 1700
_KEEP_ALIVE = "30s"
# Where the certificate of the broker's authority is to be put.
_TRUST_FILE = "/etc/chirpstack/ca.pem"


def topic_prefix(plan: ChannelPlan) -> str:
    """How topics of a plan's base stations begin: as ChirpStack names regions; its sub-bands count from 0."""
    name = plan.region.name.lower().replace("-", "_").removesuffix("_1")
    return f"{name}_{plan.sub_bands[0] - 1}" if plan.sub_bands else name


def gateway_bridge_files(wanted: Wanted) -> list[ConfigurationFile]:
    """The bridge on the base station, between its packet forwarder and the broker."""
    topic = f"{topic_prefix(wanted.plan)}/gateway/{{{{ .GatewayID }}}}"
    tables: dict[str, dict[str, Value]] = {
        "backend": {"type": "semtech_udp"},
        "backend.semtech_udp": {"udp_bind": f"{_LOCAL}:{_LOCAL_PORT}"},
        "integration": {"marshaler": "protobuf"},
        "integration.mqtt": {
            "event_topic_template": f"{topic}/event/{{{{ .EventType }}}}",
            "state_topic_template": f"{topic}/state/{{{{ .StateType }}}}",
            "command_topic_template": f"{topic}/command/#",
            "state_retained": True,
            "keep_alive": _KEEP_ALIVE,
        },
        "integration.mqtt.auth": {"type": "generic"},
        "integration.mqtt.auth.generic": {
            "servers": [wanted.broker_uri],
            "username": "",
            "password": "",
            "qos": 0,
            "clean_session": False,
            "client_id": _client_id(wanted),
            **_tls(wanted),
        },
    }
    return [
        ConfigurationFile("chirpstack-gateway-bridge.toml", as_toml(tables)),
        *_trust(wanted),
        # ChirpStack's protocol asks for EIRP. Forwarders read whole decibels: a half too much is taken off.
        *packet_forwarder_files(wanted, _LOCAL, _LOCAL_PORT, math.ceil(wanted.antenna_gain)),
    ]


def mqtt_forwarder_files(wanted: Wanted) -> list[ConfigurationFile]:
    """The forwarder beside Concentratord, which gets its channels from `channels.toml`."""
    tables: dict[str, dict[str, Value]] = {
        "logging": {"level": "info", "log_to_syslog": True},
        "backend": {"enabled": "concentratord"},
        "backend.concentratord": {
            "event_url": "ipc:///tmp/concentratord_event",
            "command_url": "ipc:///tmp/concentratord_command",
        },
        "mqtt": {
            "topic_prefix": topic_prefix(wanted.plan),
            "json": False,
            "server": wanted.broker_uri,
            "username": "",
            "password": "",
            "qos": 0,
            "clean_session": False,
            "client_id": _client_id(wanted),
            "keep_alive_interval": _KEEP_ALIVE,
            **_tls(wanted),
        },
    }
    return [
        ConfigurationFile("chirpstack-mqtt-forwarder.toml", as_toml(tables)),
        *_trust(wanted),
        ConfigurationFile("channels.toml", as_toml(_channels(wanted.plan, wanted.concentrator))),
    ]


def _client_id(wanted: Wanted) -> str:
    return str(wanted.gateway_eui).lower()


def _tls(wanted: Wanted) -> dict[str, Value]:
    trusted = _TRUST_FILE if wanted.trust is not None else ""
    return {"ca_cert": trusted, "tls_cert": "", "tls_key": ""}


def _trust(wanted: Wanted) -> list[ConfigurationFile]:
    return [] if wanted.trust is None else [ConfigurationFile("ca.pem", wanted.trust)]


def _channels(plan: ChannelPlan, concentrator: int) -> dict[str, dict[str, Value]]:
    layout = layouts(plan, concentrator)[-1]
    narrow = [layout[f"chan_multiSF_{number}"] for number in range(8)]
    tables: dict[str, dict[str, Value]] = {
        "gateway.concentrator": {
            # It wants all eight; 0 is none.
            "multi_sf_channels": [
                _frequency(layout, channel) if channel["enable"] else 0 for channel in narrow
            ]
        }
    }
    standard, fsk = layout["chan_Lora_std"], layout["chan_FSK"]
    if standard["enable"]:
        tables["gateway.concentrator.lora_std"] = {
            "frequency": _frequency(layout, standard),
            "bandwidth": standard["bandwidth"],
            "spreading_factor": standard["spread_factor"],
        }
    if fsk["enable"]:
        tables["gateway.concentrator.fsk"] = {
            "frequency": _frequency(layout, fsk),
            "bandwidth": fsk["bandwidth"],
            "datarate": fsk["datarate"],
        }
    return tables


def _frequency(layout: dict[str, Any], channel: dict[str, Any]) -> int:
    return int(layout[f"radio_{channel['radio']}"]["freq"] + channel["if"])
