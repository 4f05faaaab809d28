"""The application packages of a virtual device, sans-IO: it becomes a member of groups (TS005), takes files
in fragments (TS004) and starts firmware (TS006), as LoRaMac-node does.

Answers come with the seconds after which the device sends them.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import msgspec

from veldnet.lorawan import AesKey, DevAddr
from veldnet.lorawan.class_b import BEACON_PERIOD, next_ping_slot
from veldnet.lorawan.crypto import DOWNLINK, aes_encrypt, crypt_payload, data_mic
from veldnet.lorawan.frames import DataFrame
from veldnet.lorawan.packages import (
    FIRMWARE,
    FRAGMENTATION,
    MULTICAST_SETUP,
    Package,
    PackageCommand,
    PackageStream,
    PackageVersionAns,
    PackageVersionReq,
    multicast_keys,
    parse,
    serialise,
)
from veldnet.lorawan.packages.firmware import (
    NO_IMAGE,
    VALID,
    DevRebootCountdownAns,
    DevRebootCountdownReq,
    DevUpgradeImageAns,
    DevUpgradeImageReq,
    DevVersionAns,
    DevVersionReq,
)
from veldnet.lorawan.packages.fragmentation import (
    DataFragment,
    FragDataBlockReceivedReq,
    FragSessionDeleteAns,
    FragSessionDeleteReq,
    FragSessionSetupAns,
    FragSessionSetupReq,
    FragSessionSetupReq2,
    FragSessionStatusAns,
    FragSessionStatusAns2,
    FragSessionStatusReq,
    data_block_key,
    data_block_mic,
)
from veldnet.lorawan.packages.multicast_setup import (
    McClassBSessionAns,
    McClassBSessionReq,
    McClassCSessionAns,
    McClassCSessionReq,
    McGroupDeleteAns,
    McGroupDeleteReq,
    McGroupSetupAns,
    McGroupSetupReq,
)

from .fragment_decoder import FragmentDecoder, OutOfMemory

_GROUPS = _SESSIONS = 4
# A ping slot is found by a clock that the beacon corrects every 128 s.
_SLOT_TOLERANCE = 0.010
# Of EU868, at the frequency of ping slots.
_RX2_DATA_RATE = 0


class Abilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a model can do. `memory` is how many lost fragments it can repair, `largest_block` how many octets
    a file may have; version 2 of the packages checks the file by its MIC. `without` are packages, by port,
    that it has not. One that takes `class_b_for_c` listens at RX2 in sessions of class B, for seconds instead
    of beacon periods, as LoRaMac-node does."""

    version: int = 1
    memory: int = 20
    largest_block: int = 100_000
    firmware: int = 0x01000000
    hardware: int = 1
    reaction: float = 1.0
    without: frozenset[int] = frozenset()
    class_b_for_c: bool = False


class Answer(msgspec.Struct, frozen=True):
    """What the device sends after so many seconds."""

    after: float
    fport: int
    payload: bytes


class Group(msgspec.Struct):
    """A group that the device belongs to; `first` and `last` are the counters that it takes next."""

    address: DevAddr
    app_s_key: AesKey
    nwk_s_key: AesKey
    first: int
    last: int


class GroupSession(msgspec.Struct, frozen=True):
    """When and where the device listens to a group; times in GPS seconds. `periodicity` of class B: in slots
    of 2^n s; None: all the time."""

    group: int
    start: float
    end: float
    frequency: int
    data_rate: int
    periodicity: int | None = None


class _Fragments:
    """A fragmentation session."""

    def __init__(self, asked: FragSessionSetupReq | FragSessionSetupReq2, abilities: Abilities) -> None:
        self.asked = asked
        second = asked if isinstance(asked, FragSessionSetupReq2) else None
        self.setup = setup = asked if isinstance(asked, FragSessionSetupReq) else asked.setup
        self.mic = None if second is None else second.mic
        self.session = 0 if second is None else second.session
        # Whether the network wants to hear when the file is there (version 2).
        self.acknowledge = second is not None and second.acknowledge
        self.out_of_memory = self.wrong_mic = False
        self.decoder = FragmentDecoder(
            setup.count, setup.fragment_size, memory=abilities.memory, version=abilities.version
        )
        self.file: bytes | None = None


