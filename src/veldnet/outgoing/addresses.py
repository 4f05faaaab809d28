"""Addresses that customers choose, parsed once: what is checked is what will be connected to.

The parser is stricter than URLs need to be. Wherever two parsers are known to disagree (backslashes, control
characters, numbers that some resolvers take for IPv4 addresses, compatibility characters that turn into
others), the address is refused with a sentence that names the part.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote

import msgspec

from veldnet.texts import Text

from .networks import is_public

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_MAX_LENGTH = 2000
_PORTS = {"http": 80, "https": 443}
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
# What a resolver of C may take for a part of an IPv4 address: decimal, octal, hexadecimal.
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
_USER_INFO = re.compile(r"[A-Za-z0-9\-._~!$&'()*+,;=:%]*")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
# Left as they are in a path or query; everything else is percent-encoded.
_PATH = "/?:@!$&'()*+,;=-._~%[]"


class AddressRefused(Exception):
    """The address cannot be used; the text says why, in a form that follows its name."""

    def __init__(self, form: str, /, **values: Any) -> None:
        super().__init__(Text(form, **values))


class Address(msgspec.Struct, frozen=True):
    """An http or https address, or that of a broker. `host` is a name in lower case or an IP address in its
    canonical form, `target` path and query as they are sent."""

    scheme: str
    host: str
    port: int
    target: str
    ip: IpAddress | None
    credentials: str | None

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port

    @property
    def authority(self) -> str:
        """Host and port as the header `Host` has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS.get(self.scheme) else f"{host}:{self.port}"

    @property
    def text(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"

    def with_query(self, query: str) -> str:
        """The target with more parameters at the end of its query."""
        if "?" not in self.target:
            return f"{self.target}?{query}"
        return f"{self.target}{'' if self.target[-1] in '?&' else '&'}{query}"


def masked(text: str) -> str:
    """An address to be shown: without the password in it, and not too long."""
    start, found, rest = text.partition("://")
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    if found and "@" in authority:
        text = f"{start}://…@{rest[authority.rindex('@') + 1 :]}"
    return text[:300]


@lru_cache(maxsize=4096)
def parse_address(text: str, *, stored: bool = False) -> Address:
    """The parts of an address. Raises `AddressRefused`.

    `stored` addresses were accepted by an earlier version: a fragment, which is never sent, is dropped, and
    a lone percent sign is encoded.
    """
    if len(text) > _MAX_LENGTH:
        raise AddressRefused(
            "has {count} characters, at most {most} are allowed",
            count=len(text),
            most=_MAX_LENGTH,
        )
    for character in text:
        if character <= " " or character == "\x7f" or unicodedata.category(character)[0] in "ZC":
            raise AddressRefused("contains a space or control character (U+{code:04X})", code=ord(character))
    if "\\" in text:
        raise AddressRefused("contains a backslash; use / in paths and %5C for a backslash")
    scheme, separator, rest = text.partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in _PORTS:
        raise AddressRefused("is not an absolute http or https URL")
    rest, hash_, fragment = rest.partition("#")
    if hash_ and not stored:
        raise AddressRefused(
            "has a fragment (#{fragment}), which is never sent; leave it out", fragment=fragment[:40]
        )
    authority = re.split(r"[/?]", rest, maxsplit=1)[0]
    target = rest[len(authority) :]
    user_info, at, server = authority.rpartition("@")
    host, port = _host_and_port(server)
    name, ip = _host(host)
    return Address(
        scheme,
        name,
        _PORTS[scheme] if port is None else port,
        _target(target, stored),
        ip,
        _credentials(user_info) if at else None,
    )


@lru_cache(maxsize=1024)
def parse_broker(text: str, schemes: tuple[tuple[str, int], ...], *, path: bool = False) -> Address:
    """The parts of the address of a broker or database, by the same rules. `schemes` are how it may begin,
    with the port where none is written; only with `path` it may have one. Raises `AddressRefused`."""
    scheme, separator, rest = text.partition("://")
    port = dict(schemes).get(scheme.lower())
    if not separator or port is None:
        beginnings = ", ".join(f"{each}://" for each, _port in schemes)
        raise AddressRefused("must begin with {schemes}", schemes=beginnings)
    parsed = parse_address(f"http://{rest}")
    if parsed.credentials is not None:
        raise AddressRefused("has a user name; give username and password apart from the address")
    if parsed.target != "/" and not path:
        raise AddressRefused("has a path, which this type of connection does not know; leave it out")
    # Port 80 is the one that was not written.
    given = re.match(r"[^/]*:80(/|$)", rest) is not None
    own = parsed.port if parsed.port != _PORTS["http"] or given else port
    return Address(scheme.lower(), parsed.host, own, parsed.target, parsed.ip, None)


def _credentials(user_info: str) -> str:
    if _USER_INFO.fullmatch(user_info) is None or _BAD_ESCAPE.search(user_info):
        raise AddressRefused("has a user name or password that is not percent-encoded before the @")
    decoded = unquote(user_info)
    if any(unicodedata.category(character)[0] == "C" for character in decoded):
        raise AddressRefused("has a control character in its user name or password")
    return decoded if ":" in decoded else f"{decoded}:"


def _host_and_port(server: str) -> tuple[str, int | None]:
    if server.startswith("["):
        host, bracket, after = server.partition("]")
        if not bracket or (after and not after.startswith(":")):
            raise AddressRefused("has an IPv6 address that is not closed by ]")
        host, port = f"{host}]", after[1:]
    else:
        host, _colon, port = server.partition(":")
        if ":" in port:
            raise AddressRefused("has more than one colon in its host; write IPv6 addresses in brackets")
    if not port:
        return host, None
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65536):
        raise AddressRefused("has the port {port!r}; a port is a number from 1 to 65535", port=port[:20])
    return host, int(port)


