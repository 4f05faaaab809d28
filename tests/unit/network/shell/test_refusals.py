"""Refused frames of known devices are counted, all of them, and recorded within bounds."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from veldnet.diagnosis.explaining import explain_device
from veldnet.lorawan import AesKey, BaseStationId, DevEui
from veldnet.lorawan.join import join_request_mic
from veldnet.lorawan.modulation import Lora
from veldnet.lorawan.radio import GatewayUplink
from veldnet.network.core import JoinRecord, RefusedRecord
from veldnet.network.shell.admission.flood_guard import VAULT_WEIGHT
from veldnet.network.shell.admission.refusals import REFUSED_PER_SECOND, weight_of
from veldnet.simulator.virtual_time import run_virtually
from veldnet.virtual import VirtualNetwork as World

FORGED = REFUSED_PER_SECOND + 200
# Base stations through which they come: through one alone they would be throttled.
SPREAD = 100


def test_a_flood_of_forged_joins(tmp_path: Path) -> None:
    async def story() -> None:
        world = World(tmp_path, 1)
        await world.build(1)
        network = world.server.platform.network
        request = world.lives[0].device.join_request().phy_payload
        for nonce in range(FORGED):
            unsigned = request[:17] + nonce.to_bytes(2, "little")
            phy = unsigned + join_request_mic(AesKey(bytes(16)), unsigned)
            network.receive(
                GatewayUplink(
                    BaseStationId(0xFF000001 + nonce % SPREAD),
                    phy,
                    868_100_000,
                    Lora(7, 125),
                    -90,
                    5,
                    1,
                    world.clock(),
                )
            )
        await network.stop()
        assert network.counters.refused["wrong_mic"] == FORGED
        recorded = [r for r in await world.records() if isinstance(r, JoinRecord)]
        assert len(recorded) == REFUSED_PER_SECOND
        await world.close()

    run_virtually(story())


def test_forged_joins_through_one_base_station_are_throttled(tmp_path: Path) -> None:
    async def story() -> None:
        world = World(tmp_path, 1)
        await world.build(1)
        network = world.server.platform.network
        limit = network.parameters.unknown_device_limit
        request = world.lives[0].device.join_request().phy_payload
        for nonce in range(FORGED):
            unsigned = request[:17] + nonce.to_bytes(2, "little")
            phy = unsigned + join_request_mic(AesKey(bytes(16)), unsigned)
            network.receive(
                GatewayUplink(
                    BaseStationId(0xFF000001), phy, 868_100_000, Lora(7, 125), -90, 5, 1, world.clock()
                )
            )
        await network.stop()
        assert network.counters.refused["wrong_mic"] == limit
        assert network.counters.refused["flood"] == FORGED - limit
        forged = next(r for r in await world.records() if isinstance(r, JoinRecord))
        weights = {
            outcome: weight_of(replace(forged, outcome=outcome))
            for outcome in ("wrong_mic", "dev_nonce_replayed", "vault_busy", "module_failed")
        }
        assert weights == {
            "wrong_mic": VAULT_WEIGHT,
            "dev_nonce_replayed": 1.0,
            "vault_busy": 0.0,
            "module_failed": 0.0,
        }, "what the vault could not serve says nothing against a base station"
        said = [r for r in await world.records() if isinstance(r, RefusedRecord) and r.outcome == "flood"]
        assert [str(r.best.base_station) for r in said] == ["FF000001"], "said once"
        dev_eui = world.lives[0].device.identity.dev_eui
        now = world.clock()
        explanation = await world.data.store.read(lambda c: explain_device(c, dev_eui, now))
        assert any("Joins through FF000001 may not" in finding.text for finding in explanation.findings)
        unknown = await world.data.store.read(lambda c: explain_device(c, DevEui(1), now))
        assert any("Joins through FF000001 may not" in finding.text for finding in unknown.findings)
        later = await world.data.store.read(lambda c: explain_device(c, dev_eui, now + 3600))
        assert not any("joins through" in finding.text for finding in later.findings)
        await world.close()

    run_virtually(story())
