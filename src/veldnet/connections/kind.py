"""What the file of a type of connection says of it: addresses, fields with their texts, and transport."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Literal

import msgspec

from veldnet.domain.errors import InvalidField
from veldnet.domain.flows import ConnectionSecrets, ConnectionSettings
from veldnet.outgoing import Address, AddressRefused, ConnectionFailed, parse_address, parse_broker
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


class Scheme(msgspec.Struct, frozen=True):
    """How addresses begin, and the port where none is written. `tls`: the server has a certificate; `path`:
    such addresses may have one."""

    name: str
    port: int
    tls: bool = False
    path: bool = False


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A type of connection, with the schemes of its addresses; `named` says whether path and query may name
    what templates may. `library` is the client that it imports, `extra` what to install to have that."""

    type: str
    title: str
    schemes: tuple[Scheme, ...]
    example: str
    fields: tuple[Field, ...]
    make: MakeTransport
    named: bool = False
    library: str = ""
    extra: str = ""
    presets: tuple[Preset, ...] = ()
    check: Callable[[ConnectionSettings, ConnectionSecrets], None] | None = None

    @property
    def beginnings(self) -> tuple[str, ...]:
        return tuple(scheme.name for scheme in self.schemes)

    @property
    def secure_beginnings(self) -> tuple[str, ...]:
        return tuple(scheme.name for scheme in self.schemes if scheme.tls)

    @property
    def downlinks(self) -> bool:
        """Whether downlinks can come over it."""
        return any(field.name == "downlinks" for field in self.fields)

    def field(self, name: str) -> Field | None:
        return next((field for field in self.fields if field.name == name), None)

    def secure(self, address: str) -> bool:
        return address.partition("://")[0].lower() in self.secure_beginnings

    def parse(self, text: str) -> Address:
        """The parts of an address. Raises `AddressRefused`."""
        beginning, separator, _rest = text.partition("://")
        scheme = next((each for each in self.schemes if each.name == beginning.lower()), None)
        if scheme is None or not separator:
            beginnings = ", ".join(f"{each}://" for each in self.beginnings)
            raise AddressRefused("must begin with {schemes}", schemes=beginnings)
        if self.beginnings == ("http", "https"):
            return parse_address(text)
        return parse_broker(text, ((scheme.name, scheme.port),), path=scheme.path)

    def need_library(self) -> None:
        """Load its client. Raises `ConnectionFailed` where that is not installed."""
        try:
            if self.library:
                import_module(self.library)
        except ImportError:
            command = f"`pip install 'veldnet[{self.extra}]'`"
            raise ConnectionFailed(
                Text("connections of {what} need {command}", what=self.title, command=command)
            ) from None


def kind_of(kinds: Mapping[str, Kind], name: str) -> Kind:
    """A type by its name. Raises `InvalidField`."""
    found = kinds.get(name)
    if found is None:
        raise InvalidField(
            "type {type!r} is not known; known are {known}", type=name[:40], known=", ".join(kinds)
        )
    return found


__all__ = ["MEMBERS", "SECRETS", "Field", "Kind", "Preset", "kind_of"]
