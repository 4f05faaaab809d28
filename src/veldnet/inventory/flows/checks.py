"""Checks of connections and flows that need no other rows."""

from __future__ import annotations

import re
import ssl
from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from veldnet.domain.errors import InvalidField
from veldnet.domain.flows import (
    NAMES,
    OF_CONNECTION,
    OF_DEVICE,
    SCHEMES,
    ConnectionSecrets,
    ConnectionSettings,
    names_in,
)
from veldnet.domain.transformations import BadExpression, parse
from veldnet.inventory.names import is_printable
from veldnet.outgoing import AddressRefused, check_reachable, masked, parse_address, parse_broker

_MOST_HEADERS = 20
_MOST_TEXT = 255
_MOST_PEM = 32_768
_MOST_TOPIC = 512
_MOST_TAGS = 50
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
# Set for each request.
_OWN_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection", "content-type"})
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def check_connection(
    settings: ConnectionSettings, secrets: ConnectionSecrets, *, allow_private: bool
) -> None:
    """Refuse a connection that cannot work. Raises `InvalidField`."""
    _check_address(settings, allow_private)
    for name, value in (("username", settings.username), ("password", secrets.password)):
        if len(value) > _MOST_TEXT or not is_printable(value):
            raise InvalidField(
                "{what} must have 1 to {most} printable characters", what=name, most=_MOST_TEXT
            )
    for name, value in (("applicationId", settings.application_id), ("tenantId", settings.tenant_id)):
        if value and _IDENTIFIER.fullmatch(value) is None:
            raise InvalidField(
                "{name} must have 1 to 64 letters, digits, dots, hyphens or underscores", name=name
            )
    _check_certificates(settings, secrets)
    _check_headers(settings, secrets)
    if settings.exchange and settings.type != "AMQP":
        raise InvalidField("exchange belongs to connections of the type AMQP; leave it out")
    if settings.type != "HTTP":
        _check_broker(settings)
        return
    for name, given in (
        ("topic", settings.topic),
        ("downlinkTopic", settings.downlink_topic),
        ("clientId", settings.client_id),
        ("username", settings.username),
    ):
        if given:
            raise InvalidField("{name} belongs to connections over a broker; leave it out", name=name)
    if settings.downlinks:
        raise InvalidField("downlinks come over a broker only; with HTTP submit them to the API")


def _check_address(settings: ConnectionSettings, allow_private: bool) -> None:
    text = settings.address
    _check_names("address", text, NAMES)
    plain = re.sub(r"\{[^{}]*\}", "x", text)
    try:
        parsed = parse_address(plain) if settings.type == "HTTP" else parse_broker(plain)
        if parsed.scheme not in SCHEMES[settings.type]:
            raise AddressRefused("must begin with {schemes}", schemes=_beginnings(settings))
        if re.match(r"[^/]*//[^/?#]*[{}]", text):
            raise AddressRefused("names something in its host; only path and query may do so")
        if not allow_private:
            check_reachable(parsed)
    except AddressRefused as error:
        raise InvalidField("address: {address!r} {error}", address=masked(text)[:80], error=error) from None


def _beginnings(settings: ConnectionSettings) -> str:
    return ", ".join(f"{scheme}://" for scheme in SCHEMES[settings.type])


def _check_names(what: str, template: str, allowed: Sequence[str]) -> None:
    for name in names_in(template):
        if name not in allowed:
            raise InvalidField(
                "{what} names {{{name}}}, which is not known; known are {known}",
                what=what,
                name=name[:40],
                known=", ".join(allowed),
            )


def _check_topic(what: str, template: str, allowed: Sequence[str]) -> None:
    _check_names(what, template, allowed)
    rest = re.sub(r"\{[^{}]*\}", "", template)
    if len(template) > _MOST_TOPIC or not is_printable(template):
        raise InvalidField("{what} must have 1 to {most} printable characters", what=what, most=_MOST_TOPIC)
    if re.search(r"[+#{}]", rest):
        raise InvalidField("{what} must not contain +, # or single braces", what=what)
    if template.startswith("$"):
        raise InvalidField("{what} must not begin with $, which is the broker's own", what=what)


