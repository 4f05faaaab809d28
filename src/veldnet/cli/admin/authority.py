"""`veldnet admin ca`: the internal certificate authority of base stations and of the server."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from veldnet.assembly.certificate_authority import (
    CredentialMaker,
    create_authority,
    open_signer,
    revocation_lists,
)
from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.cli.given import on_the_same
from veldnet.cli.options import Data, Json
from veldnet.cli.output import console, fail, print_json, print_rows, report
from veldnet.cli.running import administrator, change_data, read_data, settings_of, with_data
from veldnet.domain.errors import BadRequest
from veldnet.domain.resources import timestamp
from veldnet.inventory import audit, base_stations, certificates
from veldnet.inventory.certificates import Certificate, Issued
from veldnet.store import Connection

ca_app = typer.Typer(help="Internal certificate authority.", no_args_is_help=True)

Output = Annotated[Path, typer.Option(help="Directory for the files.", file_okay=False)]
Days = Annotated[int, typer.Option(help="Days until it expires.", min=1, max=36_500)]
Serial = Annotated[str, typer.Argument(help="Serial number, hexadecimal.")]
_DAY_MS = 86_400_000
_Work = Callable[[DataDirectory], Awaitable[tuple[Issued, bytes]]]


@ca_app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Name of the authority, for example that of the operator.")],
    days: Days = certificates.AUTHORITY_DAYS,
    again: Annotated[
        bool,
        typer.Option(
            "--again", help="Although there is one: it issues from now on, the old one stays trusted."
        ),
    ] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Create the certificate authority; the vault keeps its key. Prints its certificate (PEM)."""
    by = administrator()

    async def work(opened: DataDirectory) -> Issued:
        if await opened.store.read(certificates.list_authorities) and not again:
            raise BadRequest("there is a certificate authority already; --again lets another one issue")
        made = await create_authority(opened.store, opened.vault, name, days, by, now=time.time())
        await opened.store.write(lambda c: audit.note(c, audit.Author(by), "authority.created", name))
        return made

    made = with_data(settings_of(data), work, vaults=True)
    if as_json:
        print_json({"certificate": made.certificate_file, "expiresAt": timestamp(made.expires_at)})
    else:
        console.print(made.certificate_file, end="", highlight=False, soft_wrap=True)


@ca_app.command("show")
def show(
    output: Annotated[Path | None, typer.Option(help="File to write instead of printing.")] = None,
    data: Data = None,
) -> None:
    """Print the certificate of the authority (PEM): what base stations are to trust."""
    found = read_data(data, certificates.list_authorities)
    if not found:
        create = on_the_same("veldnet admin ca create NAME")
        fail(f"there is no certificate authority; create one with `{create}`")
    text = certificates.pem(found[0].certificate)
    if output is None:
        console.print(text, end="", highlight=False, soft_wrap=True)
    else:
        output.write_text(text)
        report(f"{output} written", file=str(output))


@ca_app.command("issue")
def issue_to_station(
    base_station_id: Annotated[str, typer.Argument(help="LRR id, eight hexadecimal digits.")],
    output: Output,
    days: Days = certificates.STATION_DAYS,
    data: Data = None,
) -> None:
    """Issue a client certificate to a base station: files ID.crt, ID.key and ID.trust for Station. The key is
    not kept."""
    identifier = base_station_id.upper()
    by = administrator()

    async def work(opened: DataDirectory) -> tuple[Issued, bytes]:
        store = opened.store
        eui = (await store.read(lambda c: base_stations.euis(c, None, [identifier])))[identifier]
        signer = await open_signer(store, opened.vault)
        made = certificates.issue_to_station(signer, eui, days, time.time())

        def write(connection: Connection) -> None:
            ref = base_stations.find_base_station(connection, identifier)
            certificates.record(connection, signer.ref, made, ref, eui, by)
            audit.note(
                connection, audit.Author(by), "baseStation.certificateIssued", f"baseStation {identifier}"
            )

        await store.write(write)
        return made, signer.certificate

    _write_files(output, identifier, *with_data(settings_of(data), work, vaults=True))


@ca_app.command("issue-server")
def issue_to_server(
    names: Annotated[list[str], typer.Argument(help="Host names and addresses of the server.")],
    output: Output,
    days: Days = certificates.SERVER_DAYS,
    data: Data = None,
) -> None:
    """Issue a certificate to the server: files server.crt, server.key and server.trust."""
    _write_files(output, "server", *with_data(settings_of(data), _issue_to_server(names, days), vaults=True))


def _issue_to_server(names: list[str], days: int) -> _Work:
    by = administrator()

    async def work(opened: DataDirectory) -> tuple[Issued, bytes]:
        signer = await open_signer(opened.store, opened.vault)
        made = certificates.issue_to_server(signer, names, days, time.time())

        def write(connection: Connection) -> None:
            certificates.record(connection, signer.ref, made, None, " ".join(names), by)
            audit.note(connection, audit.Author(by), "server.certificateIssued", " ".join(names))

        await opened.store.write(write)
        return made, signer.certificate

    return work