def _host(host: str) -> tuple[str, IpAddress | None]:
    """The canonical form of a host, and its IP address where it is one."""
    if host.startswith("["):
        return _ipv6(host[1:-1])
    name = _ascii(host).lower().removesuffix(".")
    if not name:
        raise AddressRefused("has no host; it must look like SCHEME://HOST")
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _ipv4(name)
    for label in labels:
        if _LABEL.fullmatch(label) is None:
            raise AddressRefused("has a host with a part that is no name: {label!r}", label=label[:63])
    if len(name) > 253:
        raise AddressRefused("has a host of more than 253 characters")
    return name, None


def _ipv4(name: str) -> tuple[str, IpAddress]:
    try:
        ip = ipaddress.IPv4Address(name)
    except ValueError:
        ip = None
    # `ipaddress` of some versions takes leading zeros, which others read as octal.
    if ip is None or str(ip) != name:
        raise AddressRefused(
            "has the host {name!r}; write an IPv4 address as four decimal numbers without leading zeros",
            name=name[:63],
        )
    return name, ip


def _ipv6(text: str) -> tuple[str, IpAddress]:
    if "%" in text:
        raise AddressRefused("has an IPv6 zone, which only this machine knows")
    try:
        ip = ipaddress.IPv6Address(text)
    except ValueError:
        raise AddressRefused("has the host [{text}], which is no IPv6 address", text=text[:45]) from None
    return str(ip), ip


def _ascii(host: str) -> str:
    """A host in the letters that DNS knows."""
    if host.isascii():
        return host
    if unicodedata.normalize("NFKC", host.lower()) != host.lower() or "\u3002" in host:
        raise AddressRefused("has a host with characters that stand for others, such as full-width digits")
    try:
        return ".".join(label.encode("idna").decode("ascii") for label in host.split("."))
    except UnicodeError:
        raise AddressRefused("has a host that is no international domain name") from None


def _target(target: str, stored: bool) -> str:
    if _BAD_ESCAPE.search(target):
        if not stored:
            raise AddressRefused("has a % that is not followed by two hexadecimal digits; write %25")
        target = _BAD_ESCAPE.sub("%25", target)
    encoded = quote(target, safe=_PATH)
    return encoded if encoded.startswith("/") else f"/{encoded}"


def check_reachable(address: Address) -> None:
    """Refuse an address that names this machine or a private network, as far as that can be seen without
    asking the DNS. Raises `AddressRefused`."""
    if address.ip is not None:
        if not is_public(address.ip):
            raise AddressRefused("leads to {host}, which is not a public address", host=address.host)
    elif address.host == "localhost" or address.host.endswith(".localhost"):
        raise AddressRefused("leads to {host}, which is this machine", host=address.host)
