"""Whether an installation can work: configuration, database, keys, ports, clock, disk, certificate,
mail server, names. Each finding says what to do. Nothing is changed, and a running server goes on."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import shutil
import ssl
import stat
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec
from msgspec.structs import replace

from veldnet.assembly.data_directory.clock_mark import virtual_lead
from veldnet.assembly.data_directory.directory import (
    database_as_it_is,
    database_exists,
    database_of,
    on_data,
    prove_keys,
    read_checks,
)
from veldnet.assembly.data_directory.lock import DataDirectoryError, DirectoryInUse, DirectoryLock
from veldnet.assembly.listening import CannotListen, Ports, reached_at
from veldnet.assembly.vaults.opening import Checks, master_key_of, vault_names
from veldnet.inventory import routing_profiles
from veldnet.outgoing import Address as ServerAddress
from veldnet.outgoing import AddressRefused, NameNotFound, Resolver, parse_address
from veldnet.settings import Address, Settings, SettingsError
from veldnet.store import HEAD, StoreError

Level = Literal["ok", "note", "problem"]

_LEAST_FREE, _ENOUGH_FREE = 100_000_000, 1_000_000_000
# Before this program existed no clock is right.
_EARLIEST = 1_735_689_600
_TIMEOUT = 5.0
_MOST_NAMES = 100


class Finding(msgspec.Struct, frozen=True):
    """Something that was checked: `next` says what to do about it."""

    check: str
    level: Level
    text: str
    next: str | None = None


async def inspect(settings: Settings) -> list[Finding]:
    """All findings, in the order in which somebody would mend them."""
    running = _holder(settings)
    findings = [*_database(settings), *await _keys(settings), *_server(settings, running)]
    findings += [*await _clock(settings), *_disk(settings), *_certificate(settings), *await _mail(settings)]
    findings += [*_moving_in(settings), *await _brokers(settings, running)]
    return findings + await _names(settings)


def _holder(settings: Settings) -> str | None:
    """Who holds the data directory, if somebody does."""
    path = Path(settings.data)
    if not path.is_dir() or not os.access(path, os.W_OK):
        return None
    try:
        DirectoryLock.take(path, "check").release()
    except DirectoryInUse as error:
        return str(error)
    except DataDirectoryError:
        return None
    return None


def _database(settings: Settings) -> Iterator[Finding]:
    database = database_of(settings)
    try:
        if not database.exists():
            where = Path(settings.data).absolute()
            what = (
                f"no installation in the {database.name}" if settings.store.url else f"no database in {where}"
            )
            yield Finding(
                "database", "problem", f"there is {what}", f"create it: {on_data(settings, 'veldnet init')}"
            )
            return
        unwritable = database.unwritable()
    except (StoreError, OSError) as error:
        yield _unreadable(settings, database.name, error)
        return
    if unwritable is not None:
        yield Finding(
            "database",
            "problem",
            f"{unwritable} cannot be written by this user",
            "run the command as the user of the server, or give the directory to it: chown -R",
        )
        return
    mode = stat.S_IMODE(Path(settings.data).stat().st_mode)
    if mode & 0o077:
        yield Finding(
            "database",
            "note",
            f"other users can look into the data directory (mode {mode:o})",
            f"chmod 700 {Path(settings.data)}",
        )
    try:
        with database_as_it_is(settings) as store:
            assert store is not None
            revision = store.revision()
    except (StoreError, OSError) as error:
        yield _unreadable(settings, database.name, error)
        return
    if revision is None:
        yield Finding(
            "database", "problem", f"{database.name} is not a database of Veldnet", "choose another --data"
        )
    elif revision != HEAD:
        yield Finding(
            "database",
            "note",
            f"the database has revision {revision}; this version has {HEAD}",
            "make a backup; the next start of the server brings it to this version",
        )
    else:
        yield Finding("database", "ok", f"{database.name} has revision {revision}")


def _unreadable(settings: Settings, name: str, error: Exception) -> Finding:
    advice = f"restore a backup: {on_data(settings, 'veldnet admin restore FILE')}"
    if settings.store.url:
        advice = "start PostgreSQL, or correct store.url (docs/postgresql.md)"
    text = f"{name} cannot be read: {' '.join(str(error).split())[:300]}"
    return Finding("database", "problem", text, advice)


async def _keys(settings: Settings) -> list[Finding]:
    try:
        if not database_exists(settings):
            return []
    except DataDirectoryError:
        # What is wrong with the database stands there.
        return []
    try:
        with database_as_it_is(settings) as store:
            assert store is not None
            names = vault_names(settings)
            checks: Checks = await store.read(lambda connection: read_checks(connection, names))
            await prove_keys(settings, checks)
    except (DataDirectoryError, StoreError) as error:
        key = master_key_of(settings)
        return [
            Finding(
                "keys",
                "problem",
                str(error),
                f"put the master key of this database back to {key}, or see docs/keys.md",
            )
        ]
    except Exception:
        # What is wrong with the database stands there.
        return []
    return [Finding("keys", "ok", "the vaults hold the master keys of this database")]


def _server(settings: Settings, running: str | None) -> Iterator[Finding]:
    """The ports, or what the server that has them says."""
    if running is None:
        try:
            ports = Ports.open(settings)
        except CannotListen as error:
            yield Finding(
                "ports", "problem", str(error), "stop what uses the port (ss -lntup), or set another address"
            )
        else:
            yield Finding("ports", "ok", f"free: {', '.join(ports.reached_at(settings))}")
            ports.close()
        return
    url = _url(settings.api.http, tls=bool(settings.tls.certificate))
    try:
        problems = _readiness(f"{url}/readyz")
    except OSError as error:
        yield Finding(
            "server",
            "problem",
            f"{running}, but {url} does not answer: {error}",
            "look at its log, or name its configuration with --config",
        )
        return
    yield Finding("server", "ok", f"a server runs on this directory at {url}")
    yield Finding("ports", "ok", f"its own: {', '.join(reached_at(settings))}")
    for problem in problems:
        yield Finding("server", "problem", problem, "see docs/operators.md")


def _url(address: Address, *, tls: bool) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address.host, address.host)  # noqa: S104 - compared
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if tls else 'http'}://{shown}:{address.port}"


def _readiness(url: str) -> list[str]:
    """What a server says of itself. Its certificate need not fit the address of this machine."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    try:
        with opener.open(url, timeout=_TIMEOUT):
            return []
    except urllib.error.HTTPError as error:
        text = error.read(10_000)
        with contextlib.suppress(ValueError, AttributeError):
            return [str(each) for each in json.loads(text).get("problems", [])] or [f"HTTP {error.code}"]
        return [text.decode(errors="replace")[:200]]


