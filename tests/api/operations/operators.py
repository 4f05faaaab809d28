"""Examples of the operations of an operator: subscribers, offers, base stations."""

from __future__ import annotations

from tests.api.operations.example import Example, Make, plain
from tests.api.operations.world import PASSWORD, World
from tests.firmware import Signer


def _station_profile(world: World) -> str:
    body = {"id": f"roof-{world.number()}", "name": "Roof"}
    return str(world.desk("POST", "/baseStationProfiles", body)["ref"])


EXAMPLES: dict[str, Make] = {
    "getNetworkOverview": plain(),
    "listSubscribers": plain(),
    "createSubscriber": plain(body={"customerId": "123123123", "name": "New"}),
    "changeSubscriber": lambda w: Example({"customerId": w.customer}, {"name": "Renamed"}),
    "getSubscriberUses": lambda w: Example({"customerId": w.customer}),
    "removeSubscriber": lambda w: Example(
        {"customerId": w.offered("/subscribers", "customerId", {"customerId": "123123124", "name": "Gone"})}
    ),
    "listUsers": plain(),
    "createUser": lambda w: Example(
        body={
            "username": "made@example.com",
            "password": PASSWORD,
            "displayName": "U",
            "customerId": w.customer,
        }
    ),
    "changeUser": lambda w: Example({"kind": "subscriber", "userRef": w.new_user()}, {"role": "rw"}),
    "copyUser": lambda w: Example(
        {"kind": "subscriber", "userRef": w.new_user()},
        {"username": f"copy-{w.number()}", "password": "long enough", "displayName": "C"},
    ),
    "getUserUses": lambda w: Example({"kind": "subscriber", "userRef": w.new_user()}),
    "removeUser": lambda w: Example({"kind": "subscriber", "userRef": w.new_user()}),
    "getDefaults": plain(),
    "listPlans": plain(),
    "createPlan": plain(body={"id": "a-cs/new", "name": "New"}),
    "changePlan": lambda w: Example({"planRef": w.plan}, {"settings": {"downlinkTransmission": True}}),
    "grantPlan": lambda w: Example({"planRef": w.plan}, {"customerId": w.customer, "granted": 1000}),
    "getPlanUses": lambda w: Example({"planRef": w.plan}),
    "removePlan": lambda w: Example(
        {"planRef": w.offered("/plans", "ref", {"id": "new-cs/gone", "name": "Gone"})}
    ),
    "listProfiles": plain(),
    "createProfile": plain(body={"id": "NEW/One", "name": "One"}),
    "changeProfile": lambda w: Example({"profileRef": w.profile}, {"name": "Renamed", "settings": {}}),
    "getProfileUses": lambda w: Example({"profileRef": w.profile}),
    "removeProfile": lambda w: Example(
        {"profileRef": w.offered("/deviceProfiles", "ref", {"id": "NEW/Gone", "name": "Gone"})}
    ),
    "listGroups": plain(),
    "changeGroup": lambda w: Example({"hsmGroupId": w.account.hsm_group_id}, {"name": "Renamed"}),
    "getGroupUses": lambda w: Example({"hsmGroupId": w.account.hsm_group_id}),
    "removeGroup": lambda w: Example({"hsmGroupId": w.offered("/hsmGroups", "id", {"name": "Gone"})}),
    "createGroup": plain(body={"name": "Group"}),
    "listStations": plain(),
    "createStation": plain(body={"gatewayEUI": "0059ACFFFF000001", "name": "Roof"}),
    "listUnknownStations": plain(),
    "getCluster": plain(),
    "listUnknownDevices": plain(),
    "getStationTags": lambda w: Example({"stationId": w.station}),
    "setStationTags": lambda w: Example({"stationId": w.station}, {"tags": ["north"]}),
    "changeStation": lambda w: Example({"stationId": w.station}, {"name": "Tower"}),
    "removeStation": lambda w: Example(
        {
            "stationId": w.desk(
                "POST", "/baseStations", {"gatewayEUI": "0059ACFFFF000002", "name": "Gone"}
            )["id"]
        }
    ),
    "listStationProfiles": plain(),
    "createStationProfile": plain(body={"id": "roof", "name": "Roof", "settings": {"antennaGain": 6}}),
    "getStationProfile": lambda w: Example({"profileRef": _station_profile(w)}),
    "changeStationProfile": lambda w: Example({"profileRef": _station_profile(w)}, {"name": "Mast"}),
    "getStationProfileUses": lambda w: Example({"profileRef": _station_profile(w)}),
    "removeStationProfile": lambda w: Example({"profileRef": _station_profile(w)}, query="moveTo=default"),
    "stationConfiguration": lambda w: Example({"stationId": w.station}, query="format=gateway-bridge"),
    "listStationTokens": lambda w: Example({"stationId": w.station}),
    "issueStationToken": lambda w: Example({"stationId": w.station}),
    "revokeStationToken": lambda w: Example(
        {
            "stationId": w.station,
            "tokenRef": w.desk("POST", f"/baseStations/{w.station}/tokens")["ref"],
        }
    ),
    "listStationCertificates": lambda w: Example({"stationId": w.station}),
    "issueStationCertificate": lambda w: Example({"stationId": w.with_authority()}),
    "revokeStationCertificate": lambda w: Example(
        {"stationId": w.station, "certificateRef": w.issued_certificate()}
    ),
    "runStationCommand": lambda w: Example({"stationId": w.with_shells()}, {"command": "logread"}),
    "listStationShells": lambda w: Example({"stationId": w.with_shells()}),
    "openStationShell": lambda w: Example({"stationId": w.with_shells()}, {}),
    "closeStationShell": lambda w: Example(w.shell()),
    "writeStationShell": lambda w: Example(w.shell(), {"data": "bHMK"}),
    "readStationShell": lambda w: Example(w.shell(), method="HEAD"),
    "listStationUpdates": plain(),
    "getStationUpdates": lambda w: Example({"stationId": w.station}),
    "orderStationUpdates": lambda w: Example({}, {"baseStations": [w.station], "lnsUri": "wss://lns:1"}),
    "listFirmware": plain(),
    "uploadFirmware": lambda w: Example(text="#!/bin/sh", query="model=linux&version=2.1"),
    "signFirmware": lambda w: Example({"firmwareRef": w.firmware()}, Signer().body(b"#!/bin/sh")),
    "removeFirmware": lambda w: Example({"firmwareRef": w.firmware()}),
    "withdrawStationUpdate": lambda w: Example({"stationId": w.station, "updateRef": w.ordered_update()}),
    "stationStatistics": lambda w: Example({"stationId": w.station}, query="duration=7"),
    "stationChannels": lambda w: Example({"stationId": w.station}, query="duration=7"),
    "listAvailability": plain(),
    "stationAvailability": lambda w: Example({"stationId": w.station}),
    "listStationOutages": lambda w: Example({"stationId": w.station}),
    "listStationWorth": plain(),
    "listDependentDevices": lambda w: Example({"stationId": w.station}),
    "listFailureCells": lambda w: Example({"stationId": w.station}),
    "listCoverageReports": plain(),
    "getReportRecipients": plain(),
    "setReportRecipients": plain(body={"recipients": []}),
    "getCoverageReport": lambda w: Example({"reportRef": w.report()}),
    "listNetworkUndelivered": plain(),
    "listNetworkAudit": plain(),
    "listSettings": plain(),
}  # fmt: skip
