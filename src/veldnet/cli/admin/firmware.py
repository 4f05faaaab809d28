"""`veldnet admin firmware`: files that base stations fetch by CUPS, and their signatures."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import typer

from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.cli.given import on_the_same
from veldnet.cli.options import Data, Json, Operator
from veldnet.cli.output import fail, print_json, print_table, report
from veldnet.cli.running import administrator, change_data, read_data, settings_of, with_data
from veldnet.domain.resources import timestamp
from veldnet.inventory import accounts, audit, base_stations
from veldnet.inventory.base_stations import Firmware
from veldnet.store import Connection

firmware_app = typer.Typer(help="Firmware of base stations.", no_args_is_help=True)

_AT_ONCE = 1 << 20

Ref = Annotated[str, typer.Argument(help="Number of the firmware.")]
_File = Annotated[Path, typer.Argument(help="File.", exists=True, dir_okay=False)]


@firmware_app.command("list")
def list_firmware(data: Data = None, as_json: Json = False) -> None:
    """List firmware, and the keys that it is signed by."""
    listed = read_data(data, base_stations.list_firmware)
    if as_json:
        print_json([_view(each) for each in listed])
        return
    print_table(
        "Firmware of base stations",
        ("Ref", "Model", "Version", "Octets", "Keys", "Created", "By"),
        [
            (f.ref, f.model, f.version, f.size, _keys(f), timestamp(f.created_at), f.created_by)
            for f in listed
        ],
    )


@firmware_app.command("add")
def add(
    file: _File,
    operator: Operator,
    model: Annotated[str, typer.Option(help="Model of the base stations, as they report it.")],
    version: Annotated[str, typer.Option(help="Package version that they report once they have it.")],
    data: Data = None,
) -> None:
    """Store firmware, `gateways.max_firmware` octets at most. It is handed out once it is signed."""
    settings, by = settings_of(data), administrator()
    largest = settings.gateways.max_firmware
    if file.stat().st_size > largest:
        fail(f"firmware holds {largest} octets at most: see gateways.max_firmware")

    async def work(opened: DataDirectory) -> int:
        store = opened.store
        owner = await store.read(lambda c: accounts.find_operator(c, operator))
        ref, _size = await base_stations.store_firmware(
            store.write, owner, (model, version), _parts(file), by
        )

        def finish(connection: Connection) -> None:
            base_stations.complete(connection, ref)
            audit.note(connection, audit.Author(by), "firmware.created", f"firmware {ref}")

        await store.write(finish)
        return ref

    ref = with_data(settings, work)
    report(
        f"firmware {ref} stored; sign it next: "
        f"{on_the_same(f'veldnet admin firmware sign {ref} SIGNATURE PUBLIC_KEY')}",
        ref=str(ref),
    )


@firmware_app.command("sign")
def sign(
    ref: Ref,
    signature: Annotated[
        Path, typer.Argument(help="Signature, DER as openssl writes it.", exists=True, dir_okay=False)
    ],
    public_key: Annotated[Path, typer.Argument(help="Public key (PEM).", exists=True, dir_okay=False)],
    data: Data = None,
) -> None:
    """Add a signature, ECDSA with P-256 over SHA-512; one of the same key is replaced."""
    given = (_text(public_key), base64.b64encode(signature.read_bytes()[:4096]).decode())
    key = change_data(
        settings_of(data),
        "firmware.signed",
        f"firmware {ref}",
        lambda c: base_stations.sign(c, None, ref, *given),
    )
    report(f"firmware {ref} is signed by key {key:08X}", ref=ref, key=f"{key:08X}")


@firmware_app.command("remove")
def remove(ref: Ref, data: Data = None) -> None:
    """Remove firmware that no base station is to have."""
    by = administrator()

    async def work(opened: DataDirectory) -> None:
        def write(connection: Connection) -> None:
            base_stations.remove_firmware(connection, None, ref)
            audit.note(connection, audit.Author(by), "firmware.removed", f"firmware {ref}")

        await opened.store.write(write)
        await base_stations.sweep(opened.store.write)

    with_data(settings_of(data), work)
    report(f"firmware {ref} removed", ref=ref)


async def _parts(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as opened:
        while octets := opened.read(_AT_ONCE):
            yield octets


def _text(path: Path) -> str:
    return path.read_bytes()[:8192].decode("latin-1")


def _keys(found: Firmware) -> str:
    return " ".join(f"{key:08X}" for key in found.keys)


def _view(found: Firmware) -> dict[str, Any]:
    return {
        "ref": str(found.ref),
        "model": found.model,
        "version": found.version,
        "size": found.size,
        "digest": found.digest.hex(),
        "keys": [f"{key:08X}" for key in found.keys],
        "createdAt": timestamp(found.created_at),
        "createdBy": found.created_by,
    }
