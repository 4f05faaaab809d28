"""Device profiles, connectivity plans and decoders that moved devices need, made where they are not there."""

from __future__ import annotations

from sqlalchemy import Connection

from veldnet.domain.errors import BadRequest, Refusal, UnknownReference
from veldnet.domain.scope import Scope
from veldnet.inventory import decoders, devices, offers
from veldnet.inventory.decoders import PayloadDecoder

from .model import Decoder, NotMovable, Profile
from .report import Entry
from .target import Target


def ensure_profile(connection: Connection, target: Target, profile: Profile) -> list[Entry]:
    """Make the device profile and what goes with it. What is there of the same id stays as it is. Raises
    `NotMovable` where that is of another kind."""
    entries = [_ensure_device_profile(connection, target.scope, profile)]
    if profile.decoder is not None:
        entries.append(
            _ensure_decoder(connection, target.scope, profile, profile.decoder, target.most_source)
        )
    for entry in entries:
        if entry.outcome == "moved":
            identifier = entry.id if entry.kind == "deviceProfile" else entry.name
            target.made(connection, entry.kind, identifier)
    return entries


def _ensure_device_profile(connection: Connection, scope: Scope, profile: Profile) -> Entry:
    settings = profile.settings
    try:
        _ref, there = devices.find_profile(connection, scope, profile.id)
    except UnknownReference:
        offers.create_device_profile(connection, scope.operator_ref, profile.id, profile.name, settings)
        return Entry("deviceProfile", profile.id, profile.name, "moved", profile.remarks)
    if (there.loRaWANMacVersion, there.region) != (settings.loRaWANMacVersion, settings.region):
        raise NotMovable(
            f"device profile {profile.id} is here already, for LoRaWAN {there.loRaWANMacVersion} in "
            f"{there.region}: remove it"
        )
    return Entry("deviceProfile", profile.id, profile.name, "exists")


def _ensure_decoder(
    connection: Connection, scope: Scope, profile: Profile, decoder: Decoder, most_source: int
) -> Entry:
    known = {each.name for each in decoders.list_decoders(connection, scope)}
    if decoder.name in known:
        return Entry("decoder", profile.id, decoder.name, "exists")
    body = PayloadDecoder(
        name=decoder.name, kind=decoder.kind, source=decoder.source, deviceProfileIds=[profile.id]
    )
    try:
        decoders.create_decoder(connection, scope, body, most_source=most_source)
    except Refusal as error:
        # Its devices are moved all the same; their payloads are delivered as they come.
        return Entry("decoder", profile.id, decoder.name, "refused", (str(error.text),))
    return Entry("decoder", profile.id, decoder.name, "moved")


def ensure_connections(connection: Connection, target: Target, profile: Profile, wanted: int) -> None:
    """Have the plan of a profile, with a connection for each of so many devices more."""
    plan, scope = profile.plan, target.scope
    try:
        ref = offers.find_plan(connection, plan.id, scope.operator_ref)
    except BadRequest:
        ref = offers.create_connectivity_plan(
            connection, scope.operator_ref, plan.id, plan.name, plan.settings
        )
        target.made(connection, "connectivityPlan", plan.id)
    granted = {each.id: each for each in offers.list_connectivity_plans(connection, scope)}
    there = granted.get(plan.id)
    needed = wanted + (0 if there is None else there.usedConnections)
    if there is None or there.grantedConnections < needed:
        offers.grant_connectivity_plan(connection, scope.subscriber_ref, ref, needed)
