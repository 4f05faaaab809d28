"""Whatever an address looks like: what passes the check is not this machine, and one parser decides."""

from __future__ import annotations

import ipaddress
import socket

from hypothesis import given
from hypothesis import strategies as st

from veldnet.outgoing import AddressRefused, check_reachable, is_public, parse_address

PRIVATE = st.one_of(
    *(
        st.integers(int(network[0]), int(network[-1])).map(ipaddress.IPv4Address)
        for network in map(
            ipaddress.IPv4Network,
            ("127.0.0.0/8", "10.0.0.0/8", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10", "0.0.0.0/8"),
        )
    )
)
DIGITS = [
    str.maketrans("0123456789", digits) for digits in ("０１２３４５６７８９", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗", "⓪①②③④⑤⑥⑦⑧⑨")
]


@st.composite
def spellings(draw: st.DrawFn) -> str:
    """A private IPv4 address in one of the ways in which resolvers and browsers read one."""
    octets = draw(PRIVATE).packed
    count = draw(st.integers(1, 4))
    parts = [*octets[: count - 1], int.from_bytes(octets[count - 1 :], "big")]
    texts = [draw(st.sampled_from(("{:d}", "0{:o}", "000{:o}", "0x{:x}", "0X{:X}"))).format(n) for n in parts]
    host = draw(st.sampled_from((".", ".", "。", "．", "｡"))).join(texts)
    if draw(st.booleans()):
        host = host.translate(draw(st.sampled_from(DIGITS)))
    return host + draw(st.sampled_from(("", "", ".", "%2e", "%00", "\u00ad", "\t")))


@st.composite
def wrapped(draw: st.DrawFn) -> str:
    """A private IPv4 address inside one of IPv6, in one of the forms of writing it."""
    inside = int(draw(PRIVATE))
    prefix = draw(st.sampled_from(("::", "::ffff:0:0", "::ffff:0:0:0", "64:ff9b::", "64:ff9b:1::")))
    ip = ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) | inside)
    if draw(st.booleans()):
        ip = ipaddress.IPv6Address(0x2002 << 112 | inside << 80 | draw(st.integers(0, (1 << 80) - 1)))
    return f"[{draw(st.sampled_from((str(ip), ip.exploded, str(ip).upper())))}]"


@given(st.one_of(spellings(), wrapped()), st.sampled_from(("", ":80", ":8080")))
def test_a6_no_spelling_of_a_private_address_passes(host: str, port: str) -> None:
    try:
        address = parse_address(f"http://{host}{port}/x")
        check_reachable(address)
    except AddressRefused:
        return
    raise AssertionError(f"{host} was taken as {address.host}")


@given(
    st.text(alphabet=st.sampled_from("htps:/\\@.?#[]%0123456789afx localhost１。\u00ad\r\n-_"), max_size=40)
)
def test_a7_what_is_taken_is_one_request_to_one_host(rest: str) -> None:
    try:
        address = parse_address(f"http://{rest}")
    except AddressRefused as error:
        assert str(error) and "\n" not in str(error).replace("\\n", "")
        return
    assert address.host.isascii() and not set(address.host) & set("/\\@?#[]% \r\n")
    assert address.target.startswith("/") and address.target.isascii()
    assert not set(address.target) & set(" \r\n#\\")
    # What the system's resolver would take for a number is what we take it for.
    try:
        packed = socket.inet_aton(address.host)
    except OSError:
        return
    assert str(ipaddress.IPv4Address(packed)) == address.host
    if not is_public(address.host):
        assert address.ip is not None


@given(st.integers(0, (1 << 128) - 1).map(ipaddress.IPv6Address))
def test_addresses_of_ipv6_that_are_public_are_global_unicast(ip: ipaddress.IPv6Address) -> None:
    if is_public(ip):
        assert (
            ip in ipaddress.IPv6Network("2000::/3")
            or ip in ipaddress.IPv6Network("64:ff9b::/96")
            or ip.ipv4_mapped
        )
