"""A PostgreSQL server for tests: one for each process that runs tests, in a directory of its own, reached by
a Unix socket. Each test gets a new database, copied from one that has the schema."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from tests.endings import at_the_end
from tests.small_disk import small_disk
from veldnet.store import HEAD
from veldnet.store.postgres import PostgresStore

_USER = "veldnet"
# Nothing of a test must outlive the machine.
_QUICK = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "autovacuum": "off",
    "max_wal_size": "256MB",
    "listen_addresses": "''",
    "log_min_messages": "fatal",
}
_TEMPLATE = "veldnet_schema"
_numbers = count(1)


def _found(name: str) -> str | None:
    """A program of PostgreSQL, which Debian does not put into the path."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return shutil.which(name, path=os.pathsep.join([*map(str, places), os.environ.get("PATH", "")]))


def _program(name: str) -> str:
    found = _found(name)
    assert found is not None, f"there is no {name}: the tests need PostgreSQL 15 or later; run make tools"
    return found


class PostgresServer:
    """A running server, with settings of its own besides."""

    def __init__(self, **settings: str) -> None:
        self._settings = _QUICK | settings
        self._folder = Path(tempfile.mkdtemp(prefix="veldnet-pg-"))
        # PostgreSQL refuses to run as root.
        self._user = "postgres" if os.getuid() == 0 else None
        if self._user:
            shutil.chown(self._folder, self._user, self._user)
        self._data = self._folder / "data"
        self._make()
        self.start()

    def _make(self) -> None:
        # As the user who owns both.
        self._run("cp", "-a", str(_cluster()), str(self._data))

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [_program(program), *arguments],
            check=True,
            cwd="/",
            stdout=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            extra_groups=[] if self._user else None,
            user=self._user,
            group=self._user,
        )

    def start(self) -> None:
        options = " ".join(f"-c {name}={value}" for name, value in self._settings.items())
        self._run(
            "pg_ctl",
            "--pgdata",
            str(self._data),
            "--wait",
            "--log",
            str(self._folder / "log"),
            "--options",
            f"{options} -k {self._folder}",
            "start",
        )

    @property
    def port(self) -> str:
        return self._settings.get("port", "5432")

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self._folder / ".s.PGSQL.5432"

    def stop(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "--pgdata", str(self._data), "--wait", "--mode", mode, "stop")

    def remove(self) -> None:
        if (self._data / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def url(self, database: str, user: str = _USER) -> str:
        return f"postgresql://{user}@/{database}?host={self._folder}"

    def run(self, statement: str, database: str = "postgres") -> None:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement.encode())

    def create(self, template: str = "template1") -> str:
        """A new database; returns its name."""
        name = f"test_{next(_numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def dump(self, name: str) -> bytes:
        """A database as pg_dump writes it."""
        arguments = [_program("pg_dump"), "--no-owner", "--no-privileges", f"--dbname={self.url(name)}"]
        return subprocess.run(arguments, check=True, capture_output=True).stdout

    def take_in(self, dump: bytes, *options: str) -> str:
        """A new database of a dump, whatever psql says of it; returns its name."""
        name = self.create()
        arguments = [_program("psql"), "--quiet", "--no-psqlrc", *options, f"--dbname={self.url(name)}"]
        subprocess.run(arguments, input=dump, check=False, capture_output=True)
        return name

    def drop(self, name: str) -> None:
        self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


class _FirstServer(PostgresServer):
    """Makes the data directory that all others begin with."""

    def _make(self) -> None:
        self._run(
            "initdb",
            *("--pgdata", str(self._data), "--username", _USER, "--auth", "trust"),
            *("--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"),
        )

    @property
    def data(self) -> Path:
        return self._data


class Standby(PostgresServer):
    """Follows a server, until it is promoted."""

    def __init__(self, primary: PostgresServer, **settings: str) -> None:
        self._primary = primary
        super().__init__(**settings)

    def _make(self) -> None:
        source = f"host={self._primary.socket.parent} user={_USER}"
        self._run(
            "pg_basebackup",
            "--dbname",
            source,
            "--pgdata",
            str(self._data),
            "--write-recovery-conf",
            "--checkpoint",
            "fast",
            "--no-sync",
        )

    def promote(self) -> None:
        self._run("pg_ctl", "--pgdata", str(self._data), "--wait", "promote")


