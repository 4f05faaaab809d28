"""Every type of device alarm: what raises it, changes it, clears it; that it is acknowledged, and recycled.

Each is brought about by frames that travel through the network, and looked at as the API lists it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from tests.monitoring.stage import FREE, Stage, on_stage
from veldnet.domain.alarm_levels import Level
from veldnet.domain.documents import PlanSettings
from veldnet.domain.geofences import Crossing
from veldnet.inventory import devices
from veldnet.lorawan import AesKey, JoinEui
from veldnet.lorawan.frames import JoinRequest
from veldnet.lorawan.join import join_request_mic
from veldnet.lorawan.mac_commands import DevStatusAns, LinkADRAns, LinkADRReq
from veldnet.lorawan.modulation import Lora
from veldnet.monitoring.alarms import types
from veldnet.monitoring.alarms.types import DEVICE_TYPES
from veldnet.network.core import DownlinkRequest, LocationRecord
from veldnet.simulator.device import Transmission
from veldnet.virtual import Kind

DAY = 86_400.0
Deed = Callable[[Stage], Awaitable[None]]


async def several(deed: Deed, times: int, stage: Stage) -> None:
    for _ in range(times):
        await deed(stage)


class Script(msgspec.Struct):
    """How a type of alarm is brought about. `rise` raises its severity, None where that is for
    occurrences only."""

    type: int
    trigger: Deed
    clear: Deed
    state: str
    infos: tuple[str, ...]
    rise: Deed | None = None
    risen: str = ""
    milder: Deed | None = None
    plan: PlanSettings = FREE
    kind: Kind = Kind()
    object: str = ""
    before: Deed | None = None


# Deeds.


async def apart(stage: Stage) -> None:
    """So long after what came before that the same frame is no late copy of it."""
    await stage.pass_time(30, step=30)


async def quiet_day(stage: Stage) -> None:
    """A day in which the device behaves."""
    await stage.uplink()
    await stage.pass_time(DAY + 3600)


def battery(level: int) -> Deed:
    async def tell(stage: Stage) -> None:
        stage.device.ask(DevStatusAns(level, 5))
        await stage.uplink()

    return tell


async def too_many_uplinks(stage: Stage) -> None:
    await stage.uplink()


async def use_up_uplinks(stage: Stage) -> None:
    await several(too_many_uplinks, 2, stage)


async def downlink(stage: Stage) -> None:
    assert (
        await stage.network.requests.submit(
            stage.device.identity.dev_eui, DownlinkRequest(fport=5, payload=b"x")
        )
        is None
    )
    await stage.uplink()


def silence(hours: float) -> Deed:
    async def be_silent(stage: Stage) -> None:
        await stage.pass_time(hours * 3600, step=60)

    return be_silent


async def two_steps(stage: Stage) -> None:
    await stage.set_thresholds(("1_HOUR", "WARNING"), ("5_HOURS", "MAJOR"))


def spreading(steps: int, snr: float = 8.0) -> Deed:
    """An uplink so many spreading factors above the one that was commanded, which the device uses."""

    async def send(stage: Stage) -> None:
        await stage.uplink(sf=12 - stage.device.data_rate + steps, snr=snr)

    return send


async def commanded(stage: Stage) -> None:
    """ADR commands a spreading factor between the extremes, and the device follows."""
    stage.device.data_rate = 0
    for _ in range(60):
        await stage.uplink(snr=-9.0, rssi=-115)
        commands = [c for heard in stage.heard for c in heard.commands]
        if any(isinstance(c, LinkADRReq) for c in commands) and stage.device.data_rate in (2, 3):
            await stage.uplink(snr=-9.0, rssi=-115)
            return
    raise AssertionError("ADR has commanded nothing")


def joining(nonce: int | None = None, *, key: AesKey | None = None, join_eui: int | None = None) -> Deed:
    """A join-request as somebody makes it: with a nonce of old, another key or JoinEUI."""

    async def ask(stage: Stage) -> None:
        identity = stage.device.identity
        number = stage.device.dev_nonce if nonce is None else nonce
        eui = identity.join_eui if join_eui is None else JoinEui(join_eui)
        unsigned = JoinRequest(eui, identity.dev_eui, number, b"").unsigned()
        phy = unsigned + join_request_mic(key or identity.app_key, unsigned)
        await apart(stage)
        await stage.give(Transmission(phy, 868_100_000, Lora(7, 125), 14, ()))

    return ask


_others = iter(range(40_000, 60_000))


async def join_that_the_device_did_not_ask(stage: Stage) -> None:
    """Somebody plays an old join-request that the server has not seen; the device stays in its session."""
    stage.deaf = True
    await joining(next(_others))(stage)
    await stage.uplink()
    stage.deaf = False


async def join_and_behave(stage: Stage) -> None:
    """The device joins itself, which ends what somebody else had begun."""
    await stage.join()
    await quiet_day(stage)


async def old_frame(stage: Stage) -> None:
    sent = stage.device.uplink(1, b"first")
    await stage.give(sent)
    await stage.uplink()
    await apart(stage)
    await stage.give(sent)


async def same_frame_twice(stage: Stage) -> None:
    sent = await stage.uplink()
    await apart(stage)
    await stage.give(sent)


async def forged_frame(stage: Stage) -> None:
    sent = stage.device.uplink(1, b"hello")
    stage.device.fcnt_up -= 1
    await apart(stage)
    await stage.give(
        msgspec.structs.replace(sent, phy_payload=sent.phy_payload[:-1] + bytes([sent.phy_payload[-1] ^ 1]))
    )


async def refuse_adr(stage: Stage) -> None:
    """The device says no to the channel mask of every LinkADRReq."""
    for _ in range(40):
        stage.deaf = True
        stage.device.ask(LinkADRAns(True, True, False))
        await stage.uplink(snr=9.0)
        if (types.COMMAND_REJECTED, "LinkADRReq") in await stage.alarms():
            alarm = await stage.alarm(types.COMMAND_REJECTED, "LinkADRReq")
            if alarm.alarmState != "CLEARED":
                return


async def ignore_status(stage: Stage) -> None:
    """The device does not answer DevStatusReq until the network gives up."""
    stage.deaf = True
    for _ in range(12):
        await stage.pass_time(700, step=700)
        await stage.uplink()


async def answer_status(stage: Stage) -> None:
    stage.device.ask(DevStatusAns(200, 5))
    await stage.uplink()


async def obey(stage: Stage) -> None:
    """Accept what the network asks."""
    stage.deaf = False
    for _ in range(3):
        await stage.pass_time(DAY, step=DAY)
        await stage.uplink(snr=9.0)
        await stage.uplink(snr=9.0)


_euis = iter(range(1000, 100_000))


async def another_join_eui(stage: Stage) -> None:
    await joining(stage.device.dev_nonce + 1, join_eui=next(_euis))(stage)


async def many_join_euis(stage: Stage) -> None:
    await several(another_join_eui, 32, stage)


async def reset(stage: Stage) -> None:
    """The security context is reset, and the device joins again."""
    await stage.network.requests.reset_context(1)
    await stage.network.commits.drain()


async def reset_and_join(stage: Stage) -> None:
    await reset(stage)
    await stage.join()


_ids = iter(range(1, 1000))


def crossing(*, inside: bool) -> Deed:
    """The network has located the device on the other side of the border of an area."""

    async def do(stage: Stage) -> None:
        entry = await stage.network.devices.get(ref=1)
        assert entry is not None
        now = stage.clock()
        crossed = Crossing(7, "Depot", inside, int(Level.MAJOR), raised=True)
        record = LocationRecord(
            id=next(_ids),
            device_ref=1, time=now, outcome="tdoa", dev_addr=None, frame=1, crossings=(crossed,),
        )  # fmt: skip
        stage.network.commits.note(entry, record)
        await stage.network.commits.drain()

    return do


SCRIPTS = (
    Script(
        types.BATTERY, battery(70), battery(110), "WARNING", ("28%",),
        rise=battery(20), risen="CRITICAL", milder=battery(60),
    ),
    Script(
        types.DOWNLINK_RATE, downlink, quiet_day, "MINOR", (),
        plan=PlanSettings(uplinkRate=0, downlinkRate=1, downlinkRateUnit="DAY", downlinkBucketSize=1),
        before=downlink,
    ),
    Script(
        types.UPLINK_RATE, too_many_uplinks, lambda stage: stage.pass_time(DAY + 3600), "MINOR", (),
        plan=PlanSettings(uplinkRate=1, uplinkRateUnit="DAY", uplinkBucketSize=3, downlinkRate=0),
        before=use_up_uplinks,
    ),
    Script(
        types.SILENCE, silence(1.1), too_many_uplinks, "WARNING", ("1",),
        rise=silence(4.5), risen="MAJOR", before=two_steps,
    ),
    Script(
        types.FAST_RATE, spreading(-1), spreading(0), "WARNING", (), before=commanded
    ),
    Script(types.SLOW_RATE, spreading(1), spreading(0), "MAJOR", (), before=commanded),
    Script(types.NONCE_REPLAYED, joining(), quiet_day, "WARNING", ()),
    Script(types.JOIN_MIC, joining(7, key=AesKey(bytes(16))), quiet_day, "WARNING", ("0000000000000001",)),
    Script(types.JOIN_UNUSED, join_that_the_device_did_not_ask, join_and_behave, "WARNING", ()),
    Script(types.COUNTER_REPLAYED, old_frame, quiet_day, "WARNING", ()),
    Script(types.REPEATED, same_frame_twice, quiet_day, "WARNING", ()),
    Script(types.COMMAND_REJECTED, refuse_adr, obey, "MAJOR", ("LinkADRReq", "7"), object="LinkADRReq"),
    Script(
        types.COMMAND_IGNORED, ignore_status, answer_status, "WARNING", ("DevStatusReq", "4"),
        object="DevStatusReq",
        plan=PlanSettings(uplinkRate=0, downlinkRate=0, deviceStatusRequestFrequency=144),
    ),
    Script(
        types.JOIN_EUIS, another_join_eui, quiet_day, "WARNING", (), kind=Kind("1.0.4"),
        before=many_join_euis,
    ),
    Script(
        types.NONCE_NOT_RISING, joining(0), quiet_day, "WARNING", ("0000", "0000000000000001"),
        kind=Kind("1.0.4"),
    ),
    Script(types.UPLINK_MIC, forged_frame, quiet_day, "WARNING", ()),
    Script(
        types.AREA_ENTERED, crossing(inside=True), crossing(inside=False), "MAJOR", ("Depot",), object="7"
    ),
    Script(
        types.AREA_LEFT, crossing(inside=False), crossing(inside=True), "MAJOR", ("Depot",), object="7"
    ),
)  # fmt: skip


def test_no_type_is_without_a_script() -> None:
    assert {script.type for script in SCRIPTS} == set(DEVICE_TYPES)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: DEVICE_TYPES[script.type].code)
def test_an_alarm_rises_changes_is_acknowledged_clears_and_is_recycled(
    tmp_path: Path, script: Script
) -> None:
    async def story(stage: Stage) -> None:
        kind, of = script.type, script.object
        if script.before is not None:
            await script.before(stage)
        assert (kind, of) not in await stage.alarms(), "nothing has happened yet"
        await script.trigger(stage)
        raised = await stage.alarm(kind, of)
        assert raised.alarmState == script.state and not raised.acked
        infos = [raised.additionalInfo1, raised.additionalInfo2, raised.additionalInfo3]
        for wanted, shown in zip(script.infos, infos, strict=False):
            assert shown == wanted

        await stage.acknowledge(kind, of)
        seen = await stage.alarm(kind, of)
        assert seen.acked and seen.ackAuthor == "Somebody" and seen.alarmState == raised.alarmState

        if script.rise is not None:
            await script.rise(stage)
            risen = await stage.alarm(kind, of)
            assert risen.alarmState == script.risen
            assert not risen.acked, "a rise withdraws the acknowledgement"
            assert risen.ref == raised.ref and risen.occurrence == 1
            if script.milder is not None:
                await script.milder(stage)
                assert (await stage.alarm(kind, of)).alarmState == script.state
        elif DEVICE_TYPES[kind].event_driven:
            growing = len(DEVICE_TYPES[kind].severity) > 1
            before = raised.occurrence
            await script.trigger(stage)
            again = await stage.alarm(kind, of)
            assert again.occurrence > before and again.acked, "the same state leaves it acknowledged"
            while growing and (await stage.alarm(kind, of)).occurrence < 10:
                await script.trigger(stage)
            if growing:
                risen = await stage.alarm(kind, of)
                assert (risen.alarmState, risen.acked) == ("MINOR", False)

        last = await stage.alarm(kind, of)
        await script.clear(stage)
        cleared = await stage.alarm(kind, of)
        assert cleared.alarmState == "CLEARED" and cleared.ref == raised.ref
        assert cleared.creationTime == raised.creationTime
        past = [
            p for p in await stage.history() if (p.deviceAlarmTypeId, p.deviceAlarmObjectId) == (kind, of)
        ]
        assert len(past) == 1
        assert (past[0].alarmState, past[0].occurrence) == (last.alarmState, last.occurrence)

        if script.before is not None and kind != types.JOIN_EUIS:
            await script.before(stage)
        await script.trigger(stage)
        recycled = await stage.alarm(kind, of)
        assert recycled.ref == raised.ref, "the record is permanent"
        assert recycled.alarmState == script.state and not recycled.acked
        assert recycled.lastUpdateTime > raised.lastUpdateTime

    on_stage(tmp_path, story, kind=script.kind, plan=script.plan)


@pytest.mark.parametrize(
    ("kind", "deed", "device"),
    [
        (types.NONCE_REPLAYED, joining(), Kind()),
        (types.COUNTER_REPLAYED, old_frame, Kind()),
        (types.NONCE_NOT_RISING, joining(0), Kind("1.0.4")),
    ],
)
def test_a_reset_of_the_security_context_ends_replay_alarms(
    tmp_path: Path, kind: int, deed: Deed, device: Kind
) -> None:
    async def story(stage: Stage) -> None:
        await deed(stage)
        assert (await stage.alarm(kind)).alarmState == "WARNING"
        await reset(stage)
        assert (await stage.alarm(kind)).alarmState == "CLEARED"

    on_stage(tmp_path, story, kind=device)


def test_alarms_of_a_device_go_with_it(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await forged_frame(stage)
        assert await stage.alarms()
        scope = await stage.scope()
        await stage.store.write(lambda c: devices.delete_device(c, scope, "1"))
        await stage.server.platform.apply_changes()
        assert not await stage.alarms()
        # What still comes from it is nobody's.
        await forged_frame(stage)
        assert not await stage.alarms()

    on_stage(tmp_path, story)
