"""Checks of connections and flows that need no other rows."""

from __future__ import annotations

import re
import ssl
from collections.abc import Sequence
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from veldnet.connections import KINDS, MEMBERS, SECRETS, Field, Kind, kind_of
from veldnet.domain.errors import InvalidField, MissingField
from veldnet.domain.flows import (
    NAMES,
    OF_CONNECTION,
    OF_DEVICE,
    ConnectionSecrets,
    ConnectionSettings,
    names_in,
)
from veldnet.domain.transformations import BadExpression, parse
from veldnet.inventory.http_headers import check_headers
from veldnet.inventory.names import is_printable
from veldnet.outgoing import AddressRefused, check_reachable, masked

_MOST_TEXT = 255
_MOST_PEM = 32_768
_MOST_TOPIC = 512
_MOST_TAGS = 50
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def check_connection(
    settings: ConnectionSettings, secrets: ConnectionSecrets, *, allow_private: bool
) -> None:
    """Refuse a connection that cannot work. Raises `InvalidField`."""
    kind = kind_of(KINDS, settings.type)
    _check_address(kind, settings, allow_private)
    for name, value in (("applicationId", settings.application_id), ("tenantId", settings.tenant_id)):
        if value and _IDENTIFIER.fullmatch(value) is None:
            raise InvalidField(
                "{name} must have 1 to 64 letters, digits, dots, hyphens or underscores", name=name
            )
    _check_members(kind, settings, secrets)
    _check_certificates(kind, settings, secrets)
    check_headers(secrets.headers)
    if settings.topic:
        _check_topic("topic", settings.topic, NAMES)
    if settings.downlink_topic:
        _check_topic("downlinkTopic", settings.downlink_topic, (*OF_CONNECTION, *OF_DEVICE))
    if kind.check is not None:
        kind.check(settings, secrets)


def _check_members(kind: Kind, settings: ConnectionSettings, secrets: ConnectionSecrets) -> None:
    """Each member that has a value is one of the type, and of the kind that the type says."""
    plain = ConnectionSettings(type="", address="")
    given: dict[str, Any] = {
        name: getattr(settings, of)
        for name, of in MEMBERS.items()
        if getattr(settings, of) != getattr(plain, of)
    }
    given |= {name: getattr(secrets, of) for name, of in SECRETS.items() if getattr(secrets, of)}
    given |= settings.options
    given |= secrets.options
    for name, value in given.items():
        field = kind.field(name)
        if field is None:
            raise InvalidField(
                "{name} does not belong to connections of the type {type}; leave it out. There are {known}",
                name=name[:40],
                type=kind.type,
                known=", ".join(each.name for each in kind.fields),
            )
        _check_value(field, value)
    for field in kind.fields:
        if field.required and not given.get(field.name):
            raise MissingField("{name} is mandatory", name=field.name)


def _check_value(field: Field, value: Any) -> None:
    name = field.name
    if field.type == "NUMBER":
        if not isinstance(value, int) or isinstance(value, bool) or not field.least <= value <= field.most:
            raise InvalidField(
                "{name} must be a whole number from {least} to {most}",
                name=name,
                least=field.least,
                most=field.most,
            )
    elif field.type == "BOOLEAN":
        if not isinstance(value, bool):
            raise InvalidField("{name} must be true or false", name=name)
    elif field.type == "CHOICE":
        if value not in field.choices:
            raise InvalidField("{name} must be one of {known}", name=name, known=", ".join(field.choices))
    elif field.type in ("TEXT", "SECRET") and (
        not isinstance(value, str) or len(value) > field.most or not is_printable(value)
    ):
        raise InvalidField("{what} must have 1 to {most} printable characters", what=name, most=field.most)


def _check_address(kind: Kind, settings: ConnectionSettings, allow_private: bool) -> None:
    text = settings.address
    _check_names("address", text, NAMES if kind.named else ())
    plain = re.sub(r"\{[^{}]*\}", "x", text)
    try:
        if re.search("[{}]", plain):
            raise AddressRefused("has a single brace; write %7B or %7D")
        parsed = kind.parse(plain)
        if re.match(r"[^/]*//[^/?#]*[{}]", text):
            raise AddressRefused("names something in its host; only path and query may do so")
        if not allow_private:
            check_reachable(parsed)
    except AddressRefused as error:
        raise InvalidField("address: {address!r} {error}", address=masked(text)[:80], error=error) from None


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


def _check_certificates(kind: Kind, settings: ConnectionSettings, secrets: ConnectionSecrets) -> None:
    for name, text in (
        ("caCertificate", settings.ca_certificate),
        ("clientCertificate", settings.client_certificate),
    ):
        if not text:
            continue
        if len(text) > _MOST_PEM:
            raise InvalidField("{name} has more than {most} characters", name=name, most=_MOST_PEM)
        # Its names and tables take a thirtieth of a start.
        from cryptography import x509

        try:
            x509.load_pem_x509_certificates(text.encode())
        except ValueError:
            raise InvalidField("{name} is no certificate in PEM format", name=name) from None
    if bool(settings.client_certificate) != bool(secrets.client_key):
        raise InvalidField("clientCertificate and clientKey go together")
    if secrets.client_key:
        _check_client_key(settings.client_certificate, secrets.client_key)
    given = settings.ca_certificate or settings.client_certificate
    if given and not kind.secure(settings.address):
        schemes = " / ".join(f"{each}://" for each in kind.secure_beginnings)
        raise InvalidField(
            "certificates belong to addresses with TLS, which begin with {schemes}", schemes=schemes
        )


def _check_client_key(certificate: str, client_key: str) -> None:
    from cryptography import x509

    try:
        key = serialization.load_pem_private_key(client_key.encode(), None)
    except (ValueError, TypeError, ssl.SSLError, UnsupportedAlgorithm):
        raise InvalidField("clientKey is no private key in PEM format without a password") from None
    # The first one is the client's own; others lead to its authority.
    if x509.load_pem_x509_certificates(certificate.encode())[0].public_key() != key.public_key():
        raise InvalidField("clientKey is not the key of clientCertificate")


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
