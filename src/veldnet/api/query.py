"""Query parameters: the typed fields of a struct, each with its description and reader. An error names the
parameter and what would be right."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache, partial
from types import UnionType
from typing import Annotated, Any, Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from veldnet.api.errors import language_of
from veldnet.asgi import Request
from veldnet.domain.errors import InvalidField
from veldnet.lorawan import BaseStationId, InvalidIdentifier
from veldnet.texts import Language

T = TypeVar("T", bound=msgspec.Struct)

# The highest whole number where a parameter names none.
MOST_WHOLE = (1 << 31) - 1
# The year 2200.
_LATEST = 7_258_118_400_000
# After every time that occurs.
LAST = 1 << 42

Reader = Callable[[str, str], Any]


class Parameter(msgspec.Struct, frozen=True):
    """What a field says of its parameter. The reader follows from the field's type; `read`, given value and
    name, replaces it. `type` is the type in the description where it is not that of the field."""

    text: str
    least: int = 0
    most: int = MOST_WHOLE
    format: str = ""
    type: str = ""
    read: Reader | None = None


def choice(allowed: tuple[str, ...], value: str, name: str) -> str:
    if value not in allowed:
        raise InvalidField(
            "{name} {value!r} must be one of {known}", name=name, value=value[:40], known=", ".join(allowed)
        )
    return value


def flag(value: str, name: str) -> bool:
    if value.lower() not in ("true", "false"):
        raise InvalidField("{name} {value!r} must be true or false", name=name, value=value[:40])
    return value.lower() == "true"


def moment(value: str, name: str) -> int:
    """Unix milliseconds of an ISO 8601 time; without an offset it is UTC."""
    try:
        # A + in a query arrives as a blank.
        parsed = datetime.fromisoformat(value.replace(" ", "+"))
    except ValueError:
        raise InvalidField(
            "{name} {value!r} must look like 2026-01-31T12:00:00Z", name=name, value=value[:40]
        ) from None
    parsed = parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)
    millis = int(parsed.timestamp() * 1000)
    if not 0 <= millis <= _LATEST:
        raise InvalidField("{name} {value!r} must lie between 1970 and 2200", name=name, value=value[:40])
    return millis


def whole(least: int, most: int, value: str, name: str) -> int:
    number = int(value) if value.isascii() and value.isdigit() and len(value) < 20 else -1
    if not least <= number <= most:
        if most == MOST_WHOLE:
            raise InvalidField(
                "{name} {value!r} must be a whole number of at least {least}",
                name=name,
                value=value[:40],
                least=least,
            )
        raise InvalidField(
            "{name} {value!r} must be a whole number from {least} to {most}",
            name=name,
            value=value[:40],
            least=least,
            most=most,
        )
    return number


def text(value: str, _name: str) -> str:
    return value


def dev_eui(value: str, _name: str) -> str:
    """A DevEUI that is looked for, without separators; one that is none finds nothing."""
    return value.replace("-", "").replace(":", "")


def base_station(value: str, name: str) -> int:
    try:
        return int(BaseStationId.parse(value))
    except InvalidIdentifier as error:
        raise InvalidField("{name} {value!r}: {error}", name=name, value=value[:40], error=error) from None


def time(text: str) -> Parameter:
    """A parameter that is a time, read as Unix milliseconds."""
    return Parameter(text, type="string", read=moment)


From = Annotated[int, time("Start of the time range, ISO 8601.")]
To = Annotated[int, time("End of the time range, ISO 8601.")]
PageIndex = Annotated[
    int | None, Parameter("Page number, 100 entries per page, starting at 1.", least=1, format="int32")
]
PageNumber = Annotated[int, Parameter("The first is 1.", least=1, most=1_000_000)]
PageSize = Annotated[int, Parameter("Page size; default 100.", least=1, most=500)]


class InLanguage(msgspec.Struct, frozen=True):
    language: Annotated[
        Language | None,
        Parameter("Language of the explanation; without it, that of the user, or of Accept-Language."),
    ] = None

    def of(self, request: Request) -> Language:
        """The language that is asked for, else the one that the client prefers."""
        return self.language or language_of(request)


class Field(msgspec.Struct, frozen=True):
    """A parameter as it is read and described."""

    name: str
    read: Reader
    # A list: separated by commas, or the parameter repeated.
    repeated: bool
    default: Any
    text: str
    schema: dict[str, Any]


class Parameters(msgspec.Struct, Generic[T], frozen=True):
    """The parameters of an operation."""

    kind: type[T]
    fields: tuple[Field, ...]

    def read(self, request: Request) -> T:
        """The values of a request; an empty one counts as absent. Raises `InvalidField`."""
        given: Any = request.query_params if request.scope["query_string"] else {}
        values = []
        for field in self.fields:
            value = given.get(field.name)
            if field.repeated and value is not None:
                value = ",".join(given.getlist(field.name))
            values.append(field.read(value, field.name) if value else field.default)
        return self.kind(*values)


def parameter(request: Request, name: str) -> str:
    """One parameter by itself; empty where it is not given."""
    return request.query_params.get(name, "") if request.scope["query_string"] else ""


def refuse_others(request: Request, kind: type[msgspec.Struct], *ignored: str) -> None:
    """Raises `InvalidField` where a list is narrowed by what `kind` has not, for an answer that did not obey
    would name too much."""
    served = [field.name for field in parameters_of(kind).fields]
    for name in request.query_params if request.scope["query_string"] else ():
        if name not in served and name not in ignored:
            raise InvalidField(
                "{name} is no filter that this server has; it has {known}",
                name=name[:40],
                known=", ".join(served),
            )


@cache
def parameters_of(kind: type[T]) -> Parameters[T]:
    """The parameters that the fields of a struct stand for. Raises `TypeError` for one without a description
    or default."""
    hints = get_type_hints(kind, include_extras=True)
    fields = tuple(
        _field(hints[field.name], field, f"{kind.__name__}.{field.name}")
        for field in msgspec.structs.fields(kind)
    )
    return Parameters(kind, fields)


def _field(annotation: Any, field: msgspec.structs.FieldInfo, where: str) -> Field:
    given = [each for each in getattr(annotation, "__metadata__", ()) if isinstance(each, Parameter)]
    if len(given) != 1 or field.default is msgspec.NODEFAULT:
        raise TypeError(f"{where} must be Annotated with one Parameter, and have a default")
    (parameter,) = given
    kind = get_args(annotation)[0]
    if get_origin(kind) in (Union, UnionType):
        (kind,) = (each for each in get_args(kind) if each is not type(None))
    read, schema = _by_type(kind, parameter, where)
    if parameter.type:
        schema = {"type": parameter.type}
    return Field(
        field.encode_name,
        parameter.read or read,
        get_origin(kind) is tuple,
        field.default,
        parameter.text,
        schema,
    )


def _by_type(kind: Any, parameter: Parameter, where: str) -> tuple[Reader, dict[str, Any]]:
    if get_origin(kind) is Literal:
        return partial(choice, get_args(kind)), {"type": "string", "enum": list(get_args(kind))}
    if kind is bool:
        return flag, {"type": "boolean"}
    if kind is int:
        schema: dict[str, Any] = {"type": "integer", "minimum": parameter.least}
        if parameter.most != MOST_WHOLE:
            schema["maximum"] = parameter.most
        if parameter.format:
            schema["format"] = parameter.format
        return partial(whole, parameter.least, parameter.most), schema
    if kind is str:
        return text, {"type": "string"}
    if parameter.read is None:
        raise TypeError(f"{where}: a parameter of type {kind} needs a reader")
    return parameter.read, {"type": "number" if kind is float else "string"}
