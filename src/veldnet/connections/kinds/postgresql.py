"""Messages as rows of a table of PostgreSQL or TimescaleDB.

A message is delivered when its row is committed. What is sent at once is inserted together; a row that is
there already stays, so that a message that is sent again is not there twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import struct
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from veldnet.connections.batches import Batches
from veldnet.connections.fields import CERTIFICATES, PASSWORD
from veldnet.connections.interface import Surroundings
from veldnet.connections.kept import KeptConnection
from veldnet.connections.kind import Field, Kind, Preset, Scheme
from veldnet.connections.model import Connection, Outcome, Outgoing
from veldnet.domain.errors import InvalidField
from veldnet.domain.flows import ConnectionSecrets, ConnectionSettings
from veldnet.outgoing import Address, ConnectionFailed
from veldnet.texts import Text

if TYPE_CHECKING:
    from psycopg import AsyncConnection

_TABLE = Field(
    "table",
    "TEXT",
    Text("Table"),
    Text("With its schema, if not public; it is made if it is not there"),
    default="veldnet_messages",
    most=127,
)
_COLUMNS = {
    "id": "bigint",
    "time": "timestamp with time zone",
    "dev_eui": "text",
    "event": "text",
    "f_port": "integer",
    "document": "jsonb",
}
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}(\.[a-z_][a-z0-9_]{0,62})?")
_MOST_ROWS = 500
# Seconds without messages after which it is asked whether the server is still there.
_IDLE = 15.0
# Without a name of its own the library would look into the home directory.
_NOWHERE = "/dev/null/none"
# A null character in JSON; what stands behind an odd number of backslashes is no backslash.
_NULL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
_NOT_ACCEPTED = "certificate verify failed"
# Asks for TLS: length and code of the message.
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class PostgresConnection(KeptConnection):
    """A connection to a database."""

    def __init__(self, connection: Connection, around: Surroundings) -> None:
        super().__init__(connection, around)
        self._batches = Batches(_MOST_ROWS)
        self._table = _TABLE.text(connection.settings)

    @property
    def kind(self) -> Kind:
        return KIND

    async def session(self, address: Address, hosts: list[str]) -> None:
        import psycopg

        database: AsyncConnection | None = None
        try:
            database = await self._open(address, hosts)
            await self._check_table(database)
            self.up()
            opened = database

            async def write(messages: Sequence[Outgoing]) -> Sequence[Outcome]:
                try:
                    return await self._write(opened, messages)
                except psycopg.Error as error:
                    raise ConnectionFailed(_words(error)) from None

            async def ask() -> None:
                await opened.execute("SELECT 1")

            await self._batches.run(write, ask, _IDLE)
        except psycopg.Error as error:
            raise ConnectionFailed(_words(error)) from None
        finally:
            if database is not None:
                await database.close()

    async def _open(self, address: Address, hosts: list[str]) -> AsyncConnection:
        """Connect to one of the addresses that were allowed; the certificate is checked for the name."""
        import psycopg

        settings = self.connection.settings
        failed: Exception = ConnectionFailed(Text("the server has no address"))
        with _files(self.connection, secure=address.scheme in KIND.secure_beginnings) as tls:
            for host in hosts:
                try:
                    return await psycopg.AsyncConnection.connect(
                        host=address.host,
                        hostaddr=host,
                        port=address.port,
                        dbname=address.target.strip("/") or settings.username,
                        user=settings.username,
                        password=self.connection.secrets.password,
                        connect_timeout=max(round(self.around.connect_timeout), 2),
                        application_name="veldnet",
                        gssencmode="disable",
                        passfile=_NOWHERE,
                        options=f"-c statement_timeout={round(self.around.total_timeout * 1000)}",
                        autocommit=True,
                        **tls,
                    )
                except (psycopg.OperationalError, OSError) as error:
                    failed = error
                    if _NOT_ACCEPTED in str(error):
                        await self._check_certificate(address, host)
        raise failed

    async def _check_certificate(self, address: Address, host: str) -> None:
        """See why a certificate is not accepted, which the library does not say. Raises `OSError`."""
        with contextlib.suppress(TimeoutError, EOFError):
            async with asyncio.timeout(self.around.connect_timeout):
                reader, writer = await asyncio.open_connection(host, address.port)
                try:
                    writer.write(_SSL_REQUEST)
                    await reader.readexactly(1)
                    await writer.start_tls(self.tls(address))
                finally:
                    writer.close()

    async def _check_table(self, database: AsyncConnection) -> None:
        """Make the table where it is not there, and see that it has what is written. Raises
        `ConnectionFailed`."""
        from psycopg.errors import InsufficientPrivilege, InvalidSchemaName

        made = f"CREATE TABLE IF NOT EXISTS {self._table} ({_definition()})"
        found = await self._columns(database)
        if not found:
            try:
                await database.execute(made.encode())
            except (InsufficientPrivilege, InvalidSchemaName) as error:
                text = Text(
                    "there is no table {table}, and it cannot be made ({why}); make it: {statement}",
                    table=self._table,
                    why=_words(error),
                    statement=made,
                )
                raise ConnectionFailed(text) from None
            found = await self._columns(database)
        for name, kind in _COLUMNS.items():
            if found.get(name) != kind:
                raise ConnectionFailed(
                    Text(
                        "the table {table} must have the column {name} {kind}; it has {found}",
                        table=self._table,
                        name=name,
                        kind=kind,
                        found=found.get(name, "-"),
                    )
                )
        keyed = await database.execute(_KEYED, (self._table,))
        if await keyed.fetchone() is None:
            raise ConnectionFailed(
                Text(
                    "the table {table} needs a unique key with the column id, so that a message that is sent "
                    "again is not there twice: ALTER TABLE {table} ADD PRIMARY KEY (time, id)",
                    table=self._table,
                )
            )
        allowed = await database.execute("SELECT has_table_privilege(%s, 'INSERT')", (self._table,))
        if await allowed.fetchone() != (True,):
            raise ConnectionFailed(Text("the user may not insert into the table {table}", table=self._table))

    async def _columns(self, database: AsyncConnection) -> dict[str, str]:
        found = await database.execute(_TYPES, (self._table,))
        return dict(await found.fetchall())

    async def _write(self, database: AsyncConnection, messages: Sequence[Outgoing]) -> Sequence[Outcome]:
        """Insert messages together; one by one where the database does not take one of them."""
        from psycopg.errors import DataError, IntegrityError

        try:
            await self._insert(database, messages)
        except (DataError, IntegrityError) as error:
            if len(messages) == 1:
                return [
                    Outcome(
                        False, "Error", f"the row is refused: {_words(error)}", self._where, refusal="never"
                    )
                ]
            return [(await self._write(database, [each]))[0] for each in messages]
        return [Outcome(True, "Ok", None, self._where)] * len(messages)

    @property
    def _where(self) -> str:
        return f"{self.connection.settings.address} {self._table}"[:300]

    async def _insert(self, database: AsyncConnection, messages: Sequence[Outgoing]) -> None:
        rows = [_row(message) for message in messages]
        columns = [list(column) for column in zip(*rows, strict=True)]
        types = ", ".join(f"%s::{kind}[]" for kind in _COLUMNS.values()).replace("jsonb", "text")
        names = ", ".join(_COLUMNS)
        cast = names.replace("document", "document::jsonb")
        statement = (
            f"INSERT INTO {self._table} ({names}) SELECT {cast} FROM unnest({types}) AS new ({names}) "  # noqa: S608 - a checked name
            "ON CONFLICT DO NOTHING"
        )
        await database.execute(statement.encode(), columns)

    async def send(self, message: Outgoing, topic: str, where: str) -> Outcome:
        return await self._batches.send(message)


_TYPES = (
    "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute "
    "WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped"
)
_KEYED = (
    "SELECT 1 FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) "
    "WHERE i.indrelid = to_regclass(%s) AND i.indisunique AND a.attname = 'id' LIMIT 1"
)


def _definition() -> str:
    columns = (f"{name} {kind}{'' if name == 'f_port' else ' NOT NULL'}" for name, kind in _COLUMNS.items())
    # TimescaleDB wants the time in each key.
    return ", ".join([*columns, "PRIMARY KEY (time, id)"])


class _Row(NamedTuple):
    """As the columns."""

    id: int
    time: datetime
    dev_eui: str
    event: str
    f_port: int | None
    document: str


def _row(message: Outgoing) -> _Row:
    values = message.values
    port = values.get("FPort", "")
    return _Row(
        message.id,
        _EPOCH + timedelta(milliseconds=message.time),
        values.get("DevEUI", ""),
        message.event,
        int(port) if port else None,
        _storable(message.body.decode()),
    )


def _storable(document: str) -> str:
    """JSON without the one character that no column can hold, from names or decoders of devices."""
    if "\\u0000" not in document:
        return document
    return _NULL.sub(r"\1\\ufffd", document)


@contextmanager
def _files(connection: Connection, *, secure: bool) -> Iterator[dict[str, Any]]:
    """How TLS is set up: certificates are read from files, which are gone once there is a connection."""
    if not secure:
        yield {"sslmode": "disable"}
        return
    settings = connection.settings
    with tempfile.TemporaryDirectory(prefix="veldnet-") as folder:
        tls = {"sslmode": "verify-full", "sslrootcert": "system"}
        for name, text in (
            ("sslrootcert", settings.ca_certificate),
            ("sslcert", settings.client_certificate),
            ("sslkey", connection.secrets.client_key),
        ):
            file = Path(folder) / name
            if text:
                file.touch(0o600)
                file.write_text(text)
                tls[name] = str(file)
            elif name != "sslrootcert":
                tls[name] = _NOWHERE
        yield tls


def _words(error: BaseException) -> str:
    """What the server says, without where it is."""
    said = " ".join(str(error).split())
    return re.sub(r"^(connection failed: )?connection to server at .*? failed: (FATAL: )?", "", said)[:300]


def _check(settings: ConnectionSettings, _secrets: ConnectionSecrets) -> None:
    if _NAME.fullmatch(_TABLE.text(settings)) is None:
        raise InvalidField("table must have lower-case letters, digits and underscores, as in schema.table")
    if not settings.username:
        raise InvalidField("username is mandatory for connections to PostgreSQL")


KIND = Kind(
    type="POSTGRESQL",
    title="PostgreSQL / TimescaleDB",
    schemes=(Scheme("postgresql", 5432, path=True), Scheme("postgresqls", 5432, tls=True, path=True)),
    example="postgresqls://db.example.com:5432/database",
    fields=(
        Field("username", "TEXT", Text("User name"), required=True),
        PASSWORD,
        _TABLE,
        *CERTIFICATES,
    ),
    make=PostgresConnection,
    library="psycopg",
    extra="postgresql",
    check=_check,
    presets=(
        Preset(
            "timescale",
            "Timescale Cloud",
            Text(
                "Give user and password of the service; after the first message make the table a hypertable."
            ),
            "postgresqls://SERVICE.PROJECT.tsdb.cloud.timescale.com:PORT/tsdb",
            {"username": "tsdbadmin", "table": "veldnet_messages"},
        ),
    ),
)
