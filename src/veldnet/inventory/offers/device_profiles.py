"""Device profiles: models of devices, and how they start."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update

from veldnet.domain.documents import ProfileSettings, decode_profile, encode
from veldnet.domain.errors import InvalidField, NotFound
from veldnet.domain.resources import DeviceProfile
from veldnet.domain.scope import Scope
from veldnet.inventory import changes
from veldnet.inventory.names import check_name
from veldnet.inventory.rows import inserted_ref, ref_of
from veldnet.lorawan.regions import REGIONS
from veldnet.store import readable
from veldnet.store.schema import device_profiles, devices
from veldnet.texts import Text

from .names import check_new_id
from .uses import profile_uses, refuse_while_used


class Profile(msgspec.Struct):
    """A device profile with its settings. `problem` says why they cannot be read, and then there are none:
    its devices are not served until it is given all of them again."""

    ref: str
    id: str
    name: str
    settings: dict[str, Any]
    devices: int
    suspended: bool = False
    problem: str | None = None


def create_device_profile(
    connection: Connection, operator_ref: int, profile_id: str, name: str, settings: ProfileSettings
) -> int:
    """A device model of an operator."""
    check_name(profile_id, what="id", most=100)
    name = check_name(name, most=100)
    check_radio(settings)
    check_new_id(connection, device_profiles, operator_ref, profile_id)
    result = connection.execute(
        insert(device_profiles).values(
            operator_ref=operator_ref, id=profile_id, name=name, type_mac="LoRaMAC", settings=encode(settings)
        )
    )
    changes.note(connection, "rules", 0)
    return inserted_ref(result)


def check_radio(settings: ProfileSettings) -> None:
    """What a profile says of the radio must exist in its region."""
    region = REGIONS.get(settings.region)
    if region is None:
        raise InvalidField(
            "region {region} is not one of {known}", region=settings.region, known=", ".join(REGIONS)
        )
    region = region.of_revision(settings.regionalParameterVersion)
    for name, rate in (
        ("rx2DataRate", settings.rx2DataRate),
        ("pingSlotDataRate", settings.pingSlotDataRate),
    ):
        if rate is not None and rate not in region.downlink:
            known = ", ".join(str(index) for index in region.downlink)
            raise InvalidField(
                "{name} {rate} is no downlink rate of {region}: {known}",
                name=name,
                rate=rate,
                region=region.name,
                known=known,
            )
    for name, frequency in (
        ("rx2Frequency", settings.rx2Frequency),
        ("pingSlotFrequency", settings.pingSlotFrequency),
        ("beaconFrequency", settings.beaconFrequency),
    ):
        if frequency is not None and region.sub_band(frequency) is None:
            raise InvalidField(
                "{name} {frequency} Hz is outside {region}",
                name=name,
                frequency=frequency,
                region=region.name,
            )
    if settings.rx1DROffset > region.max_rx1_dr_offset:
        raise InvalidField(
            "rx1DROffset of {region} is at most {most}",
            region=region.name,
            most=region.max_rx1_dr_offset,
        )


def change_profile(
    connection: Connection, operator_ref: int, ref: str, name: str, settings: ProfileSettings
) -> None:
    """Give a device profile another name and settings; version and region stay, for devices live by them."""
    number = ref_of(ref)
    row = connection.execute(
        select(device_profiles.c.settings).where(
            device_profiles.c.ref == number, device_profiles.c.operator_ref == operator_ref
        )
    ).first()
    if row is None:
        raise NotFound("DeviceProfile", ref)
    # What nobody can read any more keeps nobody from replacing it.
    before = next(readable("device_profile", [row], lambda row: decode_profile(row.settings)), settings)
    for member in ("loRaWANMacVersion", "region"):
        if getattr(before, member) != getattr(settings, member):
            raise InvalidField("{member} cannot be changed; create another profile", member=member)
    check_radio(settings)
    region = REGIONS[settings.region]
    if region.of_revision(before.regionalParameterVersion) is not region.of_revision(
        settings.regionalParameterVersion
    ):
        raise InvalidField(
            "regionalParameterVersion {version} has other data rates in {region}; create another profile",
            version=settings.regionalParameterVersion,
            region=region.name,
        )
    name = check_name(name, most=100)
    connection.execute(
        update(device_profiles)
        .where(device_profiles.c.ref == number)
        .values(name=name, settings=encode(settings))
    )
    changes.note(connection, "rules", 0)


def own_profile(connection: Connection, operator_ref: int, ref: str) -> tuple[int, str]:
    """Number and id of a device profile of the operator. Raises `NotFound`."""
    row = connection.execute(
        select(device_profiles.c.ref, device_profiles.c.id).where(
            device_profiles.c.ref == ref_of(ref), device_profiles.c.operator_ref == operator_ref
        )
    ).first()
    if row is None:
        raise NotFound("DeviceProfile", ref)
    return row.ref, row.id


def suspend_profile(connection: Connection, operator_ref: int, ref: str, suspended: bool) -> None:
    """No device can be given a suspended profile; those that have it go on."""
    number, _id = own_profile(connection, operator_ref, ref)
    connection.execute(
        update(device_profiles).where(device_profiles.c.ref == number).values(suspended=suspended)
    )


def remove_profile(connection: Connection, operator_ref: int, ref: str) -> None:
    """Delete a device profile; decoders lose the link to it. Its devices, and flows that choose it,
    are moved to another one first. Raises `InUse`."""
    number, profile_id = own_profile(connection, operator_ref, ref)
    refuse_while_used(
        Text("device profile {profile_id}", profile_id=profile_id),
        profile_uses(connection, number),
        Text("name in moveTo the profile that they move to"),
    )
    connection.execute(delete(device_profiles).where(device_profiles.c.ref == number))
    changes.note(connection, "rules", 0)


def list_device_profiles(connection: Connection, scope: Scope) -> list[DeviceProfile]:
    rows = connection.execute(
        select(device_profiles.c.id, device_profiles.c.name, device_profiles.c.type_mac)
        .where(device_profiles.c.operator_ref == scope.operator_ref)
        .order_by(device_profiles.c.ref)
    )
    return [DeviceProfile(*row) for row in rows]


def operator_profiles(connection: Connection, operator_ref: int) -> list[Profile]:
    rows = connection.execute(
        select(device_profiles)
        .where(device_profiles.c.operator_ref == operator_ref)
        .order_by(device_profiles.c.ref)
    ).all()
    used = {
        row.profile_ref: row.devices
        for row in connection.execute(
            select(devices.c.profile_ref, func.count().label("devices"))
            .where(devices.c.profile_ref.in_([row.ref for row in rows]))
            .group_by(devices.c.profile_ref)
        )
    }

    def shown(row: Any, problem: str | None = None) -> Profile:
        settings = {} if problem else msgspec.structs.asdict(decode_profile(row.settings))
        return Profile(str(row.ref), row.id, row.name, settings, used.get(row.ref, 0), row.suspended, problem)

    return list(readable("device_profile", rows, shown, shown))
