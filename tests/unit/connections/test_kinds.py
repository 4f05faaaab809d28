"""What the types of connection say of themselves, and batches."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from veldnet.connections import KINDS, Kind, Outcome, Outgoing
from veldnet.connections.batches import Batches
from veldnet.connections.kind import MEMBERS, SECRETS
from veldnet.domain.errors import InvalidField
from veldnet.inventory import flows
from veldnet.outgoing import AddressRefused, ConnectionFailed

REPOSITORY = Path(__file__).parents[3]
KIND = pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))


@KIND
def test_a_type_takes_its_example_and_no_other_address(kind: Kind) -> None:
    plain = re.sub(r"\{[^{}]*\}", "x", kind.example)
    assert kind.parse(plain).scheme in kind.beginnings and kind.secure(kind.example)
    for wrong in ("ftp://example.com", "example.com", f"{kind.beginnings[0]}://"):
        with pytest.raises(AddressRefused):
            kind.parse(wrong)
    names = [field.name for field in kind.fields]
    assert len(set(names)) == len(names)
    assert all(field.name in MEMBERS or field.name in SECRETS or field.option for field in kind.fields)
    assert {field.name for field in kind.fields if field.secret and not field.option} <= set(SECRETS)


@KIND
def test_presets_fill_fields_of_their_type(kind: Kind) -> None:
    for preset in kind.presets:
        options = {}
        body = flows.Connection(name="x", type=kind.type, address=re.sub("[A-Z]{3,}", "1", preset.address))
        for name, value in preset.values.items():
            field = kind.field(name)
            assert field is not None, (preset.id, name)
            if field.option:
                options[name] = value
            else:
                setattr(body, name, value)
        if options:
            body.options = options
        prepared = flows.prepare(body, None, allow_private=False)
        assert prepared.settings.address == body.address


def test_a_secret_option_is_kept_apart_and_can_be_left_as_it_is() -> None:
    def body(**options: str) -> flows.Connection:
        return flows.Connection(
            name="x", type="INFLUXDB", address="https://influx.example.com", options=dict(options)
        )

    def known(prepared: flows.Prepared) -> flows.Known:
        return flows.Known(prepared.settings, prepared.secrets, seen=1)

    made = flows.prepare(body(token="s3cret", bucket="b"), None, allow_private=False)
    assert (made.settings.options, made.secrets.options) == ({"bucket": "b"}, {"token": "s3cret"})
    kept = flows.prepare(body(token="*****", bucket="c"), known(made), allow_private=False)
    assert (kept.settings.options, kept.secrets.options) == ({"bucket": "c"}, {"token": "s3cret"})
    assert flows.prepare(body(token=""), known(kept), allow_private=False).secrets.options == {}
    assert "s3cret" not in repr(made)
    for wrong in ("https://influx.example.com/?org=x", "mqtt://influx.example.com"):
        with pytest.raises(InvalidField):
            flows.prepare(msgspec.structs.replace(body(), address=wrong), None, allow_private=False)
    with pytest.raises(InvalidField):
        flows.prepare(body(token="s\u00e9cret"), None, allow_private=False)


def test_a_type_says_what_its_client_is_installed_by() -> None:
    msgspec.structs.replace(KINDS["KAFKA"], library="asyncio").need_library()
    with pytest.raises(ConnectionFailed, match=r"of Kafka need `pip install 'veldnet\[kafka\]'`"):
        msgspec.structs.replace(KINDS["KAFKA"], library="not_installed").need_library()


def test_the_docs_have_every_type_and_preset() -> None:
    page = (REPOSITORY / "docs/flows.md").read_text()
    for kind in KINDS.values():
        assert f"`{kind.type}`" in page, kind.type
        for preset in kind.presets:
            assert f"`{preset.id}`" in page, preset.id


async def test_batches_hold_what_comes_at_once() -> None:
    batches, written = Batches(3), []

    async def write(messages: Sequence[Outgoing]) -> list[Outcome]:
        written.append([message.id for message in messages])
        if 5 in written[-1]:
            raise ConnectionFailed("gone")
        return [Outcome(True, "Ok")] * len(messages)

    async def idle() -> None:
        raise AssertionError

    running = asyncio.create_task(batches.run(write, idle, 60))
    sent = [asyncio.create_task(batches.send(Outgoing("up", {}, b"", 0, number))) for number in range(7)]
    ended = await asyncio.gather(*sent, return_exceptions=True)
    assert written == [[0, 1, 2], [3, 4, 5]]
    assert [isinstance(each, ConnectionFailed) for each in ended] == [False] * 3 + [True] * 4
    with pytest.raises(ConnectionFailed):
        await running
