"""Which IP addresses are public: reachable from anywhere, and leading nowhere else.

The tables are our own, for those of the standard library differ between Python's versions. Addresses of IPv6
that hold one of IPv4 are judged by it where they stand for it, and refused where they are out of use.
Source: the special-purpose registries of IANA (RFC 6890), RFC 6052, 6890, 7526, 8215.
"""

from __future__ import annotations

import ipaddress

_IPV4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_GLOBAL_IPV6 = ipaddress.IPv6Network("2000::/3")
# Within 2000::/3: protocols (Teredo among them), documentation, 6to4.
_IPV6 = tuple(
    ipaddress.IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)
# An IPv6-only network reaches IPv4 through these.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
# Interface identifiers of ISATAP, before the IPv4 address, whatever the prefix.
_ISATAP = (0x00005EFE, 0x02005EFE)


def is_public(address: str | ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an IP address can be reached from anywhere; False for what is no IP address."""
    if isinstance(address, str):
        try:
            address = ipaddress.ip_address(address)
        except ValueError:
            return False
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _IPV4)
    if address.scope_id is not None:
        return False
    inside = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _NAT64 or address in _MAPPED:
        return is_public(inside)
    if address not in _GLOBAL_IPV6 or any(address in network for network in _IPV6):
        return False
    return (int(address) >> 32) & 0xFFFFFFFF not in _ISATAP or is_public(inside)
