"""Which addresses are taken, and which are public."""

from __future__ import annotations

import pytest

from veldnet.outgoing import AddressRefused, check_reachable, is_public, masked, parse_address

PRIVATE = [
    "127.0.0.1",
    "10.1.2.3:8080",
    "192.168.0.1",
    "172.16.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "192.0.0.8",
    "192.88.99.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "[::]",
    "[::1]",
    "[fd00::1]",
    "[fe80::1]",
    "[fec0::1]",
    "[ff02::1]",
    "[::127.0.0.1]",
    "[::7f00:1]",
    "[::ffff:10.0.0.1]",
    "[::ffff:0:10.0.0.1]",
    "[::ffff:0:8.8.8.8]",
    "[64:ff9b::10.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::8.8.8.8]",
    "[2001:0:1:2::3]",
    "[2001:db8::1]",
    "[2002:7f00:1::1]",
    "[2002:808:808::1]",
    "[3fff::1]",
    "[5f00::1]",
    "[2a00::5efe:10.0.0.1]",
    "127.0.0.1.",
    "localhost",
    "LOCALHOST.",
    "a.localhost",
]


@pytest.mark.parametrize("host", PRIVATE)
def test_a6_private_hosts_are_refused(host: str) -> None:
    with pytest.raises(AddressRefused, match="leads to"):
        check_reachable(parse_address(f"http://{host}/x"))


@pytest.mark.parametrize(
    "host",
    [
        "8.8.8.8",
        "[2a00:1450::1]",
        "[2001:4860:4860::8888]",
        "[64:ff9b::8.8.8.8]",
        "[::ffff:8.8.8.8]",
        "as.example",
        "as.example.",
        "xn--bcher-kva.example",
        "bücher.example",
        "a_b.example:8443",
    ],
)
def test_public_hosts_pass(host: str) -> None:
    address = parse_address(f"https://{host}/x")
    check_reachable(address)
    assert address.ip is None or is_public(address.ip)


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f000001",
        "017700000001",
        "127.1",
        "127.0.1",
        "0",
        "0x7f.1",
        "0177.0.0.1",
        "127.0.0.01",
        "1.2.3.4.5",
        "256.1.1.1",
        "a.0x7f",
        "１２７.0.0.1",
        "１２７．０．０．１",
        "127。0。0。1",
        "①②⑦.0.0.1",
        "ⓛocalhost",
        "loc\u00adalhost",
        "127.0.0.1%00",
        "%31%32%37.0.0.1",
        "127.0.0.1%20",
        "[::1%25lo]",
        "[fe80::1%eth0]",
        "[::1",
        "::1",
        "[127.0.0.1]",
        "[v1.a]",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "127.0.0.1:+80",
        "127.0.0.1:８０",
        "a..b",
        "-a.example",
        "a" * 64,
        "",
        ":80",
        "a b",
        "a\tb",
        "a\u200bb",
        "a\x00b",
        "a,b",
        "a|b",
    ],
)
def test_a6_hosts_that_parsers_read_differently_are_refused(host: str) -> None:
    with pytest.raises(AddressRefused):
        parse_address(f"http://{host}/")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("http://127.0.0.1\\@example.org/x", "backslash"),
        ("http://example.org\\x", "backslash"),
        ("http://example.org/a\\b", "backslash"),
        ("http://as.example.net/a#frag", "fragment .#frag."),
        ("http://as.example.net/a?b=c#", "fragment"),
        ("http://as.example.net#/a", "fragment"),
        ("http://a@b@example.org/", "user name"),
        ("http://example.org /", "space"),
        (" http://example.org/", "space"),
        ("http://example.org/\r\nX: y", "control"),
        ("http://example.org/\u2028", "control"),
        ("http://example.org/%zz", "hexadecimal"),
        ("http:/example.org/", "absolute"),
        ("http:example.org", "absolute"),
        ("//example.org/", "absolute"),
        ("ftp://example.org/", "absolute"),
        ("javascript:alert(1)", "absolute"),
        ("http://", "no host"),
        ("https:///x", "no host"),
        ("http://" + "a." * 1000 + "example/", "characters"),
    ],
)
def test_a7_what_cannot_be_sent_is_refused_with_the_part_that_is_wrong(text: str, words: str) -> None:
    with pytest.raises(AddressRefused, match=words):
        parse_address(text)


def test_addresses_have_one_canonical_form() -> None:
    address = parse_address("HTTPS://Bücher.Example.:443/a b".replace(" ", "%20") + "?ü=1")
    assert address.origin == ("https", "xn--bcher-kva.example", 443)
    assert address.authority == "xn--bcher-kva.example" and address.target == "/a%20b?%C3%BC=1"
    assert parse_address("http://[2A00:0::1]:8080").authority == "[2a00::1]:8080"
    assert parse_address("http://a.example?x").with_query("y") == "/?x&y"
    assert parse_address("http://a.example/x?").with_query("y") == "/x?y"
    assert parse_address("http://a.example/x").with_query("y") == "/x?y"


def test_c4_fragments_of_stored_addresses_are_dropped_before_the_query() -> None:
    address = parse_address("http://as.example.net/a#frag", stored=True)
    assert address.with_query("LrnDevEui=1") == "/a?LrnDevEui=1"
    assert parse_address("http://as.example.net/a?b=c#d", stored=True).with_query("e") == "/a?b=c&e"
    assert parse_address("http://a.example/50%", stored=True).target == "/50%25"


def test_passwords_in_addresses_are_not_shown() -> None:
    assert masked("https://user:secret@as.example/a@b") == "https://…@as.example/a@b"
    assert masked("https://a:b@c:d@as.example/") == "https://…@as.example/"
    assert masked("http://as.example/a@b") == "http://as.example/a@b"


def test_text_that_is_no_ip_address_is_not_public() -> None:
    assert not is_public("not an address") and not is_public("fe80::1%lo") and not is_public("")
