"""Examples of the operations of a subscriber: devices, frames, alarms, decoders."""

from __future__ import annotations

from tests.api.operations.example import Example, Make, of_device, plain
from tests.api.operations.world import CLASS_C, KEY, World
from tests.rsa_keys import public_pem


def _downlink(world: World) -> str:
    path = f"/devices/{world.device['ref']}/downlinks"
    return str(world.v1("POST", path, {"fPort": 1, "payload": "01"})["id"])


def _decoder(world: World) -> str:
    return str(world.v1("POST", "/decoders", {"name": "D", "kind": "CAYENNE_LPP"})["ref"])


GEOFENCE = {"name": "Depot", "circle": {"latitude": 52.09, "longitude": 5.12, "radius": 300}}


def _geofence(world: World) -> str:
    return str(world.v1("POST", "/geofences", GEOFENCE)["ref"])


def _campaign_body(world: World) -> dict[str, object]:
    return {"name": "C", "content": "AAEC", "devices": [world.new_device()["EUI"]]}


def _campaign(world: World, *actions: str) -> str:
    ref = str(world.v1("POST", "/campaigns", _campaign_body(world))["ref"])
    for action in actions:
        world.v1("POST", f"/campaigns/{ref}/{action}")
    return ref


def _group(world: World) -> str:
    return str(world.group["ref"])


def _group_of_vault(world: World) -> str:
    keys = {"hsmGroupId": world.account.hsm_group_id, "rsaPublicKey": public_pem()}
    named = {"name": f"R{world.number()}", "routes": []}
    profile = world.client.call("POST", "/routingProfiles", named | keys)
    body = world.group_body() | {"hsmGroupId": keys["hsmGroupId"], "routingProfileId": profile["id"]}
    del body["multicastKey"]
    return str(world.v1("POST", "/multicastGroups", body)["ref"])


def _member(world: World) -> dict[str, str]:
    device = world.new_device(deviceProfileId=CLASS_C)
    world.v1("PUT", f"/devices/{device['ref']}/rootKeys", {"genAppKey": KEY})
    world.v1("POST", f"/multicastGroups/{_group(world)}/members", {"deviceEUIs": [device["EUI"]]})
    return {"groupRef": _group(world), "deviceRef": device["ref"]}


def _group_downlink(world: World) -> dict[str, str]:
    ref = _group(world)
    sent = world.v1("POST", f"/multicastGroups/{ref}/downlinks", {"fPort": 1, "payload": "01"})
    return {"groupRef": ref, "downlinkId": sent["id"]}


def _flow(world: World) -> str:
    assert world.connection
    return str(world.flow["ref"])