def _write_files(folder: Path, name: str, made: Issued, authority: bytes) -> None:
    """The key is for its owner's eyes from the beginning."""
    folder.mkdir(parents=True, exist_ok=True)
    for suffix, content, mode in (
        ("key", made.key_file, 0o600),
        ("crt", made.certificate_file, 0o644),
        ("trust", certificates.pem(authority), 0o644),
    ):
        path = folder / f"{name}.{suffix}"
        part = path.with_name(f"{path.name}.new")
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
            file.write(content)
        part.replace(path)
    report(
        f"{folder}/{name}.crt, .key and .trust written; serial number {made.serial}, expires "
        f"{timestamp(made.expires_at)}",
        serial=made.serial,
        expiresAt=timestamp(made.expires_at),
    )


@ca_app.command("renew")
def renew(
    serial: Serial,
    output: Annotated[
        Path | None, typer.Option(help="Directory for the files of a server's certificate.", file_okay=False)
    ] = None,
    data: Data = None,
) -> None:
    """Renew a certificate: a base station fetches a new one by CUPS, and the old one is revoked once the new
    one has been used; that of a server is written to files."""
    settings = settings_of(data)
    found = _find(read_data(data, certificates.list_certificates), serial)
    if found.base_station is None:
        if output is None:
            fail("give --output, the directory for the files of the server's certificate")
        work = _issue_to_server(found.name.split(" "), certificates.SERVER_DAYS)
        _write_files(output, "server", *with_data(settings, work, vaults=True))
        return
    identifier, eui, by = found.base_station, found.name, administrator()

    async def order(opened: DataDirectory) -> None:
        maker = CredentialMaker(settings, opened.store, opened.vault, time.time)
        fresh = await maker.make("certificate", eui)

        def write(connection: Connection) -> None:
            ref = base_stations.find_base_station(connection, identifier)
            base_stations.order_credentials(connection, ref, fresh, by)
            audit.note(connection, audit.Author(by), "baseStation.updateOrdered", f"baseStation {identifier}")

        await opened.store.write(write)

    with_data(settings, order, vaults=True)
    report(f"base station {identifier} fetches a new certificate at its next contact", id=identifier)


@ca_app.command("revoke")
def revoke(
    serial: Serial,
    foreign: Annotated[
        bool,
        typer.Option(
            "--foreign", help="It was issued by an authority of your own (basics_station_client_ca)."
        ),
    ] = False,
    data: Data = None,
) -> None:
    """Revoke a certificate; a connection that was made with it ends within half a minute."""
    by = administrator()
    if foreign:
        number = change_data(
            settings_of(data),
            "certificate.revoked",
            serial.upper(),
            lambda c: certificates.revoke_foreign(c, serial, by),
        )
        report(f"certificates with the serial number {number} are refused", serial=number)
        return
    revoked = change_data(
        settings_of(data),
        "certificate.revoked",
        serial.upper(),
        lambda c: certificates.revoke_serial(c, serial, by),
    )
    report(f"the certificate {revoked.serial} of {revoked.name} is revoked", serial=revoked.serial)


@ca_app.command("revocations")
def write_revocations(
    output: Annotated[Path, typer.Option(help="File to write (PEM).", dir_okay=False)],
    days: Annotated[int, typer.Option(help="Days for which the list is good.", min=1, max=365)] = 30,
    data: Data = None,
) -> None:
    """Write the revocation list (CRL) of what is revoked here, for brokers, which check certificates
    themselves. Write it again after each revocation, and before its days are over."""

    async def work(opened: DataDirectory) -> str:
        return await revocation_lists(opened.store, opened.vault, days, time.time())

    text = with_data(settings_of(data), work, vaults=True)
    # A broker may read it at any moment.
    part = output.with_name(f"{output.name}.new")
    part.write_text(text)
    part.replace(output)
    report(f"{output} written", file=str(output))


@ca_app.command("list")
def list_issued(
    expiring: Annotated[
        int | None, typer.Option(help="Only good ones that expire within so many days.", min=0)
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List the certificates that were issued."""
    before = None if expiring is None else int(time.time() * 1000) + expiring * _DAY_MS
    listed = read_data(data, lambda c: certificates.list_certificates(c, expires_before=before))
    rows = [_row(each) for each in listed]
    print_rows("Certificates", CertificateRow, rows, as_json=as_json, without=("ref",))


class CertificateRow(msgspec.Struct, frozen=True, rename="camel"):
    """A certificate, as the API shows those of a base station; of a server's own there is no base station."""

    ref: str
    serial: str
    base_station_id: str | None
    name: str
    expires_at: str
    created_at: str
    created_by: str
    revoked_at: str | None
    revoked_by: str | None


def _row(found: Certificate) -> CertificateRow:
    return CertificateRow(
        str(found.ref),
        found.serial,
        found.base_station,
        found.name,
        timestamp(found.expires_at),
        timestamp(found.created_at),
        found.created_by,
        None if found.revoked_at is None else timestamp(found.revoked_at),
        found.revoked_by,
    )


def _find(listed: list[Certificate], serial: str) -> Certificate:
    found = next((each for each in listed if each.serial == serial.upper()), None)
    if found is None:
        fail(f"no certificate with the serial number {serial[:60]} was issued here")
    return found
