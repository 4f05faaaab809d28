"""Networks that base stations may send from, where an operator has named some."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address

Network = IPv4Network | IPv6Network

# Hosts whose answer is kept; base stations have fewer, and forged addresses do not fill the memory.
_MOST = 10_000


class AllowedNetworks:
    """Which hosts are in one of the networks; all, if none is named."""

    def __init__(self, networks: tuple[Network, ...]) -> None:
        self._networks = networks
        self._judged: dict[str, bool] = {}

    def has(self, host: str) -> bool:
        """Whether a host may send."""
        if not self._networks:
            return True
        known = self._judged.get(host)
        if known is None:
            if len(self._judged) >= _MOST:
                self._judged.clear()
            known = self._judged[host] = self._is_in(host)
        return known

    def _is_in(self, host: str) -> bool:
        address = ip_address(host.partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in network for network in self._networks)
