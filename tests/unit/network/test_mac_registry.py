"""A MAC command is added with two modules and an entry in two registries; nothing else names one."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import ClassVar

import msgspec
import pytest
from msgspec.structs import replace

from tests.unit.network.builders import NOW, device, receive, session, uplink_frame
from tests.unit.network.core.test_mac_commands import current, requests_in
from veldnet.diagnosis.describe_commands import describe_mac_commands
from veldnet.domain.documents import ProfileSettings
from veldnet.lorawan.mac_commands import DOWNLINK_COMMANDS, UPLINK_COMMANDS, MacCommand
from veldnet.network.core import mac_commands
from veldnet.network.core.context import UplinkContext
from veldnet.network.core.mac_commands import BEHAVIOURS, Behaviour, Occasion, Reaction
from veldnet.network.core.state import DeviceState, Session

NETWORK = Path(mac_commands.__file__).parents[2]


class PaceReq(msgspec.Struct, frozen=True, gc=False):
    """The network wants a report every so many minutes."""

    CID: ClassVar[int] = 0x80
    SIZE: ClassVar[int] = 2
    NAME: ClassVar[str] = "PaceReq"

    minutes: int

    def payload(self) -> bytes:
        return self.minutes.to_bytes(2, "little")

    @classmethod
    def from_payload(cls, octets: bytes) -> PaceReq:
        return cls(int.from_bytes(octets, "little"))


class PaceAns(msgspec.Struct, frozen=True, gc=False):
    CID: ClassVar[int] = 0x80
    SIZE: ClassVar[int] = 1
    NAME: ClassVar[str] = "PaceAns"

    taken: bool

    def payload(self) -> bytes:
        return bytes((self.taken,))

    @classmethod
    def from_payload(cls, octets: bytes) -> PaceAns:
        return cls(bool(octets[0]))


def wanted(session: Session, _occasion: Occasion) -> tuple[MacCommand, ...]:
    return (PaceReq(15),) if session.status_asked_at is None else ()


def sent(session: Session, _request: MacCommand, now: float) -> Session:
    return replace(session, status_asked_at=now)


def received(
    session: Session, command: MacCommand, request: bytes | None, _context: UplinkContext
) -> Reaction:
    assert isinstance(command, PaceAns) and request is not None
    minutes = PaceReq.from_payload(request).minutes
    return Reaction(session, note=f"reports every {minutes} minutes", rejected=not command.taken)


@pytest.fixture
def pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(UPLINK_COMMANDS, PaceAns.CID, PaceAns)
    monkeypatch.setitem(DOWNLINK_COMMANDS, PaceReq.CID, PaceReq)
    monkeypatch.setitem(BEHAVIOURS, PaceReq.CID, Behaviour(PaceReq.CID, "pace", received, wanted, sent))


@pytest.mark.usefixtures("pace")
def test_a_proprietary_command_needs_entries_in_the_registries_only() -> None:
    asked = receive(DeviceState(session=session()), uplink_frame(0))
    assert asked is not None and requests_in(asked) == [PaceReq(15)]
    assert current(asked).status_asked_at == NOW + 0.2, "the module's own hook was called"
    assert [pending.cid for pending in current(asked).pending_requests] == [PaceReq.CID]
    answer = uplink_frame(1, commands=(PaceAns(True),))
    answered = receive(replace(asked.state, in_flight=()), answer, number=2)
    assert answered is not None and not current(answered).pending_requests
    assert "reports every 15 minutes" in answered.records[0].decisions
    assert describe_mac_commands(answered.records[0]) == ["PaceAns taken=True"]
    assert requests_in(answered) == []


@pytest.mark.usefixtures("pace")
def test_a_profile_may_say_that_the_device_lacks_it() -> None:
    lacking = device(ProfileSettings(unsupportedMACCommands=("pace",)))
    assert requests_in(receive(DeviceState(session=session()), uplink_frame(0), target=lacking)) == []


def test_every_behaviour_has_its_wire_form() -> None:
    answered = {cid for cid, behaviour in BEHAVIOURS.items() if behaviour.name != "forceRejoin"}
    assert answered == set(UPLINK_COMMANDS), "a rejoin-request is the answer to ForceRejoinReq"
    assert set(BEHAVIOURS) == set(DOWNLINK_COMMANDS)
    assert len({behaviour.name for behaviour in BEHAVIOURS.values()}) == len(BEHAVIOURS)


def test_no_other_module_of_the_network_server_names_a_command() -> None:
    shared = {"MacCommand", "parse", "serialise", "UPLINK_COMMANDS", "DOWNLINK_COMMANDS"}
    for file in NETWORK.rglob("*.py"):
        if file.parent.name == "mac_commands":
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                "veldnet.lorawan.mac_commands"
            ):
                assert {alias.name for alias in node.names} <= shared, file
