"""What a payload on the port of an application package says."""

from __future__ import annotations

from msgspec.structs import replace

from tests.unit.network.builders import receive, session, uplink_frame
from veldnet.diagnosis import describe_package_commands
from veldnet.network.core.records import UplinkRecord
from veldnet.network.core.state import DeviceState


def record(fport: int, payload: str, app_s_key: bool = True) -> UplinkRecord:
    state = DeviceState(session=session() if app_s_key else session(app_s_key=None))
    transition = receive(state, uplink_frame(0, payload=bytes.fromhex(payload), fport=fport))
    assert transition is not None
    found = transition.records[0]
    assert isinstance(found, UplinkRecord)
    return found


def test_commands_are_named_with_what_they_carry() -> None:
    assert describe_package_commands(record(202, "01785634121f")) == [
        "AppTimeReq device_time=305419896 token=15 answer_required=True"
    ]
    assert describe_package_commands(record(203, "0401" + "000101")) == [
        "DevUpgradeImageAns status=1 next_firmware=None",
        "PackageVersionAns identifier=1 version=1",
    ]


def test_where_versions_differ_each_reading_is_named() -> None:
    """The status of a fragmentation session has another order of fields in version 2."""
    read = describe_package_commands(record(201, "0108400201"))
    assert len(read) == 2
    assert read[0].startswith("version 1: FragSessionStatusAns index=1 received=8 missing=2 no_memory=True")
    assert read[1].startswith("version 2: FragSessionStatusAns")
    assert describe_package_commands(record(201, "0240")) == [
        "FragSessionSetupAns index=1 unknown_algorithm=False no_memory=False wrong_index=False "
        "wrong_descriptor=False session_replayed=False"
    ]


def test_what_is_no_package_is_left_alone() -> None:
    for found in (record(202, "77aa"), record(202, "0178"), record(3, "0401"), record(202, "0401", False)):
        assert describe_package_commands(found) == []
    assert describe_package_commands(replace(record(202, "01785634121f"), payload=b"")) == []
