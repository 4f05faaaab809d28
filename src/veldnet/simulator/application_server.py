"""A customer's application server: checks signatures, opens AppSKeys, decrypts and reads payloads.

It does what a customer would do from the documentation alone, with its RSA key and its AS key.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from veldnet.client import (
    AsKey,
    ClientError,
    Message,
    create_rsa_key,
    open_as_key,
    public_pem,
    read_message,
    token_fits,
)

from .sensors import Reading, decode


class DecodedUplink(msgspec.Struct, frozen=True):
    """An uplink that the application server has opened."""

    dev_eui: str
    fcnt: int
    fport: int
    payload: bytes
    model: str
    reading: Reading
    base_stations: int
    spreading_factor: int | None
    message: dict[str, Any]


class ApplicationServer:
    """Serves `POST /uplink`. `decoded` hears of each uplink, `problem` why a message was refused."""

    def __init__(
        self,
        as_id: str,
        as_key: str,
        *,
        decoded: Callable[[DecodedUplink], None] | None = None,
        message: Callable[[str, dict[str, Any]], None] | None = None,
        problem: Callable[[str], None] | None = None,
        rsa_bits: int = 2048,
    ) -> None:
        self.as_id = as_id
        self.as_key = as_key
        self._decoded = decoded or (lambda _uplink: None)
        self._message = message or (lambda _name, _body: None)
        self._problem = problem or (lambda _text: None)
        self._private_key = create_rsa_key(rsa_bits)
        self._transport_key: AsKey | None = None
        self._runner: web.AppRunner | None = None

    @property
    def public_key_pem(self) -> str:
        """What goes into `rsaPublicKey`."""
        return public_pem(self._private_key)

    def open_as_key(self, rsa_encrypted: str) -> None:
        """Open the `rsaEncryptedASKey` of a routing profile."""
        self._transport_key = open_as_key(self._private_key, rsa_encrypted)

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen; returns the URL for a route."""
        application = web.Application()
        application.router.add_post("/uplink", self._handle)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        bound = self._runner.addresses[0]
        return f"http://{bound[0]}:{bound[1]}/uplink"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.Response:
        try:
            message = read_message(await request.read())
        except ClientError as error:
            self._problem(str(error))
            return web.Response(status=400)
        if request.query.get("AS_ID") != self.as_id or not token_fits(message, request.query, self.as_key):
            self._problem(f"{message.kind} with a wrong token")
            return web.Response(status=401)
        self._message(message.kind, message.fields)
        if message.is_uplink:
            try:
                self._take(message)
            except (KeyError, ValueError) as error:
                self._problem(f"{message.kind} could not be opened: {error}")
        return web.Response(status=204)

    def _take(self, message: Message) -> None:
        payload, fields = message.payload(self._transport_key), message.fields
        if not payload:
            return
        model, reading = decode(fields["FPort"], payload)
        self._decoded(
            DecodedUplink(
                message.dev_eui,
                fields["FCntUp"],
                fields["FPort"],
                payload,
                model,
                reading,
                fields["DevLrrCnt"],
                fields.get("SpFact"),
                fields,
            )
        )
