"""The stored session of a new personalised device (ABP), if this network can serve it."""

from __future__ import annotations

from veldnet.domain.documents import ProfileSettings
from veldnet.domain.errors import InvalidField
from veldnet.inventory.devices import Personalisation
from veldnet.network.core import NetworkParameters, PortKey, personalised_state
from veldnet.network.core.addressing import AddressSpace


def open_session(
    parameters: NetworkParameters, personalisation: Personalisation, profile: ProfileSettings, now: float
) -> bytes:
    """Raises `InvalidField` where this network does not serve the region of the profile or the address."""
    channel_plan = parameters.channel_plan(profile)
    if not channel_plan.served:
        raise InvalidField(
            "this network does not serve {region}, the region of the device profile", region=profile.region
        )
    dev_addr = personalisation.dev_addr
    if not AddressSpace(parameters.net_id).contains(dev_addr):
        raise InvalidField(
            "networkAddress {dev_addr} is not of this network, whose NetID is {net_id}",
            dev_addr=dev_addr,
            net_id=parameters.net_id,
        )
    key_of_all_ports = next((rule.key for rule in personalisation.rules if rule.first is None), None)
    port_keys = tuple(
        PortKey(rule.first, rule.last, rule.key)
        for rule in personalisation.rules
        if rule.first is not None and rule.last is not None
    )
    return personalised_state(
        channel_plan, dev_addr, personalisation.nwk_s_key, key_of_all_ports, port_keys, now
    )
