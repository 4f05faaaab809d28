"""Devices that answer nonsense on the ports of application packages: frames say so, and campaigns go on."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, select, update

from tests.api.antenna import Antenna
from tests.api.hosting import HostedServer
from tests.api.test_campaigns import KEY, V1, body, create, group_plan, states
from tests.customers import KPN
from tests.e2e import radio
from tests.person import Person
from veldnet.domain.documents import decode_profile
from veldnet.inventory import changes
from veldnet.simulator.customer import Account
from veldnet.simulator.device import VirtualDevice
from veldnet.store.schema import campaign_devices, device_profiles

# By port: what is cut off, unknown, of another group, of a wrong count, repeated, or answers nothing; and the
# first octets of it that the record says cannot be read.
NONSENSE: list[tuple[int, str, str]] = [
    (200, "02", "02"),
    (200, "FF", "FF"),
    (200, "0203", ""),
    (200, "0206" * 20, ""),
    (200, "0103" + "00" * 4, "010300000000"),
    (200, "01FF" + "00" * 20, ""),
    (200, "0170", ""),
    (200, "0400", "0400"),
    (200, "0403" + "FFFFFF", ""),
    (200, "0500", "0500"),
    (200, "0300", ""),
    (200, "0201" + "77" * 30, "7777777777777777…"),
    (200, "0203" * 25, ""),
    (200, "000203" * 10, ""),
    (201, "01", "01"),
    (201, "0100FFFF", "0100FFFF"),
    (201, "0140000000" * 5, ""),
    (201, "02FF", ""),
    (201, "0500000000", ""),
    (201, "08" + "00" * 40, "0800000000000000…"),
    (202, "0178", "0178"),
    (202, "01FFFFFFFF1F" * 8, ""),
    (202, "0200", "0200"),
    (202, "0201FFFFFFFF", ""),
    (202, "99", "99"),
    (203, "0401", ""),
    (203, "0403", "0403"),
    (203, "03" + "FF" * 3, ""),
    (203, "02", "02"),
    (203, "DEADBEEF", "DEADBEEF"),
]


class Joiner:
    """A device that is asked to join the group of a campaign."""

    def __init__(
        self, server: HostedServer, account: Account, user: Person, operator: Person, antenna: Antenna
    ) -> None:
        self.server, self.user, self.antenna = server, user, antenna
        group_plan(operator)
        self.eui = create(user, account)
        self.device: VirtualDevice = radio.device(self.eui, KEY)
        radio.join(antenna, self.device)
        self.ref = user.call("GET", f"{KPN}/devices/e{self.eui}")["ref"]
        user.call("PUT", f"/api/v1/devices/{self.ref}/rootKeys", {"genAppKey": KEY})
        server.run(server.platform.store.write(self._with_packages))
        server.run(server.platform.apply_changes())
        multicast = {"lead": 3600, "gathering": 86_400, "downlinkDataRate": 3}
        asked = body(self.eui, multicast=multicast, answerTimeout=86_400, dutyCycleShare=10)
        self.campaign = user.call("POST", V1, asked)["ref"]
        self.pass_time(6)

    def _with_packages(self, connection: Connection) -> None:
        """All device profiles have clock synchronisation, too."""
        columns = device_profiles.c
        for ref, settings in connection.execute(select(columns.ref, columns.settings)).all():
            changed = replace(decode_profile(settings), clockSyncPort=202)
            stored = msgspec.json.encode(changed).decode()
            connection.execute(update(device_profiles).where(columns.ref == ref).values(settings=stored))
        changes.note(connection, "rules", 0)

    def pass_time(self, seconds: float) -> None:
        self.server.pass_time(seconds)
        self.server.run(self.server.platform.campaigns.run())

    def send(self, fport: int, payload: bytes) -> dict[str, Any]:
        """An uplink, once the campaigns have worked it off; its detail."""
        self.antenna.hear(self.device.uplink(fport, payload))
        self.pass_time(3)
        frames = self.user.call("GET", f"/api/v1/devices/{self.ref}/frames")
        newest = next(frame for frame in frames if frame["kind"] == "uplink")
        found: dict[str, Any] = self.user.call("GET", f"/api/v1/frames/{newest['id']}")
        return found

    def state(self) -> tuple[str, str | None]:
        return states(self.user, self.campaign)[0]

    def put(self, state: str) -> None:
        """Have the campaign wait for an answer to something else."""
        mine = campaign_devices.c.campaign_ref == int(self.campaign)
        due = round(self.server.clock() * 1000) + 86_400_000
        change = update(campaign_devices).where(mine).values(state=state, due_at=due, tries=0)
        self.server.run(self.server.platform.store.write(lambda c: c.execute(change)))
        self.server.run(self.server.platform.campaigns.reload())


@pytest.fixture(scope="module")
def joiner(
    server: HostedServer, account: Account, user: Person, operator: Person, antenna: Antenna
) -> Joiner:
    return Joiner(server, account, user, operator, antenna)


def unread(detail: dict[str, Any]) -> str:
    """What the explanation says cannot be read."""
    said = [line for line in detail["record"]["decisions"] if line.startswith("package commands: ")]
    return said[0].split(": ")[1].split(" cannot")[0] if said else ""


@pytest.mark.parametrize(("fport", "payload", "rest"), NONSENSE)
def test_nonsense_is_recorded_and_changes_nothing(
    joiner: Joiner, fport: int, payload: str, rest: str
) -> None:
    assert joiner.state() == ("joiningGroup", None)
    detail = joiner.send(fport, bytes.fromhex(payload))
    assert detail["record"]["outcome"] == "accepted" and unread(detail) == rest
    assert bool(detail["packageCommands"]) == (not rest)
    assert joiner.state() == ("joiningGroup", None)
    failures = joiner.server.platform.campaigns.failures
    assert not failures and not joiner.server.platform.supervisor.failures


def test_random_octets_on_all_ports_in_all_states(joiner: Joiner) -> None:
    """Whatever a device sends, its campaign goes on, and its frames can be shown in both languages."""
    rng = random.Random(1)
    for state in ("settingUp", "statusAsked", "imageAsked", "restarting", "leavingGroup", "joiningGroup"):
        for fport in (200, 201, 202, 203):
            joiner.put(state)
            # No first octet that any command begins with, so that chance makes no answer of it.
            payload = bytes((rng.randrange(0x10, 0x100),)) + rng.randbytes(rng.randrange(0, 40))
            detail = joiner.send(fport, payload)
            shown = payload[:8].hex().upper() + ("…" if len(payload) > 8 else "")
            assert (unread(detail), detail["packageCommands"]) == (shown, [])
            assert joiner.state() == (state, None)
            dutch = joiner.user.call(
                "GET", f"/api/v1/frames/{detail['id']}", headers={"accept-language": "nl"}
            )
            assert f"Pakketcommando's: {shown} is niet te lezen" in str(dutch["explanation"])
    assert not joiner.server.platform.campaigns.failures
    assert not joiner.server.platform.supervisor.failures


def test_a_thousand_copies_of_an_answer_are_one(joiner: Joiner) -> None:
    """Of the device's right answer, after what it was asked: it goes on once."""
    joiner.put("joiningGroup")
    joiner.antenna.keep_alive()
    while joiner.antenna.downlink(1.0) is not None:
        """What it was asked before."""
    sent = joiner.device.uplink(200, bytes.fromhex("0200") * 20)
    for _ in range(1000):
        joiner.antenna.hear_at_once(sent)
    joiner.pass_time(3)
    assert joiner.state() == ("settingUp", None)
    frames = joiner.user.call("GET", f"/api/v1/devices/{joiner.ref}/frames")
    newest = next(frame for frame in frames if frame["kind"] == "uplink")
    detail = joiner.user.call("GET", f"/api/v1/frames/{newest['id']}")
    assert detail["packageCommands"] == ["McGroupSetupAns group=0 refused=False"] * 20
    assert newest["fcnt"] == joiner.device.fcnt_up - 1 and unread(detail) == ""
    joiner.user.call("POST", f"{V1}/{joiner.campaign}/abort")
