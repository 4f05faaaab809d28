"""`veldnet client`: tools for keys and messages of customers."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from veldnet.client import (
    AsKey,
    ClientError,
    Message,
    Signer,
    create_rsa_key,
    encrypt_app_key,
    load_rsa_key,
    open_as_key,
    private_pem,
    public_pem,
    read_message,
    signed_downlink_query,
    wrap_app_key,
)
from veldnet.lorawan import AesKey, InvalidKey

from .output import errors, fail, report

client = typer.Typer(
    help="Tools for application servers: AS keys, payloads, downlinks.", no_args_is_help=True
)

AsKeyFile = Annotated[Path, typer.Option("--as-key", help="File with the AS key, as open-as-key wrote it.")]
MessageFile = Annotated[
    typer.FileBinaryRead, typer.Argument(help="File with the message as received; - for stdin.")
]


def _write_private(path: Path, octets: bytes) -> None:
    """A new file that its owner alone can read."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        fail(f"{path} exists already; it is not overwritten")
    except OSError as error:
        fail(f"cannot write {path}: {error.strerror}")
    with os.fdopen(descriptor, "wb") as file:
        file.write(octets)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        fail(f"cannot read {path}: {error.strerror}")


@client.command("create-rsa-key")
def create_rsa_key_command(
    out: Annotated[Path, typer.Argument(help="File for the private key.")],
    bits: Annotated[int, typer.Option(min=2048, max=8192, help="Size of the key.")] = 2048,
) -> None:
    """Create an RSA key; prints the public key for rsaPublicKey of a routing profile."""
    key = create_rsa_key(bits)
    _write_private(out, private_pem(key))
    errors.print(f"private key: {out}")
    pem = public_pem(key)
    report(pem.rstrip("\n"), publicKey=pem)


@client.command("open-as-key")
def open_as_key_command(
    private_key: Annotated[Path, typer.Argument(help="The private RSA key, PEM.")],
    profile: Annotated[
        typer.FileText,
        typer.Argument(help="File with the routing profile as returned, or rsaEncryptedASKey; - for stdin."),
    ],
    out: Annotated[Path | None, typer.Option(help="Write the AS key here instead of printing it.")] = None,
    oaep: Annotated[bool, typer.Option(help="Encrypted with OAEP instead of PKCS#1 v1.5.")] = False,
) -> None:
    """Decrypt the AS key of a routing profile, which is returned only once."""
    text = profile.read().strip()
    if text.startswith("{"):
        try:
            text = str(json.loads(text).get("rsaEncryptedASKey") or "")
        except ValueError:
            fail("the routing profile is not JSON")
        if not text:
            fail("the routing profile holds no rsaEncryptedASKey: it is in the answer that made it only")
    try:
        opened = open_as_key(load_rsa_key(_read(private_key)), text, scheme="OAEP" if oaep else "PKCS1v15")
    except ClientError as error:
        fail(str(error))
    if out is None:
        report(opened.hex, asKey=opened.hex)
    else:
        _write_private(out, opened.hex.encode() + b"\n")
        report(f"AS key: {out}", file=str(out))


@client.command("encrypt-app-key")
def encrypt_app_key_command(
    app_key: Annotated[
        typer.FileText, typer.Argument(help="File with the AppKey, 32 hex digits; - for stdin.")
    ],
    exchange_key: Annotated[
        Path | None, typer.Option(help="File with publicExchangeKey of the HSM group, PEM.")
    ] = None,
    transport_key: Annotated[
        Path | None, typer.Option(help="File with the shared transport key, as open-as-key wrote it.")
    ] = None,
) -> None:
    """Encrypt an AppKey for transport: with the exchange key as base64, with a transport key as
    hexadecimal digits."""
    if (exchange_key is None) == (transport_key is None):
        fail("give either --exchange-key or --transport-key")
    try:
        key = AesKey.parse(app_key.read().strip())
        if exchange_key is not None:
            encrypted = encrypt_app_key(key, _read(exchange_key).decode("ascii", "replace"))
            report(encrypted, applicationKey=encrypted)
        elif transport_key is not None:
            wrapped = wrap_app_key(key, AsKey.from_hex(_read(transport_key).decode("ascii", "replace")))
            report(wrapped, applicationKey=wrapped)
    except InvalidKey:
        fail("the AppKey must be 32 hexadecimal digits")
    except ClientError as error:
        fail(str(error))


def _opened(file: typer.FileBinaryRead, as_key: Path) -> tuple[Message, AsKey]:
    try:
        return read_message(file.read()), AsKey.from_hex(_read(as_key).decode("ascii", "replace"))
    except ClientError as error:
        fail(str(error))


@client.command("open-uplink")
def open_uplink_command(message: MessageFile, as_key: AsKeyFile) -> None:
    """Print the payload of an uplink, hexadecimal."""
    opened, key = _opened(message, as_key)
    try:
        payload = opened.payload(key).hex()
        report(payload, payload=payload)
    except ClientError as error:
        fail(str(error))


class Tunnel(msgspec.Struct, frozen=True):
    """How the route's queries are signed."""

    as_id: Annotated[str | None, typer.Option(help="asId of the route: print the whole signed query.")] = None
    tunnel_key: Annotated[Path | None, typer.Option(help="File with asKey of the route.")] = None


@client.command("encrypt-downlink")
def encrypt_downlink_command(
    message: MessageFile,
    payload: Annotated[str, typer.Argument(help="Payload, hexadecimal.")],
    as_key: AsKeyFile,
    ahead: Annotated[int, typer.Option(min=0, help="Downlinks submitted since that uplink.")] = 0,
    fport: Annotated[int, typer.Option(min=1, max=224, help="FPort of the downlink.")] = 1,
    *,
    tunnel: Tunnel,
) -> None:
    """Encrypt a downlink with the counter from the newest uplink of the device."""
    opened, key = _opened(message, as_key)
    try:
        octets = bytes.fromhex(payload)
    except ValueError:
        fail("the payload must be hexadecimal")
    try:
        downlink = opened.downlink(key, octets, ahead=ahead)
        if tunnel.as_id is None:
            typer.echo(json.dumps({"Payload": downlink.payload_hex, "FCntDn": downlink.fcnt}))
            return
        if tunnel.tunnel_key is None:
            fail("--as-id needs --tunnel-key")
        secret = _read(tunnel.tunnel_key).decode("ascii", "replace").strip()
        query = signed_downlink_query(opened.dev_eui, fport, downlink, Signer(tunnel.as_id, secret))
        report(query, query=query)
    except ClientError as error:
        fail(str(error))