EXAMPLES: dict[str, Make] = {
    "listAlarmHistory": of_device(),
    "getTimeline": of_device(),
    "setAlarmThresholds": of_device(
        body={"alarmThresholds": [{"enabled": True, "durationOfInactivity": "1_DAY", "level": "MAJOR"}]}
    ),
    "deviceStatistics": of_device(query="duration=7"),
    "fleetStatistics": plain(query="duration=7"),
    "planStatistics": lambda w: Example({"connectivityPlanRef": w.plan}, query="duration=7"),
    "getNotificationSettings": plain(),
    "setNotificationSettings": plain(body={"mode": "OFF"}),
    "listAudit": plain(),
    "listFrames": of_device(),
    "listLocations": of_device(query="limit=10"),
    "getFrame": lambda w: Example({"frameId": w.frame}),
    "listUndelivered": plain(),
    "redeliver": plain(body={"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}),
    "getSession": of_device(),
    "getExplanation": of_device(),
    "askRejoin": lambda w: Example({"deviceRef": w.modern["ref"]}),
    "resetSecurityContext": lambda w: Example({"deviceRef": w.modern["ref"]}),
    "getPublicExchangeKey": lambda w: Example({"hsmGroupId": w.account.hsm_group_id}),
    "importDevices": lambda w: Example(text=w.csv()),
    "planFleet": plain(body={"devices": [{"EUI": "70B3D5E75E0000F1"}]}),
    "applyFleet": plain(body={"routingProfiles": [{"name": "Fleet", "routes": []}]}),
    "exportFleet": plain(),
    "setNetworkKey": lambda w: Example({"deviceRef": w.modern["ref"]}, {"networkKey": KEY}),
    "changeRootKeys": lambda w: Example(
        {"deviceRef": w.modern["ref"]}, {"applicationKey": KEY, "resetSession": True}
    ),
    "listKeyChanges": of_device(),
    "searchCatalogue": plain(query="search=class"),
    "getCatalogueModel": plain(path={"makerId": "generic", "modelId": "class-a"}),
    "chooseCatalogueModel": plain(
        body={"makerId": "generic", "modelId": "cayenne-lpp", "version": "1.0.4", "region": "EU868"}
    ),
    "readDeviceCodes": plain(body={"codes": ["LW:D0:0059AC0000000001:0059AC00DD000001:002A0001"] * 20}),
    "signIn": lambda w: Example(
        body={"username": w.account.thingpark_username, "password": w.account.thingpark_password},
        anonymous=True,
    ),
    "getSessionUser": plain(),
    "getPreferences": plain(),
    "setLanguage": plain(body={"language": "nl"}),
    "getBranding": plain(),
    "setBranding": plain(body={"name": "Polderlink"}),
    "removeBranding": plain(),
    "setPreferences": plain(body={"deviceViews": []}),
    "listProjects": plain(),
    "createProject": plain(body={"name": "P"}),
    "rollSecret": lambda w: Example({"projectRef": w.v1("POST", "/projects", {"name": "P"})["ref"]}),
    "deleteProject": lambda w: Example({"projectRef": w.v1("POST", "/projects", {"name": "P"})["ref"]}),
    "getOverview": plain(),
    "search": plain(query="q=0059AC"),
    "searchDevices": plain(query="search=0059AC"),
    "mapDevices": plain(query="south=51&west=4&north=53&east=6&cell=1"),
    "mapLocations": plain(query="south=51&west=4&north=53&east=6&cell=1"),
    "exportDevices": plain(),
    "getVeldnetDevice": of_device(),
    "changeVeldnetDevice": of_device(body={"tags": ["roof"]}),
    "setLocation": of_device(body={"latitude": 52.0, "longitude": 5.0}),
    "batteryHistory": of_device(query="duration=7"),
    "changeDevices": lambda w: Example(
        body={"action": "update", "refs": [w.new_device()["ref"]], "change": {"name": "Bulk"}}
    ),
    "changeMatchingDevices": lambda w: Example(
        query=f"search={w.new_device()['EUI']}",
        body={"action": "update", "addTags": ["roof"], "removeTags": ["cellar"]},
    ),
    "listTags": plain(),
    "listImports": plain(),
    "beginImport": plain(body={"name": "a.csv"}),
    "undoImport": lambda w: Example({"importRef": w.v1("POST", "/imports", {"name": "b.csv"})["ref"]}),
    "searchFrames": of_device(),
    "exportFrames": plain(),
    "watchFrames": plain(method="HEAD"),
    "watchEvents": plain(method="HEAD"),
    "getDeliveries": lambda w: Example(query=f"ids={w.frame}"),
    "listAlarms": plain(),
    "listAssignees": plain(),
    "getAlarm": lambda w: Example({"alarmRef": w.alarm}),
    "commentAlarm": lambda w: Example({"alarmRef": w.alarm}, {"text": "Seen"}),
    "assignAlarm": lambda w: Example({"alarmRef": w.alarm}, {"userRef": None}),
    "muteAlarm": lambda w: Example({"alarmRef": w.alarm}, {"until": None}),
    "acknowledgeAlarms": lambda w: Example(body={"refs": [w.alarm]}),
    "listQueuedDownlinks": of_device(),
    "sendDownlink": of_device(body={"fPort": 1, "payload": "00"}),
    "listDownlinks": of_device(),
    "watchDownlinks": plain(method="HEAD"),
    "getDownlink": lambda w: Example({"downlinkId": _downlink(w)}),
    "cancelDownlink": lambda w: Example({"deviceRef": w.device["ref"], "downlinkId": _downlink(w)}),
    "flushDownlinks": of_device(),
    "getClock": plain(),
    "moveClock": plain(body={"advance": 0}),
    "injectUplink": of_device(body={"applicationKey": KEY}),
    "getVirtualDevice": of_device(),
    "listCampaigns": plain(),
    "createCampaign": lambda w: Example(body=_campaign_body(w)),
    "getCampaign": lambda w: Example({"campaignRef": _campaign(w)}),
    "listCampaignDevices": lambda w: Example({"campaignRef": _campaign(w)}),
    "reportCampaign": lambda w: Example({"campaignRef": _campaign(w)}),
    "pauseCampaign": lambda w: Example({"campaignRef": _campaign(w)}),
    "resumeCampaign": lambda w: Example({"campaignRef": _campaign(w, "pause")}),
    "abortCampaign": lambda w: Example({"campaignRef": _campaign(w)}),
    "deleteCampaign": lambda w: Example({"campaignRef": _campaign(w, "abort")}),
    "listGeofences": plain(),
    "createGeofence": lambda w: Example(body=GEOFENCE),
    "getGeofence": lambda w: Example({"geofenceRef": _geofence(w)}),
    "updateGeofence": lambda w: Example({"geofenceRef": _geofence(w)}, {"level": "MAJOR"}),
    "deleteGeofence": lambda w: Example({"geofenceRef": _geofence(w)}),
    "listDecoders": plain(),
    "createDecoder": plain(body={"name": "D", "kind": "CAYENNE_LPP"}),
    "getDecoder": lambda w: Example({"decoderRef": _decoder(w)}),
    "updateDecoder": lambda w: Example({"decoderRef": _decoder(w)}, {"name": "E"}),
    "deleteDecoder": lambda w: Example({"decoderRef": _decoder(w)}),
    "tryDecoder": plain(body={"kind": "CAYENNE_LPP", "trials": [{"payload": "01670110"}]}),
    "listMulticastGroups": plain(),
    "listStationTags": plain(),
    "createMulticastGroup": lambda w: Example(body=w.group_body()),
    "getMulticastGroup": lambda w: Example({"groupRef": _group(w)}),
    "updateMulticastGroup": lambda w: Example({"groupRef": _group(w)}, {"name": "Harbour"}),
    "getMulticastSessionKey": lambda w: Example({"groupRef": _group_of_vault(w)}),
    "addMulticastMembers": lambda w: Example(
        {"groupRef": _group(w)}, {"deviceEUIs": [w.new_device(deviceProfileId=CLASS_C)["EUI"]]}
    ),
    "getMulticastMemberSetUp": lambda w: Example(_member(w)),
    "exportMulticastMembers": lambda w: Example({"groupRef": _group(w)}),
    "listMulticastMembers": lambda w: Example({"groupRef": _group(w)}),
    "removeMulticastMembers": lambda w: Example(
        {"groupRef": _group(w)}, {"deviceEUIs": [w.device["EUI"]]}
    ),
    "getMulticastCoverage": lambda w: Example({"groupRef": _group(w)}),
    "listMulticastDownlinks": lambda w: Example({"groupRef": _group(w)}),
    "getMulticastDownlink": lambda w: Example(_group_downlink(w)),
    "sendMulticastDownlink": lambda w: Example({"groupRef": _group(w)}, {"fPort": 1, "payload": "01"}),
    "deleteMulticastGroup": lambda w: Example({"groupRef": w.new_group()["ref"]}),
    "listConnections": plain(),
    "listConnectionKinds": plain(),
    "createConnection": plain(
        body={
            "name": "Broker", "type": "MQTT", "address": "mqtt://127.0.0.1:9", "username": "veldnet",
            "password": "secret", "dialect": "CHIRPSTACK",
        }
    ),
    "getConnection": lambda w: Example({"connectionRef": w.connection["ref"]}),
    "updateConnection": lambda w: Example({"connectionRef": w.connection["ref"]}, {"name": "Dashboards"}),
    "deleteConnection": lambda w: Example({"connectionRef": w.new_connection()["ref"]}),
    "tryConnection": lambda w: Example({"connectionRef": w.connection["ref"]}),
    "listFlows": plain(),
    "createFlow": lambda w: Example(
        body={"name": "Cold", "tags": ["cold"], "ports": "1-10", "connectionRefs": [w.connection["ref"]]}
    ),
    "getFlow": lambda w: Example({"flowRef": _flow(w)}),
    "updateFlow": lambda w: Example(
        {"flowRef": _flow(w)}, {"transformation": "{eui: DevEUI_uplink.DevEUI}", "driver": "RAW"}
    ),
    "deleteFlow": lambda w: Example({"flowRef": w.v1(
        "POST", "/flows", {"name": "Gone", "connectionRefs": [w.connection["ref"]]})["ref"]}),
    "getReadings": of_device(),
    "getCoverage": plain(),
    "listMapStations": plain(),
    "listStationsOfPlace": plain(query="latitude=52&longitude=5"),
    "listDeviceStations": of_device(),
    "compareReadings": lambda w: Example(query=f"deviceRefs={w.device['ref']}"),
    "exportReadings": lambda w: Example(query=f"deviceRefs={w.device['ref']}"),
    "tryRoutingProfile": lambda w: Example({"routingProfileRef": w.routing["ref"]}),
}  # fmt: skip
