"""A request of each operation of the API, on a server that has something of everything."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import httpx

from tests.api import passkey_examples
from tests.api.antenna import Antenna
from tests.api.example import Example
from tests.api.hosting import Client, HostedServer
from tests.authenticator import Enrolled, code_at
from tests.e2e import radio
from tests.e2e.running import command
from tests.firmware import Signer
from tests.person import Person
from veldnet.assembly.certificate_authority import create_authority
from veldnet.domain.scope import UserRef
from veldnet.gateways import RemoteShell
from veldnet.inventory import accounts
from veldnet.lorawan import BaseStationId
from veldnet.monitoring.coverage import make_reports
from veldnet.simulator.customer import Account
from veldnet.simulator.device import VirtualDevice

KEY = "8F1CA24B6D0E93577A21C4F8B3D6E905"
LEGACY = {"api-version": "v1.1.1"}
NETWORK_KEY = "0123456789ABCDEF0123456789ABCDEE"
PASSWORD = "a password of somebody"


class RemoteStations:
    """A protocol whose base stations are connected, and do as they are told."""

    name = "basics-station"
    authenticates = plans_both = True

    def run_command(self, base_station: BaseStationId, command: str, arguments: list[str]) -> None:
        """It is done."""

    def check_shell(self, base_station: BaseStationId) -> None:
        """There is always one."""

    async def open_shell(self, base_station: BaseStationId, user: str, terminal: str) -> RemoteShell:
        async def send(_octets: bytes) -> None:
            """It is typed."""

        return RemoteShell(send, lambda: None)


class World:
    """A customer with a device that was heard, and one of everything else."""

    def __init__(self, server: HostedServer, account: Account) -> None:
        self.server = server
        self.account = account
        data = ("--data", str(server.data))
        command(
            "admin",
            "hsm-group",
            "create-exchange-key",
            account.hsm_group_id,
            *data,
            VELDNET_KEYS__PROCESS="false",
        )
        self.client = Client(server, account)
        self.client.activate()
        self.user = Person(server, account.thingpark_username, account.thingpark_password)
        self.operator = Person(
            server, account.thingpark_username.replace("sandbox", "operator"), account.thingpark_password
        )
        self.antenna = Antenna(server, account.base_station_eui)
        self._numbers = itertools.count(1)
        self.routing = self.client.call(
            "POST", "/routingProfiles", {"name": "R", "routes": [{"addresses": [server.inbox.url]}]}
        )
        self.device = self.new_device(routingProfileId=self.routing["id"], geoLatitude=52.0, geoLongitude=5.0)
        self.virtual = radio.device(self.device["EUI"], KEY)
        radio.join(self.antenna, self.virtual)
        self.antenna.hear(self.virtual.uplink(2, b"\x08\x34"))
        # A join with a wrong key raises an alarm.
        self.antenna.hear(radio.device(self.device["EUI"], "0" * 31 + "1").join_request())
        self.modern = self.new_device(deviceProfileId="LORA/GenericA.1.1_ETSI_Rx2-SF12")
        self.v1("PUT", f"/devices/{self.modern['ref']}/networkKey", {"networkKey": NETWORK_KEY})
        modern = radio.device(self.modern["EUI"], KEY, NETWORK_KEY)
        radio.join(self.antenna, modern)
        self.antenna.hear(modern.uplink(1, b"x"))
        server.pass_time(5)
        self.frame = self.v1("GET", f"/frames?deviceRef={self.device['ref']}&packetType=UPLINK_DATA")[
            "frames"
        ][0]["id"]
        self.alarm = self.v1("GET", "/alarms")["alarms"][0]["ref"]
        self.plan = self.desk("GET", "/plans")[0]["ref"]
        self.profile = self.desk("GET", "/deviceProfiles")[0]["ref"]
        self.station = self.desk("GET", "/baseStations")[0]["id"]
        self.customer = self.desk("GET", "/subscribers")[0]["customerId"]

    def v1(self, method: str, path: str, body: Any = None) -> Any:
        return self.user.call(method, f"/api/v1{path}", body)

    def desk(self, method: str, path: str, body: Any = None) -> Any:
        return self.operator.call(method, f"/api/v1/operator{path}", body)

    def offered(self, path: str, key: str, body: dict[str, Any]) -> str:
        """Something new of the operator, the last one of its list, by a member."""
        self.desk("POST", path, body)
        return str(next(one[key] for one in self.desk("GET", path) if one["name"] == body["name"]))

    def ordered_update(self) -> str:
        """An update of the base station, not fetched yet."""
        path = f"/baseStations/{self.station}/updates"
        self.desk("POST", "/baseStations/updates", {"baseStations": [self.station], "lnsUri": "wss://lns:1"})
        return str(self.desk("GET", path)["updates"][0]["ref"])

    def firmware(self) -> str:
        """New firmware, without a signature."""
        path = f"/api/v1/operator/firmware?model=linux&version={self.number()}"
        made = self.operator.request("POST", path, content=b"#!/bin/sh")
        return str(made.json()["ref"])

    def report(self) -> str:
        """The weekly report on base stations of this week, as it is made after its end."""
        self.server.run(self.server.platform.run_background_tasks())
        self.server.run(make_reports(self.server.platform.store, lambda: self.server.clock() + 604_800))
        return str(self.desk("GET", "/coverageReports")[0]["ref"])

    def with_shells(self) -> str:
        """The base station, connected so that its operator may do there what can be done."""
        platform = self.server.platform
        hub, store = platform.hub, platform.store
        hub._connections[BaseStationId.parse(self.station)] = RemoteStations()  # type: ignore[assignment]

        def allow(connection: Any) -> None:
            found = accounts.find_user(connection, self.operator.signed_in["username"])
            accounts.set_station_access(connection, found.table, found.ref, allowed=True)

        self.server.run(store.write(allow))
        self.server.platform.stations.remote._shells.clear()
        return str(self.station)

    def shell(self) -> dict[str, str]:
        """A remote shell on it."""
        made = self.desk("POST", f"/baseStations/{self.with_shells()}/shells", {})
        return {"stationId": self.station, "shellId": str(made["id"])}

    def with_authority(self) -> str:
        """The base station, once there is a certificate authority."""
        platform = self.server.platform
        made = create_authority(platform.store, platform.vault, "Field", 9, "test", now=platform.clock())
        self.server.run(made)
        return str(self.station)

    def issued_certificate(self) -> str:
        path = f"/baseStations/{self.station}/certificates"
        self.desk("POST", path)
        return str(self.desk("GET", path)[-1]["ref"])

    def number(self) -> int:
        return next(self._numbers)

    def device_body(self, **changes: Any) -> dict[str, Any]:
        return {
            "EUI": f"0059AC00DD{self.number():06X}",
            "applicationEUI": "0059AC0000000001",
            "applicationKey": KEY,
            "deviceProfileId": self.account.device_profile_id,
        } | changes

    def new_device(self, **changes: Any) -> dict[str, Any]:
        made: dict[str, Any] = self.client.call(
            "POST", "/devices", self.device_body(**changes), headers=LEGACY
        )
        return made

    def new_personalised(self) -> VirtualDevice:
        body = self.device_body(activationType="ABP", routingProfileId=self.routing["id"])
        del body["applicationKey"], body["applicationEUI"]
        body |= {
            "networkAddress": f"0112{self.number():04X}",
            "networkSessionKey": KEY,
            "applicationSessionKeyRules": [{"applicationSessionKey": KEY, "sourcePorts": "*"}],
        }
        self.client.call("POST", "/devices", body, headers=LEGACY)
        return radio.personalised(body["EUI"], body["networkAddress"], KEY, KEY)

    def new_user(self) -> str:
        body = {"username": f"user{self.number()}@example.com", "password": PASSWORD, "displayName": "U"}
        return str(self.desk("POST", "/users", body | {"customerId": self.customer})["ref"])

    def me(self) -> UserRef:
        return next(UserRef(int(user["ref"])) for user in self.v1("GET", "/users") if user["you"])

    def identity(self) -> str:
        """As whom the user signs in at a provider."""
        me, person = self.me(), accounts.Person("https://id.example", "7", "anna", "Anna")
        store = self.server.platform.store
        return self.server.run(store.write(lambda c: accounts.link_identity(c, me, person)))

    def bare(self) -> None:
        """The user has no second factor."""
        me = self.me()
        store = self.server.platform.store
        self.server.run(store.write(lambda c: accounts.remove_second_factor(c, me)))

    def enrolled(self) -> list[str]:
        """Recovery codes of the user's second factor, set up again."""
        self.bare()
        self.server.pass_time(60)
        return Enrolled(self.user, self.account.thingpark_password, self.server.clock()).recovery

    def csv(self) -> str:
        row = (f"0059AC00EE{self.number():06X}", "0059AC0000000001", KEY)
        names = "EUI,applicationEUI,applicationKey,deviceProfileId,hsmGroupId"
        return f"{names}\n{','.join(row)},{self.account.device_profile_id},{self.account.hsm_group_id}"


