"""Areas that devices are watched for."""

from __future__ import annotations

from veldnet.api.routers import SUBSCRIBER
from veldnet.api.services import Services
from veldnet.domain.scope import Scope
from veldnet.inventory import geofences
from veldnet.inventory.geofences import GeofenceBody, GeofenceView


@SUBSCRIBER.get("/geofences", "listGeofences", "Geofences", "Areas that devices are watched for, by name.")
async def list_geofences(services: Services, scope: Scope) -> list[GeofenceView]:
    return await services.read(lambda c: geofences.list_geofences(c, scope))


@SUBSCRIBER.post("/geofences", "createGeofence", "Geofences", "Create an area.", status=201)
async def create_geofence(services: Services, scope: Scope, body: GeofenceBody) -> GeofenceView:
    """Without `alarm` devices that enter and that leave raise alarms, without `level` as WARNING. Devices
    that are already within raise none."""
    return await services.change(
        lambda c: geofences.create_geofence(c, scope, body),
        by=scope,
        action="geofence.created",
        details={"name": str(body.name)},
    )


@SUBSCRIBER.get("/geofences/{geofenceRef}", "getGeofence", "Geofences", "An area.")
async def get_geofence(geofence_ref: str, services: Services, scope: Scope) -> GeofenceView:
    return await services.read(lambda c: geofences.get_geofence(c, scope, geofence_ref))


@SUBSCRIBER.put("/geofences/{geofenceRef}", "updateGeofence", "Geofences", "Change an area.")
async def update_geofence(
    geofence_ref: str, services: Services, scope: Scope, body: GeofenceBody
) -> GeofenceView:
    """What is left out stays. After a change of the shape it is judged again on which side devices are,
    without an alarm."""
    return await services.change(
        lambda c: geofences.update_geofence(c, scope, geofence_ref, body),
        by=scope,
        action="geofence.changed",
        what=f"geofence {geofence_ref}",
    )


@SUBSCRIBER.delete("/geofences/{geofenceRef}", "deleteGeofence", "Geofences", "Delete an area.")
async def delete_geofence(geofence_ref: str, services: Services, scope: Scope) -> None:
    """Its alarms end within a minute."""
    await services.change(
        lambda c: geofences.delete_geofence(c, scope, geofence_ref),
        by=scope,
        action="geofence.deleted",
        what=f"geofence {geofence_ref}",
    )
