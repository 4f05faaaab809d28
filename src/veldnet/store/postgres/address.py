"""The URL of a PostgreSQL database. Its password is shown nowhere."""

from __future__ import annotations

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from veldnet.store.interface import StoreError

_SCHEMES = ("postgresql", "postgres")
# What libpq may be told in a URL; all else would do something that nobody has thought of.
_OPTIONS = frozenset(
    {
        "connect_timeout",
        "host",
        "port",
        "passfile",
        "sslcert",
        "sslkey",
        "sslmode",
        "sslrootcert",
        "target_session_attrs",
        "channel_binding",
        "gssencmode",
        "require_auth",
    }
)


def parse_url(text: str) -> URL:
    """Raises `StoreError` that does not show the password."""
    form = "write postgresql://USER@HOST:PORT/DATABASE"
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise StoreError(f"the URL of the database cannot be read; {form}") from None
    if url.drivername not in _SCHEMES:
        raise StoreError(f"the URL of the database begins with {url.drivername}://; {form}")
    if not url.database:
        raise StoreError(f"the URL of the database names no database; {form}")
    unknown = sorted(set(url.query) - _OPTIONS)
    if unknown:
        raise StoreError(
            f"the URL of the database has the option {unknown[0]}; known are {', '.join(sorted(_OPTIONS))}"
        )
    return url.set(drivername="postgresql+psycopg")


def shown(url: URL) -> str:
    """Where a database is, without its password and options."""
    host = url.host or url.query.get("host") or "the local socket"
    where = host if isinstance(host, str) else ",".join(host)
    return f"database {url.database} of PostgreSQL at {where}{f':{url.port}' if url.port else ''}"
