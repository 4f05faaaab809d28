"""TLS to the address that was checked, with the certificate of the name."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from veldnet.outgoing import HttpClient, RequestFailed, Resolver, parse_address

from .test_client import OK, look_up


def certificate(directory: Path) -> Path:
    """A certificate that vouches for itself, for as.example and 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "as.example")])
    names = [x509.DNSName("as.example"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = directory / "server.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


async def check_story(path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    seen: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                seen.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(OK)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    trusted = ssl.create_default_context(cafile=str(path))

    async def post(host: str, tls: ssl.SSLContext | None) -> int:
        resolver = Resolver(allow_private=True, lookup=look_up("127.0.0.1"))
        client = HttpClient(resolver, connect_timeout=20, total_timeout=20, tls=tls)
        address = parse_address(f"https://{host}:{port}/as")
        try:
            for _again in range(2):
                answer = await client.post(address, address.target, {}, b"")
            return answer.status
        finally:
            await client.close()

    try:
        assert await post("as.example", trusted) == 200 and await post("127.0.0.1", trusted) == 200
        assert seen[0].startswith(b"POST /as HTTP/1.1\r\nHost: as.example:") and len(seen) == 4
        for host, tls in (("other.example", trusted), ("as.example", None)):
            with pytest.raises(RequestFailed, match="TLS: ") as failure:
                await post(host, tls)
            assert not failure.value.refused
        assert len(seen) == 4
    finally:
        server.close()


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_a6_the_certificate_must_be_that_of_the_name(
    tmp_path: Path, run: Callable[[Coroutine[Any, Any, None]], None]
) -> None:
    run(check_story(certificate(tmp_path)))
