"""Alarms of a device on the paths of ThingPark's OSS."""

from __future__ import annotations

import msgspec

from veldnet.api.kpn.monitoring import acknowledge
from veldnet.api.routers import OSS
from veldnet.api.services import Services
from veldnet.domain.errors import NotFound
from veldnet.domain.resources import AlarmState, DeviceAlarm
from veldnet.domain.scope import Scope
from veldnet.inventory import devices
from veldnet.monitoring.alarms import listing

from .devices import ONE
from .shapes import known, millis

STATES: tuple[AlarmState, ...] = ("CLEARED", "UNCLEARED", "WARNING", "MINOR", "MAJOR", "CRITICAL")


class OssAlarm(msgspec.Struct, omit_defaults=True, kw_only=True):
    """An alarm. `state` and `level` are 1 (cleared), 3 (warning) to 6 (critical); times in Unix
    milliseconds."""

    ID: int
    alarmUid: str
    acked: bool
    state: int
    level: int
    occurrence: int
    creationTimestamp: int
    updateTimestamp: int
    ackedInfo: str | None = None
    ackedTimestamp: int | None = None
    index: str | None = None
    addInfo: str | None = None
    addInfo2: str | None = None
    addInfo3: str | None = None
    addInfo4: str | None = None
    addInfo5: str | None = None


class OssAlarms(msgspec.Struct):
    """Alarms, the last updated first."""

    briefs: list[OssAlarm]
    more: bool


def shown(alarm: DeviceAlarm) -> OssAlarm:
    """An alarm as OSS shows it."""
    level = STATES.index(alarm.alarmState) + 1
    return OssAlarm(
        ID=alarm.deviceAlarmTypeId,
        alarmUid=alarm.ref,
        acked=alarm.acked,
        state=level,
        level=level,
        occurrence=alarm.occurrence,
        creationTimestamp=millis(alarm.creationTime) or 0,
        updateTimestamp=millis(alarm.lastUpdateTime) or 0,
        ackedInfo=known(alarm.ackAuthor),
        ackedTimestamp=millis(alarm.lastAckTime),
        index=known(alarm.deviceAlarmObjectId),
        addInfo=known(alarm.additionalInfo1),
        addInfo2=known(alarm.additionalInfo2),
        addInfo3=known(alarm.additionalInfo3),
        addInfo4=known(alarm.additionalInfo4),
        addInfo5=known(alarm.additionalInfo5),
    )


async def _alarms(services: Services, scope: Scope, device_ref: str) -> list[DeviceAlarm]:
    """All of them: a device has one of each type and object."""
    return await services.read(
        lambda c: listing.list_alarms(c, scope, str(devices.get_device(c, scope, device_ref).EUI), None)
    )


@OSS.get(f"{ONE}/alarms")
async def list_alarms(device_ref: str, services: Services, scope: Scope) -> OssAlarms:
    """The alarms of a device, cleared ones too."""
    found = await _alarms(services, scope, device_ref)
    return OssAlarms([shown(alarm) for alarm in found], False)


@OSS.post(f"{ONE}/alarms/{{alarmUid}}/ack", status=201)
async def acknowledge_one(device_ref: str, alarm_uid: str, services: Services, scope: Scope) -> None:
    """Note who has seen an alarm; a second acknowledgement changes nothing."""
    if all(alarm.ref != alarm_uid for alarm in await _alarms(services, scope, device_ref)):
        raise NotFound("DeviceAlarm", alarm_uid)
    await acknowledge(alarm_uid, services, scope)


@OSS.post(f"{ONE}/alarms/ack", status=201)
async def acknowledge_all(device_ref: str, services: Services, scope: Scope) -> None:
    """Acknowledge every alarm of a device that nobody has acknowledged."""
    for alarm in await _alarms(services, scope, device_ref):
        if not alarm.acked:
            await acknowledge(alarm.ref, services, scope)