class UpdateClient:
    """`root_key` is the GenAppKey of a 1.0.x device or the AppKey of a 1.1 one."""

    def __init__(
        self,
        root_key: AesKey,
        rng: random.Random,
        abilities: Abilities | None = None,
        *,
        version_11: bool = False,
    ) -> None:
        self.abilities = abilities or Abilities()
        self.groups: dict[int, Group] = {}
        self.listening: GroupSession | None = None
        # Frames of groups that it took, and the port and payload of the last one.
        self.of_group = 0
        self.last_of_group: tuple[int, bytes] | None = None
        # Files that were rebuilt, oldest first.
        self.files: list[bytes] = []
        self.reboots = 0
        self.firmware = self.abilities.firmware
        self._root_key = root_key
        self._rng = rng
        root = multicast_keys.mc_root_key_11 if version_11 else multicast_keys.mc_root_key_10
        self._ke_key = multicast_keys.mc_ke_key(root(root_key))
        self._sessions: dict[int, _Fragments] = {}
        # The counter of the last session of version 2, which is kept for good.
        self._last_session = -1
        self._image: bytes | None = None
        self._handlers: dict[int, Callable[[bytes, float], list[Answer]]] = {
            MULTICAST_SETUP[1].port: self._multicast,
            FRAGMENTATION[1].port: self._fragmentation,
            FIRMWARE.port: self._firmware,
        }

    def take(self, fport: int | None, payload: bytes, gps: float) -> list[Answer]:
        """What the device answers to a payload; `gps` is its clock."""
        handle = None if fport is None or fport in self.abilities.without else self._handlers.get(fport)
        return [] if handle is None else handle(payload, gps)

    def _version(self, package: Package, command: PackageCommand) -> list[PackageCommand]:
        if isinstance(command, PackageVersionReq):
            return [PackageVersionAns(package.identifier, package.version)]
        return []

    def _answers(self, fport: int, answers: list[PackageCommand]) -> list[Answer]:
        if not answers:
            return []
        return [Answer(self.abilities.reaction * self._rng.uniform(0.5, 1.5), fport, serialise(answers))]

    # TS005.

    def _multicast(self, payload: bytes, gps: float) -> list[Answer]:
        package = MULTICAST_SETUP[self.abilities.version]
        answers: list[PackageCommand] = []
        for command in parse(payload, package.downlink).commands:
            answers += self._version(package, command)
            if isinstance(command, McGroupSetupReq):
                self._join(command)
                answers.append(McGroupSetupAns(command.group, False))
            elif isinstance(command, McGroupDeleteReq):
                missing = self.groups.pop(command.group, None) is None
                answers.append(McGroupDeleteAns(command.group, missing))
            elif isinstance(command, McClassCSessionReq | McClassBSessionReq):
                answers.append(self._listen(command, gps))
        return self._answers(package.port, answers)

    def _join(self, asked: McGroupSetupReq) -> None:
        key = AesKey(aes_encrypt(self._ke_key, asked.encrypted_key))
        self.groups[asked.group] = Group(
            asked.address,
            multicast_keys.mc_app_s_key(key, asked.address),
            multicast_keys.mc_nwk_s_key(key, asked.address),
            asked.first_fcnt,
            asked.last_fcnt,
        )

    def _listen(
        self, asked: McClassCSessionReq | McClassBSessionReq, gps: float
    ) -> McClassCSessionAns | McClassBSessionAns:
        class_b = isinstance(asked, McClassBSessionReq)
        answer = McClassBSessionAns if class_b else McClassCSessionAns
        missed = asked.session_time <= gps
        if asked.group not in self.groups or (missed and self.abilities.version == 1):
            return answer(asked.group, group_undefined=True)
        if missed:
            return answer(asked.group, start_missed=True)
        in_slots = class_b and not self.abilities.class_b_for_c
        lasts = (1 << asked.timeout) * (BEACON_PERIOD if in_slots else 1.0)
        self.listening = GroupSession(
            asked.group,
            asked.session_time,
            asked.session_time + lasts,
            asked.frequency,
            _RX2_DATA_RATE if class_b and not in_slots else asked.data_rate,
            asked.periodicity if isinstance(asked, McClassBSessionReq) and in_slots else None,
        )
        return answer(asked.group, time_to_start=round(asked.session_time - gps))

    def listens(self, gps: float) -> GroupSession | None:
        """Where the device listens to a group now."""
        session = self.listening
        if session is None or not session.start <= gps < session.end or session.group not in self.groups:
            return None
        if session.periodicity is None:
            return session
        address = self.groups[session.group].address
        slot = next_ping_slot(gps - _SLOT_TOLERANCE, address, 1 << 7 - session.periodicity)
        return session if abs(slot - gps) <= _SLOT_TOLERANCE else None

    def hear(self, frame: DataFrame, octets: bytes, gps: float) -> list[Answer]:
        """Take a frame of a group: what it brings for the packages."""
        for group in self.groups.values():
            if group.address != frame.dev_addr or frame.uplink or frame.confirmed or not frame.fport:
                continue
            fcnt = group.first + ((frame.fcnt - group.first) & 0xFFFF)
            signed = data_mic(group.nwk_s_key, DOWNLINK, group.address, fcnt, octets[:-4])
            if fcnt > group.last or signed != octets[-4:]:
                return []
            group.first = fcnt + 1
            self.of_group += 1
            payload = crypt_payload(group.app_s_key, DOWNLINK, group.address, fcnt, frame.frm_payload)
            self.last_of_group = frame.fport, payload
            return self.take(frame.fport, payload, gps)
        return []

    # TS004.

    def _fragmentation(self, payload: bytes, _gps: float) -> list[Answer]:
        package = FRAGMENTATION[self.abilities.version]
        stream: PackageStream = parse(payload, package.downlink)
        answers: list[PackageCommand] = []
        delayed: list[Answer] = []
        for command in stream.commands:
            answers += self._version(package, command)
            if isinstance(command, FragSessionSetupReq | FragSessionSetupReq2):
                answers.append(self._set_up(command))
            elif isinstance(command, FragSessionDeleteReq):
                gone = self._sessions.pop(command.index, None) is None
                answers.append(FragSessionDeleteAns(command.index, gone))
            elif isinstance(command, DataFragment):
                delayed += self._fragment(command, package.port)
            elif isinstance(command, FragSessionStatusReq):
                delayed += self._status(package.port, command)
        return self._answers(package.port, answers) + delayed

    def _set_up(self, asked: FragSessionSetupReq | FragSessionSetupReq2) -> FragSessionSetupAns:
        setup = asked if isinstance(asked, FragSessionSetupReq) else asked.setup
        known = self._sessions.get(setup.index)
        if known is not None and known.asked == asked:
            # The same question again, because the answer was lost.
            return FragSessionSetupAns(setup.index)
        if isinstance(asked, FragSessionSetupReq2) and asked.session <= self._last_session:
            return FragSessionSetupAns(setup.index, session_replayed=True)
        answer = FragSessionSetupAns(
            setup.index,
            unknown_algorithm=setup.algorithm != 0,
            no_memory=setup.count * setup.fragment_size > self.abilities.largest_block,
            wrong_index=setup.index >= _SESSIONS,
        )
        if answer.accepted:
            self._sessions[setup.index] = _Fragments(asked, self.abilities)
            if isinstance(asked, FragSessionSetupReq2):
                self._last_session = asked.session
        return answer

    def _fragment(self, fragment: DataFragment, port: int) -> list[Answer]:
        session = self._sessions.get(fragment.index)
        if session is None or session.file is not None:
            return []
        try:
            session.decoder.add(fragment.number, fragment.data)
        except OutOfMemory:
            session.out_of_memory = True
            return []
        block = session.decoder.block()
        if block is None:
            return []
        session.file = block[: len(block) - session.setup.padding]
        if session.mic is not None:
            setup, key = session.setup, data_block_key(self._root_key)
            mic = data_block_mic(key, session.session, setup.index, setup.descriptor, session.file)
            session.wrong_mic = mic != session.mic
        if not session.wrong_mic:
            self._image = session.file
            self.files.append(session.file)
        if not session.acknowledge:
            return []
        report = FragDataBlockReceivedReq(fragment.index, session.wrong_mic)
        return [Answer(self._spread(session), port, serialise([report]))]

    def _spread(self, session: _Fragments) -> float:
        return self._rng.random() * (1 << session.setup.block_ack_delay + 4)

    def _status(self, port: int, asked: FragSessionStatusReq) -> list[Answer]:
        session = self._sessions.get(asked.index)
        second = self.abilities.version >= 2
        if session is None:
            if not second:
                return []
            answer: PackageCommand = FragSessionStatusAns2(asked.index, 0, 0, no_session=True)
            return self._answers(port, [answer])
        missing = session.decoder.missing
        if not missing and not asked.everybody:
            return []
        kind = FragSessionStatusAns2 if second else FragSessionStatusAns
        received = min(session.decoder.received, 0x3FFF)
        made = kind(
            asked.index, received, min(missing, 255), session.out_of_memory and missing > 0, session.wrong_mic
        )
        return [Answer(self._spread(session), port, serialise([made]))]

    # TS006.

    def _firmware(self, payload: bytes, _gps: float) -> list[Answer]:
        answers: list[PackageCommand] = []
        for command in parse(payload, FIRMWARE.downlink).commands:
            answers += self._version(FIRMWARE, command)
            if isinstance(command, DevVersionReq):
                answers.append(DevVersionAns(self.firmware, self.abilities.hardware))
            elif isinstance(command, DevUpgradeImageReq):
                status = NO_IMAGE if self._image is None else VALID
                following = None if self._image is None else self.firmware + 1
                answers.append(DevUpgradeImageAns(status, following))
            elif isinstance(command, DevRebootCountdownReq):
                answers.append(DevRebootCountdownAns(command.seconds))
                self._restart()
        return self._answers(FIRMWARE.port, answers)

    def _restart(self) -> None:
        """Start what was received. What it has of groups and files is gone with it."""
        self.reboots += 1
        if self._image is not None:
            self.firmware += 1
        self._image = None
        self._sessions.clear()
