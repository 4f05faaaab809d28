"""`veldnet admin decoder`: payload decoders of customers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from veldnet.cli.options import CustomerOption, Data, Json
from veldnet.cli.output import fail, print_members, print_rows, report
from veldnet.cli.running import administrator, change_data, read_data, settings_of
from veldnet.inventory import accounts, decoders
from veldnet.inventory.decoders import PayloadDecoder
from veldnet.store import Connection

decoder_app = typer.Typer(help="Payload decoders.", no_args_is_help=True)

Reference = Annotated[str, typer.Argument(help="Ref of the decoder, as list shows it.")]
Source = Annotated[Path | None, typer.Option(help="File with its JavaScript.")]
Profiles = Annotated[
    list[str] | None, typer.Option("--device-profile", help="Device profile that uses it; can be repeated.")
]


@decoder_app.command("create")
def create_decoder(
    name: Annotated[str, typer.Argument(help="Name of the decoder.")],
    customer_id: CustomerOption,
    source: Source = None,
    device_profile: Profiles = None,
    data: Data = None,
) -> None:
    """Create a decoder from a JavaScript file; without --source one for Cayenne LPP."""
    settings = settings_of(data)
    body = PayloadDecoder(name=name, kind="CAYENNE_LPP")
    if source is not None:
        body = PayloadDecoder(name=name, kind="JAVASCRIPT", source=_read(source))
    if device_profile:
        body.deviceProfileIds = device_profile

    def write(connection: Connection) -> PayloadDecoder:
        scope = accounts.customer_scope(connection, customer_id, administrator())
        return decoders.create_decoder(connection, scope, body, most_source=settings.console.decoder_source)

    created = change_data(settings, "decoder.created", f"{customer_id}: {name}", write)
    report(f"decoder {created.ref} created", ref=created.ref, name=name)


@decoder_app.command("list")
def list_decoders(customer_id: CustomerOption, data: Data = None, as_json: Json = False) -> None:
    """List the decoders of a customer."""
    listed = read_data(
        data,
        lambda c: decoders.list_decoders(c, accounts.customer_scope(c, customer_id, administrator())),
    )
    print_rows("Payload decoders", PayloadDecoder, listed, as_json=as_json, without=("source",))


@decoder_app.command("show")
def show_decoder(
    ref: Reference, customer_id: CustomerOption, data: Data = None, as_json: Json = False
) -> None:
    """Show a decoder with its source."""
    found = read_data(
        data,
        lambda c: decoders.get_decoder(c, accounts.customer_scope(c, customer_id, administrator()), ref),
    )
    print_members(found, as_json=as_json)


@decoder_app.command("change")
def change_decoder(
    ref: Reference,
    customer_id: CustomerOption,
    name: Annotated[str | None, typer.Option(help="New name.")] = None,
    source: Source = None,
    device_profile: Profiles = None,
    data: Data = None,
) -> None:
    """Give a decoder another name, source or device profiles."""
    settings = settings_of(data)
    body = PayloadDecoder()
    if name is not None:
        body.name = name
    if source is not None:
        body.source = _read(source)
    if device_profile:
        body.deviceProfileIds = device_profile
    if body == PayloadDecoder():
        fail("name what changes: --name, --source or --device-profile")

    def write(connection: Connection) -> None:
        scope = accounts.customer_scope(connection, customer_id, administrator())
        most = settings.console.decoder_source
        decoders.update_decoder(connection, scope, ref, body, most_source=most)

    change_data(settings, "decoder.changed", f"{customer_id}: {ref}", write)
    report(f"decoder {ref} changed", ref=ref)


@decoder_app.command("delete")
def delete_decoder(ref: Reference, customer_id: CustomerOption, data: Data = None) -> None:
    """Delete a decoder."""
    change_data(
        settings_of(data),
        "decoder.removed",
        f"{customer_id}: {ref}",
        lambda c: decoders.delete_decoder(c, accounts.customer_scope(c, customer_id, administrator()), ref),
    )
    report(f"decoder {ref} deleted", ref=ref)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        fail(f"--source {path} cannot be read: {error}")
