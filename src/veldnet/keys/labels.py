"""Labels of sealed keys: a key can be opened only for its purpose and device."""

from __future__ import annotations

from veldnet.lorawan import DevEui

AS_TRANSPORT_KEY = "as-transport-key"
EXCHANGE_KEY = "exchange-key"
TRANSPORT_KEY = "transport-key"
_MC_KEY = "mc-key:"
_SECRET = "secret:"  # noqa: S105 - the beginning of a label


def app_key(dev_eui: DevEui | str) -> str:
    return f"app-key:{dev_eui}"


def nwk_key(dev_eui: DevEui | str) -> str:
    return f"nwk-key:{dev_eui}"


def gen_app_key(dev_eui: DevEui | str) -> str:
    """The root key that 1.0.x devices have for multicast groups and updates (TS005 §3)."""
    return f"gen-app-key:{dev_eui}"


def secret(label: str) -> str:
    """What the server itself may read again."""
    return f"{_SECRET}{label}"


def group_keys(dev_eui: DevEui | str) -> str:
    """The session keys of a multicast group."""
    return f"multicast-keys:{dev_eui}"


def mc_key(dev_eui: DevEui | str) -> str:
    """The McKey of a multicast group."""
    return f"{_MC_KEY}{dev_eui}"


def tunnel_key(as_id: str | None) -> str:
    """The secret that an application server signs with."""
    return f"tunnel-key:{as_id}"


# The secret that webhooks of alarms are signed with.
ALARM_WEBHOOK = "alarm webhook"
# The secret that an authenticator makes codes of.
SECOND_FACTOR = "second factor"

# The token, or certificate and key, that a base station is to fetch.
STATION_CREDENTIALS = "base station credentials"
# What nodes seal into browsers with.
SHARED_SECRET = "secret of the nodes"  # noqa: S105 - a label
# Headers of the requests to the application servers of a routing profile.
ROUTING_HEADERS = "routing profile headers"
# Passwords, keys and headers of a connection to an application.
CONNECTION = "connection"
# The private key of the internal certificate authority.
AUTHORITY_KEY = "certificate authority"


def is_octets(label: str) -> bool:
    """Whether a vault opens it as octets for itself, not as a key of its module."""
    return label.startswith((_SECRET, _MC_KEY)) or label == EXCHANGE_KEY
