"""What ChirpStack stores, as things of this network."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chirpstack_database import session
from veldnet.migration.chirpstack.profiles import read_profile
from veldnet.migration.chirpstack.session import read_session
from veldnet.migration.model import NotMovable

KEYS = [bytes(range(first, first + 16)) for first in (0, 16, 32, 48)]
ROW: dict[str, Any] = {
    "id": "0d2a3c1e-6c1f-4a53-8a5d-0a8f5f0b7c11",
    "name": "Meter",
    "region": "EU868",
    "mac_version": "1.0.3",
    "reg_params_revision": "A",
    "adr_algorithm_id": "default",
    "payload_codec_runtime": "NONE",
    "payload_codec_script": "",
    "device_status_req_interval": 0,
    "supports_otaa": True,
    "supports_class_b": False,
    "supports_class_c": False,
}


def test_counters_of_a_session_of_1_0() -> None:
    stored = session(0x01020304, 3, KEYS[0], KEYS[3], f_cnt_up=8, n_f_cnt_down=5, a_f_cnt_down=9)
    found, pending, remarks = read_session(stored.SerializeToString(), 0, "A")
    assert (found.fcnt_up, found.n_fcnt_down, found.a_fcnt_down) == (7, 5, 0)
    assert (str(found.dev_addr), found.version_11, pending, remarks) == ("01020304", False, None, ())
    # Since 4.15 the counter of uplinks is in the row of the device.
    assert read_session(stored.SerializeToString(), 100, "A")[0].fcnt_up == 99
    fresh = session(0x01020304, 3, KEYS[0], KEYS[3])
    assert read_session(fresh.SerializeToString(), 0, "A")[0].fcnt_up is None


def test_a_session_of_1_1_with_one_that_a_rejoin_has_opened() -> None:
    stored = session(1, 5, *KEYS, a_f_cnt_down=9, conf_f_cnt=3, class_b_ping_slot_nb=16)
    stored.pending_rejoin.CopyFrom(session(2, 5, *KEYS))
    found, pending, _remarks = read_session(stored.SerializeToString(), 1, "C")
    assert (found.a_fcnt_down, found.confirmed_fcnt, found.ping_periodicity) == (9, 3, 3)
    assert (found.device_mode, found.s_nwk_s_int_key) == ("C", KEYS[1])
    assert pending is not None and int(pending.dev_addr) == 2 and pending.fcnt_up is None


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b"\xff\xff\xff", "damaged"),
        (b"", "no DevAddr"),
        (session(1, 3, KEYS[0][:15], KEYS[3]).SerializeToString(), "16 bytes"),
    ],
)
def test_damaged_sessions(octets: bytes, words: str) -> None:
    with pytest.raises(NotMovable, match=words):
        read_session(octets, 0, "A")


def test_a_profile_and_its_plan() -> None:
    row = ROW | {
        "supports_class_b": True,
        "device_status_req_interval": 4,
        "rx1_delay": 3,
        "class_b_params": {"ping_slot_dr": 2, "ping_slot_freq": 869_525_000},
        "payload_codec_runtime": "JS",
        "payload_codec_script": "function decodeUplink(input) { return {data: {}} }",
        "adr_algorithm_id": "lr_fhss",
    }
    found = read_profile(row)
    assert (found.id, found.plan.id) == ("CHIRPSTACK/0d2a3c1e6c1f", "chirpstack/status-4-class-b-rx1-3")
    assert (found.settings.loRaWANClass, found.settings.pingSlotDataRate) == ("B", 2)
    assert found.plan.settings.allowClassB and found.plan.settings.minRx1Delay == 3
    assert found.decoder is not None and found.decoder.kind == "JAVASCRIPT"
    assert len(found.remarks) == 1 and "lr_fhss" in found.remarks[0]


@pytest.mark.parametrize(
    ("version", "revision", "expected"),
    [
        ("1.0.2", "B", "1.0.2revB"),
        ("1.0.3", "A", "1.0.3revA"),
        ("1.0.4", "RP002-1.0.3", "RP2-1.0.3"),
        ("1.1.0", "B", "1.0.3revA"),
    ],
)
def test_regional_parameters(version: str, revision: str, expected: str) -> None:
    found = read_profile(ROW | {"mac_version": version, "reg_params_revision": revision})
    assert (found.settings.regionalParameterVersion, found.problem) == (expected, "")


def test_what_veldnet_does_not_know() -> None:
    assert "ISM2400" in read_profile(ROW | {"region": "ISM2400"}).problem
    assert "'2.0'" in read_profile(ROW | {"mac_version": "2.0"}).problem
    assert read_profile(ROW | {"region": "AS923"}).settings.region == "AS923-1"
