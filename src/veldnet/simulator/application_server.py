"""A customer's application server: checks signatures, opens AppSKeys, decrypts and reads payloads.

It does what a customer would do from the documentation alone, with its RSA key and its AS key.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from veldnet.lorawan import AesKey, DevAddr
from veldnet.lorawan.crypto import DOWNLINK, UPLINK, aes_decrypt, crypt_payload

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
        self.app_s_keys: dict[str, AesKey] = {}
        self.next_fcnt_down: dict[str, int] = {}
        self._decoded = decoded or (lambda _uplink: None)
        self._message = message or (lambda _name, _body: None)
        self._problem = problem or (lambda _text: None)
        self._private_key = rsa.generate_private_key(public_exponent=65_537, key_size=rsa_bits)
        self._transport_key: AesKey | None = None
        self._runner: web.AppRunner | None = None

    @property
    def public_key_pem(self) -> str:
        """What goes into `rsaPublicKey`."""
        return (
            self._private_key.public_key()
            .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            .decode()
        )

    def open_as_key(self, rsa_encrypted: str) -> None:
        """Open the `rsaEncryptedASKey` of a routing profile."""
        self._transport_key = AesKey(
            self._private_key.decrypt(bytes.fromhex(rsa_encrypted), padding.PKCS1v15())
        )

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
        body = await request.read()
        try:
            ((name, fields),) = msgspec.json.decode(body, type=dict[str, dict[str, Any]]).items()
        except (msgspec.MsgspecError, ValueError):
            self._problem("a message was not JSON")
            return web.Response(status=400)
        if not self._signature_fits(request, name, fields):
            self._problem(f"{name} with a wrong token")
            return web.Response(status=401)
        self._message(name, fields)
        try:
            self._take(name, fields)
        except (KeyError, ValueError) as error:
            self._problem(f"{name} could not be opened: {error}")
        return web.Response(status=204)

    def _signature_fits(self, request: web.Request, name: str, fields: dict[str, Any]) -> bool:
        query = request.query
        plain = "&".join(f"{key}={value}" for key, value in query.items() if key != "Token")
        elements = f"{fields['CustomerID']}{fields['DevEUI']}"
        if name == "DevEUI_uplink" and "FCntUp" in fields:
            elements += f"{fields.get('FPort', 0)}{fields['FCntUp']}{fields.get('payload_hex', '')}"
        elif name == "DevEUI_downlink_Sent":
            elements += f"{fields.get('FPort', 0)}{fields.get('FCntDn', '')}"
        expected = hashlib.sha256(f"{elements}{plain}{self.as_key.lower()}".encode()).hexdigest()
        return hmac.compare_digest(expected, query.get("Token", "")) and query.get("AS_ID") == self.as_id

    def _take(self, name: str, fields: dict[str, Any]) -> None:
        dev_eui = fields["DevEUI"]
        if name == "DevEUI_notification" and fields["Type"] == "join" and fields["Var1"]:
            self.app_s_keys[dev_eui] = self._unwrap(fields["Var1"])
            self.next_fcnt_down[dev_eui] = 0
        if name != "DevEUI_uplink" or "FCntUp" not in fields:
            return
        self.next_fcnt_down[dev_eui] = fields["FCntDn"]
        payload = bytes.fromhex(fields.get("payload_hex", ""))
        if fields.get("PayloadEncryption"):
            self.app_s_keys[dev_eui] = key = self._unwrap(fields["AppSKey"])
            dev_addr = DevAddr.parse(fields["DevAddr"])
            payload = crypt_payload(key, UPLINK, dev_addr, fields["FCntUp"], payload)
        if not payload:
            return
        model, reading = decode(fields["FPort"], payload)
        self._decoded(
            DecodedUplink(
                dev_eui,
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

    def _unwrap(self, wrapped: str) -> AesKey:
        if self._transport_key is None:
            raise ValueError("the AS key has not been opened")
        return AesKey(aes_decrypt(self._transport_key, bytes.fromhex(wrapped)))

    def encrypt_downlink(self, dev_eui: str, dev_addr: DevAddr, payload: bytes) -> tuple[str, int]:
        """Payload for a downlink of an HSM device, encrypted, and the counter it was encrypted with."""
        fcnt = self.next_fcnt_down[dev_eui]
        self.next_fcnt_down[dev_eui] = fcnt + 1
        return crypt_payload(self.app_s_keys[dev_eui], DOWNLINK, dev_addr, fcnt, payload).hex(), fcnt