def _moving_in(settings: Settings) -> Iterator[Finding]:
    """What holds while another network serves the base stations, and is easily forgotten afterwards."""
    gateways = settings.gateways
    if gateways.listen_only:
        text = "gateways.listen_only is set: nothing is transmitted, and no device is answered"
        yield Finding("base stations", "note", text, "take it out once another network no longer serves them")
    if gateways.udp_forward:
        text = f"datagrams of base stations are passed on to {gateways.udp_forward} as well"
        yield Finding("base stations", "note", text, "take gateways.udp_forward out after the last cut-over")


async def _clock(settings: Settings) -> list[Finding]:
    now = time.time()
    advice = "set the clock, and keep it with chrony or systemd-timesyncd"
    if now < _EARLIEST:
        year = time.gmtime(now).tm_year
        return [Finding("clock", "problem", f"the clock of the system is in {year}", advice)]
    lead, findings = 0.0, list[Finding]()
    with contextlib.suppress(Exception), database_as_it_is(settings) as store:
        if store is not None:
            lead = await store.read(virtual_lead)
    if lead > 0:
        findings.append(
            Finding(
                "clock",
                "note",
                f"the data directory is {lead / 3600:.1f} hours ahead: it was served with --virtual-clock",
                "serve it with --virtual-clock, or use a new directory",
            )
        )
    synchronised = _synchronised()
    if synchronised is False:
        text = "the clock of the system is not synchronised; classes B and C and all times depend on it"
        findings.append(Finding("clock", "note", text, advice))
    elif synchronised:
        findings.append(Finding("clock", "ok", "the clock of the system is synchronised"))
    return findings


def _synchronised() -> bool | None:
    """What the kernel says of its clock (adjtimex); None where it does not."""
    try:
        libc = ctypes.CDLL(None)
        state = libc.ntp_adjtime(ctypes.create_string_buffer(1024))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != 5


def _disk(settings: Settings) -> Iterator[Finding]:
    path = Path(settings.data)
    while not path.exists() and path != path.parent:
        path = path.parent
    free = shutil.disk_usage(path).free
    text = f"{free // 1_000_000} MB are free below {path}"
    if free < _LEAST_FREE:
        yield Finding("disk", "problem", text, "make room, or move the data directory (docs/operators.md)")
    elif free < _ENOUGH_FREE:
        yield Finding("disk", "note", text, "shorten journal.frames and journal.bodies, or add space")
    else:
        yield Finding("disk", "ok", text)


