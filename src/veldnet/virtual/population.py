"""Population of a virtual network: kinds of devices, their plans and profiles, the devices."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Literal

import msgspec
from sqlalchemy import Connection

from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.domain.documents import (
    MacVersion,
    MotionIndicator,
    PlanSettings,
    ProfileSettings,
    RegionalParameters,
    StationProfileSettings,
)
from veldnet.domain.resources import Device, Route, RoutingProfile
from veldnet.domain.scope import Scope
from veldnet.inventory import base_stations, devices, offers, routing_profiles
from veldnet.keys import labels
from veldnet.lorawan import AesKey, DevEui, GatewayEui, JoinEui
from veldnet.lorawan.regions import REGIONS
from veldnet.simulator.device import Identity, VirtualDevice

PLAN_ID = "virtual/plan"
# Nobody checks signatures in a virtual network.
_AS_KEY = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"


_REVISIONS: dict[MacVersion, RegionalParameters] = {
    "1.0.3": "1.0.3revA",
    "1.0.4": "RP2-1.0.4",
    "1.1": "RP2-1.0.0",
}


class Kind(msgspec.Struct, frozen=True):
    """A kind of device: version, class, region and movement. `speaks_11` where the device itself is of 1.1
    and its profile says otherwise: the network then serves it as one of the profile's version. `revision` is
    that of the regional parameters, None for one that fits the version."""

    version: MacVersion = "1.0.2"
    device_class: Literal["A", "B", "C"] = "A"
    region: str = "EU868"
    motion: MotionIndicator = "RANDOM"
    speaks_11: bool = False
    revision: RegionalParameters | None = None

    @property
    def two_root_keys(self) -> bool:
        return self.version == "1.1" or self.speaks_11

    @property
    def profile_id(self) -> str:
        revision = "" if self.revision is None else f"-{self.revision}"
        return f"VIRTUAL/{self.version}-{self.device_class}-{self.region}{revision}-{self.motion}"

    @property
    def profile(self) -> ProfileSettings:
        return ProfileSettings(
            loRaWANMacVersion=self.version,
            loRaWANClass=self.device_class,
            region=self.region,
            regionalParameterVersion=self.revision or _REVISIONS.get(self.version, "1.0.2revB"),
            motionIndicator=self.motion,
        )


PLAIN = (Kind(),)
MIXED = (
    Kind("1.0.2"),
    Kind("1.1"),
    Kind("1.0.3", "B"),
    Kind("1.0.2", "C"),
    Kind("1.1", "C"),
    Kind("1.0.4"),
    Kind("1.0.4", "A", "US915"),
    Kind("1.1", "B", "AS923-1"),
)


async def create_rules(
    data: DataDirectory, operator: int, scope: Scope, kinds: tuple[Kind, ...], plan: PlanSettings
) -> str:
    """Device profiles, a connectivity plan and a routing profile; returns the id of the last."""

    def write(connection: Connection) -> None:
        for kind in kinds:
            offers.create_device_profile(connection, operator, kind.profile_id, kind.profile_id, kind.profile)
        plan_ref = offers.create_connectivity_plan(connection, operator, PLAN_ID, "Virtual", plan)
        offers.grant_connectivity_plan(connection, scope.subscriber_ref, plan_ref, 10_000_000)

    await data.store.write(write)
    route = Route(contentType="JSON", addresses=["http://as.example/up"], asId="as", asKey=_AS_KEY)
    checked = routing_profiles.check_routes([route])
    assert checked[0].as_key is not None
    sealed = await data.vault.seal(labels.tunnel_key("as"), checked[0].as_key.encode())
    profile = await data.store.write(
        lambda c: routing_profiles.create_routing_profile(
            c, scope, RoutingProfile(name="AS"), routing_profiles.Prepared(checked, [sealed])
        )
    )
    return str(profile.id)


def register_base_stations(
    connection: Connection, operator: int, numbered: Sequence[tuple[int, str]], profiles: Sequence[str]
) -> None:
    """Base stations by number and region; those of regions in `profiles` have one that names the region."""
    for region in profiles:
        settings = StationProfileSettings(region=region)
        base_stations.create_profile(connection, operator, region, region, settings)
    for number, region in numbered:
        base_stations.create_base_station(
            connection,
            operator,
            GatewayEui(number + 1),
            base_stations.StationFacts(
                name=f"Station {number}", profile_id=region if region in profiles else None
            ),
        )


def identity_of(number: int, kind: Kind, rng: random.Random) -> Identity:
    """What is engraved in a device."""
    return Identity(
        DevEui(0x0059AC0000000000 + number),
        JoinEui(1),
        AesKey(rng.randbytes(16)),
        AesKey(rng.randbytes(16)) if kind.two_root_keys else None,
    )


def virtual_device(kind: Kind, identity: Identity, rng: random.Random, *, slow: bool) -> VirtualDevice:
    """The device itself; `slow` has it begin at the lowest data rate, for a base station that is far away."""
    region = REGIONS[kind.region].of_revision(kind.profile.regionalParameterVersion)
    device = VirtualDevice(
        identity,
        region,
        rng,
        data_rate=min(region.join_data_rates) if slow else min(3, region.adr_max_data_rate),
        device_class=kind.device_class,
        dev_nonce=0 if kind.version == "1.0.4" else None,
    )
    device.ping_periodicity = 2
    return device


async def create_device(
    data: DataDirectory, scope: Scope, kind: Kind, identity: Identity, routing_profile: str
) -> None:
    """Write a device into the inventory, as a customer would over the API."""
    app_key, nwk_key = identity.app_key, identity.nwk_key
    if nwk_key is not None and kind.version != "1.1":
        app_key, nwk_key = nwk_key, None
    body = Device(
        EUI=str(identity.dev_eui),
        applicationEUI=str(identity.join_eui),
        applicationKey=app_key.hex(),
        deviceProfileId=kind.profile_id,
        connectivityPlanId=PLAN_ID,
        routingProfileId=routing_profile,
    )
    new = devices.check_new_device(body, hsm_required=False)
    key = await data.vault.import_app_key(new.dev_eui, app_key)
    created = await data.store.write(lambda c: devices.create_device(c, scope, new, key))
    if nwk_key is not None:
        sealed = await data.vault.import_nwk_key(new.dev_eui, nwk_key)
        await data.store.write(lambda c: devices.set_nwk_key(c, scope, int(str(created.ref)), sealed))
