"""What the file of a type of connection says of it: addresses, fields with their texts, and transport."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

from veldnet.domain.errors import InvalidField
from veldnet.domain.flows import ConnectionSecrets, ConnectionSettings
from veldnet.outgoing import Address, AddressRefused, parse_address, parse_broker
from veldnet.texts import Text

from .interface import MakeTransport

FieldType = Literal["TEXT", "LINES", "SECRET", "SECRET_LINES", "NUMBER", "BOOLEAN", "CHOICE", "HEADERS"]
Shown = Literal["ALWAYS", "SECURE", "DOWNLINKS"]
Option = str | int | bool

# Members that several types have, by their names in the store. All others of a type are its `options`.
MEMBERS: Mapping[str, str] = {
    "username": "username",
    "caCertificate": "ca_certificate",
    "clientCertificate": "client_certificate",
    "mqttVersion": "version",
    "clientId": "client_id",
    "qos": "qos",
    "retain": "retain",
    "topic": "topic",
    "downlinks": "downlinks",
    "downlinkTopic": "downlink_topic",
    "exchange": "exchange",
}
SECRETS: Mapping[str, str] = {"password": "password", "clientKey": "client_key", "headers": "headers"}


class Field(msgspec.Struct, frozen=True):
    """A field of the form: `name` is its member in the API, `shown` says when it matters. A number and the
    length of a text are `least` and `most`."""

    name: str
    type: FieldType
    label: str
    help: str = ""
    default: Option = ""
    choices: tuple[str, ...] = ()
    required: bool = False
    shown: Shown = "ALWAYS"
    least: int = 0
    most: int = 255

    @property
    def option(self) -> bool:
        """Whether only its type has it, so that it is one of the `options`."""
        return self.name not in MEMBERS and self.name not in SECRETS

    @property
    def secret(self) -> bool:
        return self.type in ("SECRET", "SECRET_LINES", "HEADERS")

    def text(self, settings: ConnectionSettings) -> str:
        """The value of an option."""
        return str(settings.options.get(self.name, self.default))

    def flag(self, settings: ConnectionSettings) -> bool:
        return bool(settings.options.get(self.name, self.default))

    def hidden(self, secrets: ConnectionSecrets) -> str:
        return secrets.options.get(self.name, "")


class Preset(msgspec.Struct, frozen=True):
    """Settings for a product or a cloud: `values` fill the form, by the names of its fields."""

    id: str
    title: str
    help: str
    address: str
    values: Mapping[str, Option] = {}


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A type of connection. `schemes` are how its addresses begin, with the port where none is written; the
    last one has a certificate of the server. `path` says what the path of an address means, where it has one;
    `named` whether path and query may name what templates may. `extra` is what to install for it besides."""

    type: str
    title: str
    schemes: tuple[tuple[str, int], tuple[str, int]]
    example: str
    fields: tuple[Field, ...]
    make: MakeTransport
    path: bool = False
    named: bool = False
    extra: str = ""
    presets: tuple[Preset, ...] = ()
    check: Callable[[ConnectionSettings, ConnectionSecrets], None] | None = None

    @property
    def beginnings(self) -> tuple[str, ...]:
        return tuple(scheme for scheme, _port in self.schemes)

    @property
    def downlinks(self) -> bool:
        """Whether downlinks can come over it."""
        return any(field.name == "downlinks" for field in self.fields)

    def field(self, name: str) -> Field | None:
        return next((field for field in self.fields if field.name == name), None)

    def secure(self, address: str) -> bool:
        return address.lower().startswith(f"{self.schemes[1][0]}://")

    def parse(self, text: str) -> Address:
        """The parts of an address. Raises `AddressRefused`."""
        if not text.lower().startswith(tuple(f"{scheme}://" for scheme in self.beginnings)):
            beginnings = ", ".join(f"{scheme}://" for scheme in self.beginnings)
            raise AddressRefused("must begin with {schemes}", schemes=beginnings)
        if self.beginnings == ("http", "https"):
            return parse_address(text)
        return parse_broker(text, self.schemes, path=self.path)


def kind_of(kinds: Mapping[str, Kind], name: str) -> Kind:
    """A type by its name. Raises `InvalidField`."""
    found = kinds.get(name)
    if found is None:
        raise InvalidField(
            "type {type!r} is not known; known are {known}", type=name[:40], known=", ".join(kinds)
        )
    return found


def missing(extra: str, what: str) -> str:
    """What to say where the library of a type is not installed."""
    command = f"`pip install 'veldnet[{extra}]'`"
    return Text("connections of {what} need {command}", what=what, command=command)


__all__ = ["MEMBERS", "SECRETS", "Field", "Kind", "Preset", "kind_of", "missing"]