def _check_broker(settings: ConnectionSettings) -> None:
    if not 0 <= settings.qos <= 2:
        raise InvalidField("qos must be 0, 1 or 2")
    if len(settings.exchange) > 127 or not is_printable(settings.exchange):
        raise InvalidField("exchange must have 1 to 127 printable characters")
    if len(settings.client_id) > 64 or not is_printable(settings.client_id):
        raise InvalidField("clientId must have 1 to 64 printable characters")
    if settings.topic:
        _check_topic("topic", settings.topic, NAMES)
    if settings.downlink_topic:
        _check_topic("downlinkTopic", settings.downlink_topic, (*OF_CONNECTION, *OF_DEVICE))


def _check_certificates(settings: ConnectionSettings, secrets: ConnectionSecrets) -> None:
    for name, text in (
        ("caCertificate", settings.ca_certificate),
        ("clientCertificate", settings.client_certificate),
    ):
        if not text:
            continue
        if len(text) > _MOST_PEM:
            raise InvalidField("{name} has more than {most} characters", name=name, most=_MOST_PEM)
        try:
            x509.load_pem_x509_certificates(text.encode())
        except ValueError:
            raise InvalidField("{name} is no certificate in PEM format", name=name) from None
    if bool(settings.client_certificate) != bool(secrets.client_key):
        raise InvalidField("clientCertificate and clientKey go together")
    if secrets.client_key:
        try:
            serialization.load_pem_private_key(secrets.client_key.encode(), None)
        except (ValueError, TypeError, ssl.SSLError):
            raise InvalidField("clientKey is no private key in PEM format without a password") from None
    _plain, secure = SCHEMES[settings.type]
    given = settings.type != "HTTP" and settings.address.lower().startswith(f"{secure}://")
    if (settings.ca_certificate or settings.client_certificate) and not given:
        raise InvalidField("certificates belong to brokers with TLS, such as mqtts://HOST:8883")


def _check_headers(settings: ConnectionSettings, secrets: ConnectionSecrets) -> None:
    if secrets.headers and settings.type != "HTTP":
        raise InvalidField("headers belong to connections of the type HTTP; leave it out")
    if len(secrets.headers) > _MOST_HEADERS:
        raise InvalidField(
            "{name} holds {count} values; at most {most} are taken",
            name="headers",
            count=len(secrets.headers),
            most=_MOST_HEADERS,
        )
    for name, value in secrets.headers.items():
        if _HEADER.fullmatch(name) is None or name.lower() in _OWN_HEADERS:
            raise InvalidField("headers: {name!r} is no name of a header that can be set", name=name[:40])
        if not 1 <= len(value) <= 2000 or not value.isprintable() or not value.isascii():
            raise InvalidField("headers: the value of {name} must be printable ASCII", name=name)


def check_tags(tags: Sequence[str]) -> tuple[str, ...]:
    """Tags of devices, without those that come twice."""
    if len(tags) > _MOST_TAGS:
        raise InvalidField(
            "{name} holds {count} values; at most {most} are taken",
            name="tags",
            count=len(tags),
            most=_MOST_TAGS,
        )
    for tag in tags:
        if not 1 <= len(tag.strip()) <= _MOST_TEXT or not is_printable(tag):
            raise InvalidField("tags: {tag!r} is no tag", tag=tag[:80])
    return tuple(dict.fromkeys(tag.strip() for tag in tags))


def check_transformation(expression: str) -> str:
    """A JMESPath expression, or nothing."""
    stripped = expression.strip()
    if stripped:
        try:
            parse(stripped)
        except BadExpression as error:
            raise InvalidField("transformation: {error}", error=str(error)) from None
    return stripped


def check_ports(text: str) -> str:
    """`*`, or ports and ranges from 1 to 255 separated by commas."""
    compact = text.replace(" ", "")
    for part in () if compact == "*" else compact.split(","):
        low, dash, high = part.partition("-")
        bounds = [low, high] if dash else [low]
        if not all(re.fullmatch(r"[0-9]{1,3}", each) and 0 < int(each) < 256 for each in bounds):
            raise InvalidField("ports {text!r} must look like 7, 1,2,3, 10-20 or *", text=text[:80])
        if dash and int(low) > int(high):
            raise InvalidField("ports: the range {part} ends before it begins", part=part)
    if len(compact) > 1000:
        raise InvalidField("ports has more than 1000 characters")
    return compact
