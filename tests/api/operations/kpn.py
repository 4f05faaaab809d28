"""Examples of the operations of KPN's API."""

from __future__ import annotations

from tests.api.operations.example import Example, Make, of_device, plain

EXAMPLES: dict[str, Make] = {
    "Activation": lambda w: Example(
        body={
            "thingpark_username": w.account.thingpark_username,
            "thingpark_password": w.account.thingpark_password,
        }
    ),
    "Devicesretrieval": plain(query="extendedInfo=true"),
    "Devicecreation": lambda w: Example(body=w.device_body(hsmGroupId=w.account.hsm_group_id)),
    "Deviceretrieval": of_device(),
    "Deviceupdate": of_device(body={"name": "Renamed"}),
    "Devicedeletion": lambda w: Example({"deviceRef": w.new_device()["ref"]}),
    "Deviceprofilesretrieval": plain(),
    "Connectivityplansretrieval": plain(),
    "Routingprofilesretrieval": plain(),
    "Routingprofilescreation": plain(body={"name": "Another", "routes": [{"addresses": ["http://127.0.0.1:9"]}]}),
    "Routingprofileretrieval": lambda w: Example({"routingProfileRef": w.routing["ref"]}),
    "Routingprofileupdate": lambda w: Example({"routingProfileRef": w.routing["ref"]}, {"name": "Renamed"}),
    "Routingprofiledeletion": lambda w: Example(
        {
            "routingProfileRef": w.client.call(
                "POST", "/routingProfiles", {"name": "Gone", "routes": [{"addresses": ["http://127.0.0.1:9"]}]}
            )["ref"]
        }
    ),
    "HSMgroupsretrieval": plain(),
    "Framestatisticsretrieval": plain(query="startDate=2026-01-01T00:00:00Z&duration=7"),
    "Healthstatisticsretrieval": plain(),
    "Devicealarmsretrieval": plain(),
    "Devicealarmretrieval": lambda w: Example({"deviceAlarmRef": w.alarm}),
    "Devicealarmacknowledgement": lambda w: Example({"deviceAlarmRef": w.alarm}),
}  # fmt: skip
