"""Why a device does not join: each reason is found and said, with a next step."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select, update

from veldnet.diagnosis import Explanation, explain_device, explain_frame
from veldnet.diagnosis.causes import cause
from veldnet.diagnosis.decisions import has_form
from veldnet.diagnosis.language import render
from veldnet.lorawan import AesKey, BaseStationId, DevEui, JoinEui
from veldnet.network.core import decode_record
from veldnet.simulator.device import Identity, VirtualDevice
from veldnet.simulator.virtual_time import run_virtually
from veldnet.store import SqliteStore
from veldnet.store.schema import base_stations, devices, frame_bodies
from veldnet.store.schema import frames as frame_rows
from veldnet.virtual import MIXED, Conditions, Faults, Kind
from veldnet.virtual import VirtualNetwork as World

EUI = DevEui(0x0059AC0000000000)


def change_identity(world: World, **changes: object) -> None:
    device = world.lives[0].device
    values = {
        "dev_eui": device.identity.dev_eui,
        "join_eui": device.identity.join_eui,
        "app_key": device.identity.app_key,
    }
    device.identity = Identity(**(values | changes))  # type: ignore[arg-type]


async def explain(world: World, dev_eui: DevEui = EUI) -> Explanation:
    now = world.clock()
    return await world.data.store.read(lambda c: explain_device(c, dev_eui, now))


def story(
    directory: Path, prepare: Callable[[World], None], *, kind: Kind | None = None, dev_eui: DevEui = EUI
) -> str:
    """What is said of a device after two minutes of trying, the problems only."""

    async def run() -> str:
        world = World(directory, 1, faults=Faults(loss=0.0), conditions=Conditions(kinds=(kind or Kind(),)))
        await world.build(1)
        prepare(world)
        # Base stations speak up all the time; the journal alone would not know of those that hear nothing.
        await world.data.store.write(
            lambda c: c.execute(update(base_stations).values(last_seen_at=int(world.clock() * 1000)))
        )
        await world.run(120)
        explanation = await explain(world, dev_eui)
        await world.close()
        assert explanation.findings[0].level == "problem" and explanation.findings[0].next
        return " | ".join(f.text for f in explanation.findings if f.level == "problem")

    return run_virtually(run())


def test_an_unknown_dev_eui(tmp_path: Path) -> None:
    unknown = DevEui(0x0059AC00000000FF)
    words = story(tmp_path, lambda w: change_identity(w, dev_eui=unknown), dev_eui=unknown)
    assert "No device has DevEUI" in words


def test_an_eui_written_in_reverse(tmp_path: Path) -> None:
    backwards = DevEui.from_wire(bytes.fromhex(str(EUI)))
    words = story(tmp_path, lambda w: None, dev_eui=backwards)
    assert "the bytes of the DevEUI are in reverse order" in words


def test_a_wrong_app_key(tmp_path: Path) -> None:
    words = story(tmp_path, lambda w: change_identity(w, app_key=AesKey(bytes(16))))
    assert "The AppKey in the device differs" in words


def test_a_wrong_join_eui(tmp_path: Path) -> None:
    words = story(tmp_path, lambda w: change_identity(w, join_eui=JoinEui(99)))
    assert "another JoinEUI" in words


def test_a_missing_nwk_key(tmp_path: Path) -> None:
    def forget(world: World) -> None:
        store = world.data.store
        assert isinstance(store, SqliteStore)
        with store.engine.begin() as connection:
            connection.execute(update(devices).values(sealed_nwk_key=None))

    words = story(tmp_path, forget, kind=Kind("1.1"))
    assert "it has no NwkKey" in words


def test_a_replayed_nonce(tmp_path: Path) -> None:
    def restart(world: World) -> None:
        """A device that forgets its counter whenever it sends."""
        device = world.lives[0].device
        join = device.join_request

        def forgetful() -> object:
            device.security, device.dev_nonce = None, 0
            return join()

        device.join_request = forgetful  # type: ignore[method-assign,assignment]
        device.receive = lambda _phy: None  # type: ignore[method-assign,assignment]

    words = story(tmp_path, restart, kind=Kind("1.0.4"))
    assert "its DevNonce does not rise" in words


def test_another_region_than_the_profiles(tmp_path: Path) -> None:
    from veldnet.lorawan.regions import REGIONS

    def abroad(world: World) -> None:
        life = world.lives[0]
        life.device = VirtualDevice(life.device.identity, REGIONS["IN865"], world.rng, data_rate=3)

    words = story(tmp_path, abroad, kind=Kind(region="KR920"))
    assert "another region" in words


def test_no_base_station_hears_it(tmp_path: Path) -> None:
    def deaf(world: World) -> None:
        for station in world.airs["EU868"].base_stations:
            station.frequencies = frozenset()

    assert "No base station has received the device; 2 are connected" in story(tmp_path, deaf)


def test_the_answer_comes_too_late(tmp_path: Path) -> None:
    def slow(world: World) -> None:
        arrive = world._arrive

        def later(*values: object) -> None:
            asyncio.get_running_loop().call_later(7.0, arrive, *values)  # type: ignore[arg-type]

        world._arrive = later  # type: ignore[method-assign,assignment]
        # The clock of the copies is the server's, so that the backhaul's delay is seen by nobody: the base
        # station alone knows that it is too late.

    assert "too late" in story(tmp_path, slow)


def test_the_device_never_hears_the_accept(tmp_path: Path) -> None:
    def deaf(world: World) -> None:
        world.lives[0].device.receive = lambda _phy: None  # type: ignore[method-assign,assignment]

    assert "no uplink followed: the device does not receive them" in story(tmp_path, deaf)


def test_all_is_well_and_a_frame_is_explained(tmp_path: Path) -> None:
    async def run() -> None:
        world = World(tmp_path, 1, faults=Faults(loss=0.0))
        await world.build(1)
        await world.run(120)
        explanation = await explain(world)
        assert not [f for f in explanation.findings if f.level == "problem"]
        assert any("Last uplink" in f.text for f in explanation.findings)
        ids = await world.data.store.read(lambda c: list(c.execute(select(frame_rows.c.id)).scalars()))
        for frame_id in ids:
            found = await world.data.store.read(lambda c, i=frame_id: explain_frame(c, i))  # type: ignore[misc]
            assert found is not None and found.findings
        assert await world.data.store.read(lambda c: explain_frame(c, 5)) is None
        network = world.server.platform.network
        view = await network.requests.inspect(1)
        assert view.session is not None and view.session.fcntUp is not None
        assert str(BaseStationId(0xFF000002)) in view.session.heardBy
        assert {p.name for p in view.session.parameters} >= {"rx2DataRate", "channels", "dataRate"}
        await world.close()

    run_virtually(run())


@pytest.mark.parametrize("code", ["00", "A3", "DA", "E0", "ZZ"])
def test_causes_have_words(code: str) -> None:
    assert render(cause(code), "en") and render(cause(code), "nl")


def test_e7_every_decision_that_is_recorded_can_be_translated(tmp_path: Path) -> None:
    """Devices of all kinds, with loss, downlinks and rejoins: no sentence of a record has no form."""

    async def run() -> set[str]:
        world = World(tmp_path, 7, faults=Faults(loss=0.2), conditions=Conditions(kinds=MIXED))
        await world.build(16)
        await world.run(600)
        rows = await world.data.store.read(
            lambda c: c.execute(select(frame_bodies.c.body).where(frame_bodies.c.part == 0)).scalars().all()
        )
        await world.close()
        return {sentence for body in rows for sentence in decode_record(body).decisions}

    sentences = run_virtually(run())
    assert len(sentences) > 100
    assert not {sentence for sentence in sentences if not has_form(sentence)}
