"""Wire format of the socket pair: length-prefixed MessagePack calls and answers.

Only numbers, octets and text, so that neither side can make the other run anything.
"""

from __future__ import annotations

import asyncio
from typing import Literal

import msgspec

from veldnet.domain.groups import MemberKeys
from veldnet.domain.joins import JoinKeys, JoinOrder, JoinRefusal
from veldnet.keys.group_orders import GroupKeyOrder, GroupSessionKeys, McKey, Member
from veldnet.keys.interface import ClearKey, Form, Sealed, VaultError
from veldnet.lorawan import AesKey, DevAddr, DevEui, JoinEui, NetId, frames
from veldnet.lorawan.frames import JoinRequest, RejoinRequest
from veldnet.lorawan.join import JoinAccept
from veldnet.texts import Text

# A batch of 64 joins takes 30 KB.
MAX_FRAME = 4_000_000
_LENGTH = 4
# Number of an answer to no call: the vault could not be opened.
UNASKED = 0


Method = Literal[
    "join",
    "app_key",
    "nwk_key",
    "keys",
    "as_key",
    "exchange_key",
    "transport_key",
    "receive",
    "seal",
    "unseal",
    "mc_key",
    "group_keys",
    "member_keys",
    "refresh",
    "reseal",
    "ping",
]


class Order(msgspec.Struct, frozen=True, array_like=True):
    """A `JoinOrder`."""

    dev_eui: int
    join_eui: int
    sealed_app_key: bytes
    sealed_nwk_key: bytes | None
    request: bytes
    accept: tuple[int, int, int, int, int, bytes]
    protected: bool
    sealed_as_transport_key: bytes | None
    vault: str


class Served(msgspec.Struct, frozen=True, array_like=True):
    """The answer to an order: keys, or why not."""

    join_accept: bytes = b""
    keys: tuple[bytes | None, ...] = ()
    code: str = ""
    message: str = ""


class Call(msgspec.Struct, frozen=True, array_like=True):
    """A call. What stands behind `orders` is used by those that need it."""

    id: int
    method: Method
    orders: list[Order] = []
    dev_eui: int = 0
    label: str = ""
    octets: bytes = b""
    sealed: bytes = b""
    form: Form = "RSA"
    items: list[Sealed] = []
    keys: list[ClearKey] = []
    group: GroupKeyOrder | None = None
    members: list[Member] = []
    mc_key: McKey | None = None


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """An answer; `code` names what went wrong, `text` says it: the form of a `Text` where it has `values`."""

    id: int
    served: list[Served] = []
    octets: bytes = b""
    text: str = ""
    code: str = ""
    resealed: list[bytes | None] = []
    values: dict[str, str | int] | None = None
    sealed: list[bytes] = []
    group: GroupSessionKeys | None = None
    members: list[MemberKeys | None] = []


def refused(call: int, error: VaultError) -> Answer:
    """The answer that says why."""
    (words,) = error.args
    if isinstance(words, Text):
        values = {
            name: value if isinstance(value, int) else str(value) for name, value in words.values.items()
        }
        return Answer(call, code=error.code, text=words.form, values=values)
    return Answer(call, code=error.code, text=words)


def refusal(answer: Answer) -> VaultError:
    """What an answer with a code says."""
    values = answer.values
    return VaultError(answer.code, answer.text if values is None else Text(answer.text, **values))


_encoder = msgspec.msgpack.Encoder()
_call_decoder = msgspec.msgpack.Decoder(Call)
_answer_decoder = msgspec.msgpack.Decoder(Answer)


def framed(message: Call | Answer) -> bytes:
    octets = _encoder.encode(message)
    return len(octets).to_bytes(_LENGTH, "big") + octets


async def _frame(reader: asyncio.StreamReader) -> bytes:
    """The next frame. Raises `EOFError` at the end, and `ValueError` for one that is too long."""
    try:
        length = int.from_bytes(await reader.readexactly(_LENGTH), "big")
        if length > MAX_FRAME:
            raise ValueError(f"a frame of {length} octets")
        return await reader.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError):
        raise EOFError from None


async def read_call(reader: asyncio.StreamReader) -> Call:
    return _call_decoder.decode(await _frame(reader))


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    return _answer_decoder.decode(await _frame(reader))


def order_to_wire(order: JoinOrder) -> Order:
    accept = order.accept
    return Order(
        int(order.dev_eui),
        int(order.join_eui),
        order.sealed_app_key,
        order.sealed_nwk_key,
        order.request.to_bytes(),
        (
            accept.join_nonce,
            int(accept.net_id),
            int(accept.dev_addr),
            accept.dl_settings,
            accept.rx_delay,
            accept.cf_list,
        ),
        order.protected,
        order.sealed_as_transport_key,
        order.vault,
    )


def order_from_wire(order: Order) -> JoinOrder:
    """Raises `ValueError` for what is no order."""
    request = frames.parse(order.request)
    if not isinstance(request, JoinRequest | RejoinRequest):
        raise ValueError("an order without a join-request")
    nonce, net_id, dev_addr, dl_settings, rx_delay, cf_list = order.accept
    return JoinOrder(
        vault=order.vault,
        dev_eui=DevEui(order.dev_eui),
        join_eui=JoinEui(order.join_eui),
        sealed_app_key=order.sealed_app_key,
        sealed_nwk_key=order.sealed_nwk_key,
        request=request,
        accept=JoinAccept(nonce, NetId(net_id), DevAddr(dev_addr), dl_settings, rx_delay, cf_list),
        protected=order.protected,
        sealed_as_transport_key=order.sealed_as_transport_key,
    )


def served_to_wire(answer: JoinKeys | JoinRefusal) -> Served:
    if isinstance(answer, JoinRefusal):
        return Served(code=answer.code, message=answer.message)
    keys = (
        answer.f_nwk_s_int_key,
        answer.s_nwk_s_int_key,
        answer.nwk_s_enc_key,
        answer.app_s_key,
        answer.wrapped_app_s_key,
    )
    return Served(answer.join_accept, tuple(None if key is None else bytes(key) for key in keys))


def served_from_wire(served: Served) -> JoinKeys | JoinRefusal:
    if served.code:
        return JoinRefusal(served.code, served.message)
    forwarding, serving, encryption, application, wrapped = served.keys
    assert forwarding is not None
    return JoinKeys(
        join_accept=served.join_accept,
        f_nwk_s_int_key=AesKey(forwarding),
        s_nwk_s_int_key=_key(serving),
        nwk_s_enc_key=_key(encryption),
        app_s_key=_key(application),
        wrapped_app_s_key=wrapped,
    )


def _key(octets: bytes | None) -> AesKey | None:
    return None if octets is None else AesKey(octets)