async def _mail(settings: Settings) -> list[Finding]:
    mail = settings.mail
    if not mail.host:
        advice = "set mail.host and the rest of [mail] (docs/settings.md), then run this again"
        return [
            Finding("mail", "note", "no mail server is set: alarms and invitations are not mailed", advice)
        ]
    from veldnet.assembly.monitoring import mailer_of
    from veldnet.monitoring import MailFailed

    where = f"{mail.host}:{mail.port}"
    mailer = mailer_of(settings, None)
    assert mailer is not None
    try:
        await mailer.prove()
    except MailFailed as error:
        advice = "correct mail.host, port, security, username or password_file, or start the mail server"
        return [Finding("mail", "problem", f"{where} takes no mail: {error}", advice)]
    signed_in = f" as {mail.username}" if mail.username else ""
    return [Finding("mail", "ok", f"{where} can be reached{signed_in}")]


def _certificate(settings: Settings) -> Iterator[Finding]:
    if not settings.tls.certificate:
        return
    from veldnet.assembly.certificate import CertificateError, ServerCertificate

    try:
        problem = ServerCertificate(settings.tls, time.time).problem
    except CertificateError as error:
        yield Finding("certificate", "problem", str(error), "see docs/install.md, TLS")
        return
    if problem is None:
        yield Finding("certificate", "ok", f"{settings.tls.certificate} is valid")
    else:
        yield Finding("certificate", "problem", str(problem), "renew it; the server takes up the new file")


async def _brokers(settings: Settings, running: str | None) -> list[Finding]:
    """Whether the brokers of base stations let the server in, and subscribe."""
    if not settings.gateways.mqtt:
        return []
    from veldnet.assembly.mqtt_brokers import broker_options
    from veldnet.gateways.chirpstack_mqtt import broker_problem

    try:
        brokers = broker_options(settings.gateways)
    except SettingsError as error:
        return [
            Finding("brokers", "problem", str(error), "correct it; docs/chirpstack-mqtt.md has an example")
        ]
    findings = []
    for broker in brokers:
        # A broker lets in one client of a name: not the running server's.
        problem = await broker_problem(replace(broker, client_id="" if running else broker.client_id))
        if problem is None:
            findings.append(Finding("brokers", "ok", f"{broker.name} lets the server subscribe"))
        else:
            advice = "see docs/chirpstack-mqtt.md"
            findings.append(Finding("brokers", "problem", f"{broker.name}: {problem}", advice))
    return findings


async def _names(settings: Settings) -> list[Finding]:
    """Whether the names of application servers and of the mail server are known."""
    findings = []
    with contextlib.suppress(Exception), database_as_it_is(settings) as store:
        if store is not None:
            findings += await _application_servers(settings, await store.read(routing_profiles.all_addresses))
    if settings.mail.host:
        try:
            await asyncio.wait_for(
                asyncio.get_running_loop().getaddrinfo(settings.mail.host, settings.mail.port), _TIMEOUT
            )
        except (OSError, TimeoutError) as error:
            text = f"mail.host {settings.mail.host} is not known: {error or 'no answer'}"
            findings.append(
                Finding("names", "problem", text, "correct mail.host, or the DNS of this machine")
            )
    return findings


async def _application_servers(settings: Settings, addresses: set[str]) -> list[Finding]:
    resolver = Resolver(allow_private=settings.routing.allow_private_destinations)
    by_host: dict[str, ServerAddress] = {}
    for text in sorted(addresses):
        with contextlib.suppress(AddressRefused):
            address = parse_address(text, stored=True)
            by_host.setdefault(address.host, address)
    checked = list(by_host.values())[:_MOST_NAMES]

    async def look(address: ServerAddress) -> Finding | None:
        try:
            await asyncio.wait_for(resolver.addresses(address), _TIMEOUT)
        except (AddressRefused, NameNotFound, OSError, TimeoutError) as error:
            text = f"application server {address.host}: {str(error) or 'no answer from the DNS'}"
            return Finding(
                "names", "problem", text, "correct the routing profile, or the DNS of this machine"
            )
        return None

    try:
        found = [each for each in await asyncio.gather(*map(look, checked)) if each is not None]
    finally:
        resolver.close()
    if checked and not found:
        found = [Finding("names", "ok", f"the names of {len(checked)} application servers are known")]
    if len(by_host) > _MOST_NAMES:
        found.append(Finding("names", "note", f"only {_MOST_NAMES} of {len(by_host)} names were looked up"))
    return found
