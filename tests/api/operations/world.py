"""A server that has something of everything, for the examples of operations."""

from __future__ import annotations

import itertools
from functools import cached_property
from typing import Any

from tests.api.antenna import Antenna
from tests.api.hosting import Client, HostedServer
from tests.authenticator import Enrolled
from tests.e2e import radio
from tests.e2e.running import command
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
CLASS_C = "LORA/GenericC.1_ETSI_Rx2-SF9"
GROUP_PLAN = "groups-cs/multicast"
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
        groups = self.offered(
            "/plans", "ref", {"id": GROUP_PLAN, "name": "Groups", "communicationType": "MULTICAST"}
        )
        self.desk("PUT", f"/plans/{groups}/grants", {"customerId": self.customer, "granted": 100})
        self.group = self.new_group()

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

    def group_body(self) -> dict[str, Any]:
        return {
            "EUI": f"0059AC00DA{self.number():06X}",
            "name": "Market square",
            "deviceClass": "C",
            "multicastKey": KEY,
            "connectivityPlanId": GROUP_PLAN,
        }

    @cached_property
    def connection(self) -> dict[str, Any]:
        """A connection that a flow uses, to nobody."""
        made = self.new_connection()
        self.flow = self.v1("POST", "/flows", {"name": "All", "connectionRefs": [made["ref"]]})
        return made

    def new_connection(self) -> dict[str, Any]:
        body = {"name": "Broker", "type": "MQTT", "address": "mqtt://127.0.0.1:9", "active": False}
        made: dict[str, Any] = self.v1("POST", "/connections", body)
        return made

    def new_group(self) -> dict[str, Any]:
        made: dict[str, Any] = self.v1("POST", "/multicastGroups", self.group_body())
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