def of_device(**rest: Any) -> Callable[[World], Example]:
    return lambda w: Example({"deviceRef": w.device["ref"]}, **rest)


def plain(**rest: Any) -> Callable[[World], Example]:
    return lambda _w: Example(**rest)


# An example of each operation, in an order in which they can be carried out.
EXAMPLES: dict[str, Callable[[World], Example]] = {
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
    "getFrame": lambda w: Example({"frameId": w.frame}),
    "listUndelivered": plain(),
    "redeliver": plain(body={"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}),
    "getSession": of_device(),
    "getExplanation": of_device(),
    "askRejoin": lambda w: Example({"deviceRef": w.modern["ref"]}),
    "resetSecurityContext": lambda w: Example({"deviceRef": w.modern["ref"]}),
    "getPublicExchangeKey": lambda w: Example({"hsmGroupId": w.account.hsm_group_id}),
    "importDevices": lambda w: Example(text=w.csv()),
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
    "listDecoders": plain(),
    "createDecoder": plain(body={"name": "D", "kind": "CAYENNE_LPP"}),
    "getDecoder": lambda w: Example({"decoderRef": _decoder(w)}),
    "updateDecoder": lambda w: Example({"decoderRef": _decoder(w)}, {"name": "E"}),
    "deleteDecoder": lambda w: Example({"decoderRef": _decoder(w)}),
    "tryDecoder": plain(body={"kind": "CAYENNE_LPP", "trials": [{"payload": "01670110"}]}),
    "getReadings": of_device(),
    "getCoverage": plain(),
    "listMapStations": plain(),
    "listStationsOfPlace": plain(query="latitude=52&longitude=5"),
    "listDeviceStations": of_device(),
    "compareReadings": lambda w: Example(query=f"deviceRefs={w.device['ref']}"),
    "exportReadings": lambda w: Example(query=f"deviceRefs={w.device['ref']}"),
    "tryRoutingProfile": lambda w: Example({"routingProfileRef": w.routing["ref"]}),
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
    "getSignInOptions": plain(anonymous=True),
    "listSessions": plain(),
    "endSession": lambda w: Example({"sessionId": _other_session(w)}),
    "endOtherSessions": plain(),
    "listApiKeys": plain(),
    "createApiKey": plain(body={"name": "CI", "scope": "read", "days": 30}),
    "revokeApiKey": lambda w: Example({"keyRef": w.v1("POST", "/apiKeys", {"name": "K"})["ref"]}),
    "listInvitations": plain(),
    "inviteUser": plain(body={"email": "new@example.com", "role": "rw"}),
    "renewInvitation": lambda w: Example({"invitationRef": _invitation(w)["invitation"]["ref"]}, {}),
    "withdrawInvitation": lambda w: Example({"invitationRef": _invitation(w)["invitation"]["ref"]}),
    "openInvitation": lambda w: Example(body={"token": _invitation(w)["token"]}, anonymous=True),
    "acceptInvitation": lambda w: Example(
        body={
            "token": _invitation(w)["token"],
            "username": "invited",
            "displayName": "I",
            "password": PASSWORD,
        },
        anonymous=True,
    ),
    "requestPasswordReset": plain(body={"username": "nobody@example.com"}, anonymous=True),
    "openPasswordReset": lambda w: Example(body={"token": _reset(w)}, anonymous=True),
    "finishPasswordReset": lambda w: Example(body={"token": _reset(w), "password": PASSWORD}, anonymous=True),
    "listColleagues": plain(),
    "changeColleague": lambda w: Example({"userRef": w.new_user()}, {"role": "rw"}),
    "removeColleague": lambda w: Example({"userRef": w.new_user()}),
    "getUserAccess": lambda w: Example({"userRef": w.new_user()}),
    "endUserSession": lambda w: Example(_session_of_another(w)),
    "endUserSessions": lambda w: Example({"userRef": w.new_user()}),
    "revokeUserApiKey": lambda w: Example(_key_of_another(w)),
    "resetUserPassword": lambda w: Example({"userRef": w.new_user()}, {}),
    "resetSecondFactor": lambda w: Example({"userRef": _with_factor(w)}, {}),
    "resetUserSecondFactor": lambda w: Example({"kind": "subscriber", "userRef": _with_factor(w)}),
    "getSecondFactor": plain(),
    "listIdentities": plain(),
    "unlinkIdentity": lambda w: Example({"identityRef": w.identity()}),
    "newRecoveryCodes": lambda w: Example(body={"code": w.enrolled().pop()}),
    "showCode": lambda w: Example(body={"code": w.enrolled().pop()}),
    "removeSecondFactor": lambda w: Example(body={"code": w.enrolled().pop()}),
    "beginSecondFactor": lambda w: Example(body={"password": w.account.thingpark_password}),
    "confirmSecondFactor": lambda w: Example(body={"code": _begun(w)}),
    **passkey_examples.EXAMPLES,
    # They end the session.
    "changePassword": lambda w: Example(
        body={"currentPassword": w.account.thingpark_password, "newPassword": PASSWORD}
    ),
    "signOut": plain(),
}  # fmt: skip


def _another(world: World) -> tuple[str, Person]:
    """A new user of the subscriber who has signed in."""
    ref = world.new_user()
    name = next(user["username"] for user in world.v1("GET", "/users") if user["ref"] == ref)
    return ref, Person(world.server, name, PASSWORD)


def _other_session(world: World) -> str:
    """Another session of the world's user."""
    account = world.account
    Person(world.server, account.thingpark_username, account.thingpark_password)
    return str(next(each["id"] for each in world.v1("GET", "/sessions") if not each["current"]))


def _session_of_another(world: World) -> dict[str, str]:
    ref, _person = _another(world)
    sessions = world.v1("GET", f"/users/{ref}/access")["sessions"]
    return {"userRef": ref, "sessionId": sessions[0]["id"]}


def _key_of_another(world: World) -> dict[str, str]:
    ref, person = _another(world)
    return {"userRef": ref, "keyRef": person.call("POST", "/api/v1/apiKeys", {"name": "K"})["ref"]}


def _with_factor(world: World) -> str:
    ref, person = _another(world)
    Enrolled(person, PASSWORD, world.server.clock())
    return ref


def _begun(world: World) -> str:
    """The first code of a second factor that is being set up."""
    body = {"password": world.account.thingpark_password}
    made = world.v1("POST", "/secondFactor/enrolment", body)
    return code_at(made["secret"], world.server.clock() + 3)


def _station_profile(world: World) -> str:
    body = {"id": f"roof-{world.number()}", "name": "Roof"}
    return str(world.desk("POST", "/baseStationProfiles", body)["ref"])


def _invitation(world: World) -> Any:
    return world.v1("POST", "/invitations", {"email": f"i{world.number()}@example.com", "role": "ro"})


def _reset(world: World) -> str:
    """The token of a link; the mail server does not answer."""
    return str(world.v1("POST", f"/users/{world.new_user()}/passwordReset", {})["token"])


def _downlink(world: World) -> str:
    path = f"/devices/{world.device['ref']}/downlinks"
    return str(world.v1("POST", path, {"fPort": 1, "payload": "01"})["id"])


def _decoder(world: World) -> str:
    return str(world.v1("POST", "/decoders", {"name": "D", "kind": "CAYENNE_LPP"})["ref"])


def ask(world: World, method: str, path: str, example: Example) -> httpx.Response:
    person: Any = world.client
    headers: dict[str, str] = {}
    if path.startswith("/api/v1"):
        person = world.operator if path.startswith("/api/v1/operator") else world.user
        headers = person.headers(method.upper())
    address = path.format(**example.path) + (f"?{example.query}" if example.query else "")
    content = {"content": example.text} if example.text is not None else {"json": example.body}
    http = world.server.connect(cookies=example.cookies) if example.anonymous else person.http
    answer: httpx.Response = http.request(
        (example.method or method).upper(), address, headers=headers, **content
    )
    assert answer.status_code < 300, f"{method} {address}: {answer.status_code} {answer.text}"
    return answer