@cache
def _cluster() -> Path:
    """The data directory of a server that has stopped, with a database that has the schema and nothing in it.
    Processes forked after this was made share it."""
    first = _FirstServer()
    at_the_end(first.remove)
    first.run(f"CREATE DATABASE {_TEMPLATE}")
    store = PostgresStore(first.url(_TEMPLATE), inline=True)
    store.migrate()
    store.dispose()
    first.stop("fast")
    return first.data


def prepare() -> None:
    """Make what all processes share that are forked from this one, where PostgreSQL is installed."""
    if _found("initdb") is not None:
        _cluster()


@cache
def server() -> PostgresServer:
    """The server of this process."""
    started = PostgresServer()
    at_the_end(started.remove)
    return started


@contextmanager
def database(*, empty: bool = False) -> Iterator[str]:
    """The URL of a new database with the schema, or with nothing."""
    name = server().create() if empty else server().create(_TEMPLATE)
    try:
        yield server().url(name)
    finally:
        server().drop(name)


@contextmanager
def database_on_small_disk(template: str = "template1") -> Iterator[tuple[str, Path]]:
    """The URL of a new database whose tables are on a disk of their own, and that disk."""
    started = server()
    folder = Path(tempfile.mkdtemp(prefix="veldnet-disk-"))
    # PostgreSQL may be another user.
    folder.chmod(0o755)
    try:
        with small_disk(folder / "disk") as disk:
            place = disk / "tables"
            place.mkdir()
            if started._user:
                shutil.chown(place, started._user, started._user)
            space = f"small_{next(_numbers)}"
            started.run(f"CREATE TABLESPACE {space} LOCATION '{place}'")
            name = f"on_{space}"
            started.run(f"CREATE DATABASE {name} TEMPLATE {template} TABLESPACE {space}")
            try:
                yield started.url(name), disk
            finally:
                started.drop(name)
                started.run(f"DROP TABLESPACE {space}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# The databases of data directories, until the process ends.
_beside: dict[Path, str] = {}


def database_beside(data: Path) -> str:
    """The URL of the database that belongs to a data directory; a new one at first."""
    if data not in _beside:
        _beside[data] = server().create(_TEMPLATE)
    return server().url(_beside[data])


def put_beside(data: Path, name: str) -> None:
    """Have a database be that of a data directory from now on."""
    _beside[data] = name


def copy_database(source: Path, target: Path) -> None:
    """Give a copy of a data directory a copy of its database."""
    _beside[target] = name = server().create(_beside[source])
    # It is no backup that was put back.
    server().run("DELETE FROM properties WHERE name = 'place'", name)


def dump(data: Path) -> bytes:
    """All rows of the database that belongs to a data directory."""
    arguments = [_program("pg_dump"), "--inserts", database_beside(data)]
    return subprocess.run(arguments, check=True, capture_output=True).stdout


def open_store(url: str, **options: Any) -> PostgresStore:
    """A store with the schema of this version."""
    store = PostgresStore(url, **options)
    store.migrate()
    return store


_BASE = Path(__file__).parent / "contract" / "postgresql_base.sql"


def define_base(database: str) -> None:
    """Give an empty database the oldest schema that there is of PostgreSQL."""
    server().run(_BASE.read_text(), database)


def _dump_schema() -> None:
    """Write down today's schema as the oldest one: `python -m tests.postgresql`. Not after a release whose
    schema is on PostgreSQL."""
    arguments = ("--schema-only", "--no-owner", "--no-comments", "--no-privileges", server().url(_TEMPLATE))
    done = subprocess.run([_program("pg_dump"), *arguments], check=True, capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line and not line.startswith(("--", "\\"))]
    lines.append("RESET search_path;")
    lines.append(f"INSERT INTO alembic_version VALUES ('{HEAD}');")
    _BASE.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    _dump_schema()
