"""JSON columns read by several rooms: settings of connectivity plans, device profiles and base station
profiles.

Names and defaults are those of ThingPark's network subscription and device profile. Documents are stored with
all of their members, so a default that changes here is one of new plans and profiles alone; a migration that
adds a member writes it into those that are stored.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from msgspec.structs import force_setattr

from veldnet.lorawan.regions import FORMER_NAMES

DataRateIndex = Annotated[int, Meta(ge=0, le=15)]
SpreadingFactor = Annotated[int, Meta(ge=5, le=12)]
Share = Annotated[float, Meta(gt=0, le=1)]
Transmissions = Annotated[int, Meta(ge=1, le=15)]
# Frames in a unit of time; 0 means that the regulator is off.
Rate = Annotated[float, Meta(ge=0, le=1_000_000)]
RateUnit = Literal["HOUR", "DAY", "WEEK"]
BucketSize = Annotated[int, Meta(ge=1, le=1_000_000)]
Policy = Literal["MARK", "DROP"]

_UNIT_SECONDS = {"HOUR": 3600.0, "DAY": 86_400.0, "WEEK": 604_800.0}


class Regulator(msgspec.Struct, frozen=True, gc=False):
    """A token bucket: `rate` tokens a second flow in, at most `size` are kept; `drop` what finds none."""

    rate: float
    size: int
    drop: bool


_LOCATED_BY = 3


class PlanSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rules of a connectivity plan. Rates are frames in the unit; delays in seconds."""

    ackedUplinkFrame: bool = True
    ackedDownlinkFrame: bool = True
    downlinkTransmission: bool = True
    downlinkSentIndication: bool = False
    forceAdaptiveDataRate: bool = False
    addLrrMetaInfo: bool = True
    reportDeviceBatteryLevel: bool = False
    reportDeviceMargin: bool = False
    deviceStatusRequestFrequency: Annotated[float, Meta(ge=0, le=1440)] = 0
    deviceStatusRequestFrequencyUnit: Literal["DAY", "WEEK"] = "DAY"
    # InstantPER and MeanPER in uplink messages.
    addPerInfo: bool = False
    uplinkRate: Rate = 10
    uplinkRateUnit: RateUnit = "HOUR"
    uplinkBucketSize: BucketSize = 10
    uplinkRegulatorPolicy: Policy = "MARK"
    downlinkRate: Rate = 1
    downlinkRateUnit: RateUnit = "HOUR"
    downlinkBucketSize: BucketSize = 2
    downlinkRegulatorPolicy: Policy = "MARK"
    # Whether messages go to application servers of routing profiles. The two beside it are stored only.
    thirdPartyAppServersRouting: bool = True
    thingParkCloudRouting: bool = True
    thingParkKafkaRouting: bool = False
    # Whether the network locates devices, and how; None: by time, and by power where that gives nothing.
    nwGeolocalization: bool = False
    nwGeolocAlgo: Literal["TDOA", "RSSI"] | None = None
    # Stored, for what there is no peering and roaming yet.
    npAccessControlType: Literal["NONE", "WHITELIST", "BLACKLIST"] = "NONE"
    raAllowed: bool = False
    prAllowed: bool = False
    hrAllowed: bool = False
    supplier: str = ""
    commercialName: str = ""
    # Milliseconds to wait for an application server's downlink before the receive windows are decided on.
    uplinkProcessing: Annotated[int, Meta(ge=0, le=14_000)] = 0
    allowClassB: bool = False
    minRx1Delay: Annotated[int, Meta(ge=1, le=15)] | None = None
    spreadingFactorMin: SpreadingFactor | None = None
    spreadingFactorMax: SpreadingFactor | None = None
    forceRx2DataRate: DataRateIndex | None = None
    # Hexadecimal, bit 0 is channel 0; 16 to 96 bits.
    forceChannelMask: Annotated[str, Meta(pattern="^[0-9A-Fa-f]{1,24}$")] | None = None
    # The device may send for 1/2^this of the time.
    maxDutyCycle: DataRateIndex | None = None
    # ADR: 3 by packet error rate, 2 by signal-to-noise ratio.
    adrVersion: Literal[2, 3] = 3
    targetPacketErrorRate: Share = 0.1
    macroDiversityReliability: Share = 0.8
    minAntennaDiversity: Annotated[int, Meta(ge=1, le=10)] = 1
    nbTransMin: Transmissions = 1
    nbTransMax: Transmissions = 3
    marginOffset: Annotated[float, Meta(ge=-20, le=30)] = 0.0
    nbTransOffset: Annotated[int, Meta(ge=-14, le=14)] = 0
    maxDestinationPerRoute: Annotated[int, Meta(ge=0, le=5)] = 1
    # Of multicast groups: base stations at most, seconds between those near each other (class C), attempts,
    # and metres within which base stations of class C do not send at once.
    multicastMaxLrrCells: Annotated[int, Meta(ge=1, le=1000)] = 200
    multicastInterLrrDelay: Annotated[int, Meta(ge=0, le=60)] = 5
    multicastMaxTransmissions: Annotated[int, Meta(ge=1, le=5)] = 3
    multicastCollisionDistance: Annotated[int, Meta(ge=100, le=50_000)] = 7000

    @property
    def antenna_diversity(self) -> int:
        """How many base stations ADR lets hear a device; a place needs three."""
        return max(self.minAntennaDiversity, _LOCATED_BY if self.nwGeolocalization else 1)

    @property
    def uplink_regulator(self) -> Regulator | None:
        """None where the regulator is off."""
        return _regulator(
            self.uplinkRate, self.uplinkRateUnit, self.uplinkBucketSize, self.uplinkRegulatorPolicy
        )

    @property
    def downlink_regulator(self) -> Regulator | None:
        return _regulator(
            self.downlinkRate, self.downlinkRateUnit, self.downlinkBucketSize, self.downlinkRegulatorPolicy
        )

    @property
    def status_request_interval(self) -> float | None:
        """Seconds between two DevStatusReq, None where there are none."""
        if not self.deviceStatusRequestFrequency:
            return None
        return _UNIT_SECONDS[self.deviceStatusRequestFrequencyUnit] / self.deviceStatusRequestFrequency


@lru_cache(maxsize=1024)
def _regulator(rate: float, unit: RateUnit, size: int, policy: Policy) -> Regulator | None:
    return Regulator(rate / _UNIT_SECONDS[unit], size, policy == "DROP") if rate else None


MacVersion = Literal["1.0.0", "1.0.1", "1.0.2", "1.0.3", "1.0.4", "1.1"]
RegionalParameters = Literal[
    "1.0.2revA",
    "1.0.2revB",
    "1.0.2revC",
    "1.0.3revA",
    "RP2-1.0.0",
    "RP2-1.0.1",
    "RP2-1.0.2",
    "RP2-1.0.3",
    "RP2-1.0.4",
    "RP2-1.0.5",
]
MotionIndicator = Literal["NEAR_STATIC", "WALKING_SPEED", "BIKE_SPEED", "VEHICLE_SPEED", "RANDOM"]


class ProfileSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a device model can do and how it starts."""

    loRaWANMacVersion: MacVersion = "1.0.2"
    regionalParameterVersion: RegionalParameters = "1.0.2revB"
    loRaWANClass: Literal["A", "B", "C"] = "A"
    region: str = "EU868"
    motionIndicator: MotionIndicator = "RANDOM"
    rx2DataRate: DataRateIndex | None = None
    rx2Frequency: int | None = None
    pingSlotDataRate: DataRateIndex | None = None
    pingSlotFrequency: int | None = None
    beaconFrequency: int | None = None
    # Seconds in which a device of class B or C answers a confirmed downlink.
    responseTimeout: Annotated[int, Meta(ge=1, le=600)] = 8
    # MAC commands that the model lacks though its version has them, as `linkADR`, `devStatus`, ...
    unsupportedMACCommands: tuple[str, ...] = ()
    rx1DROffset: Annotated[int, Meta(ge=0, le=7)] = 0
    wideCounters: bool = True
    devNonceCounterBased: bool | None = None
    dummyPayloadMaxSize: int = 0
    # Whether a personalised device may begin its uplink counter again at 0: who has recorded its frames can
    # then send them once more.
    allowABPAutomaticReset: bool = False
    # Port on which the network answers requests for the time (TS003, usually 202); None: it does not.
    clockSyncPort: Annotated[int, Meta(ge=1, le=223)] | None = None
    # Ports on which devices take the set-up of multicast groups (TS005), fragments of files (TS004) and
    # firmware commands (TS006); None: they do not.
    multicastSetupPort: Annotated[int, Meta(ge=1, le=223)] | None = 200
    fragmentationPort: Annotated[int, Meta(ge=1, le=223)] | None = 201
    firmwarePort: Annotated[int, Meta(ge=1, le=223)] | None = 203
    manufacturerName: str = "Generic"
    applicationLayer: dict[str, str] | None = None

    def __post_init__(self) -> None:
        if self.region in FORMER_NAMES:
            region, revision = FORMER_NAMES[self.region]
            force_setattr(self, "region", region)
            force_setattr(self, "regionalParameterVersion", revision)

    @property
    def counter_based_dev_nonce(self) -> bool:
        """True where DevNonce must rise: always from 1.0.4 on (TS001-1.0.4 §6.2.2)."""
        if self.loRaWANMacVersion in ("1.0.4", "1.1"):
            return True
        return bool(self.devNonceCounterBased)

    @property
    def counter_gap_limited(self) -> bool:
        """True where MAX_FCNT_GAP applies: before 1.0.4."""
        return self.loRaWANMacVersion not in ("1.0.4", "1.1")

    @property
    def version_11(self) -> bool:
        """True for LoRaWAN 1.1: two root keys, four session keys, two downlink counters."""
        return self.loRaWANMacVersion == "1.1"

    @property
    def cf_list_type_1(self) -> bool:
        """Whether the device reads a CFList of type 1; older ones mishandle it (RP 1.0.3)."""
        return not self.regionalParameterVersion.startswith("1.0.2")

    @property
    def early_limits(self) -> bool:
        """Whether payload limits from before RP002-1.0.1 hold."""
        return not self.regionalParameterVersion.startswith("RP2") or self.regionalParameterVersion.endswith(
            "1.0.0"
        )


class StationProfileSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What base stations of a kind hear and how they send."""

    # None: the region of the network's settings.
    region: str | None = None
    # Of a region with a fixed channel plan; none: those of the network.
    subBands: tuple[Annotated[int, Meta(ge=1, le=12)], ...] = ()
    chip: Literal["SX1302", "SX1301"] = "SX1302"
    # Boards with eight channels each.
    concentrators: Annotated[int, Meta(ge=1, le=8)] = 1
    # dBi, with cable losses taken off.
    antennaGain: Annotated[float, Meta(ge=-10, le=30)] = 2
    # dBm with the antenna; None: what the region allows.
    maxEirp: Annotated[float, Meta(ge=-10, le=40)] | None = None
    # Whether it has a GPS receiver, which beacons and ping slots are timed by.
    classB: bool = True


_plan_decoder = msgspec.json.Decoder(PlanSettings)
_profile_decoder = msgspec.json.Decoder(ProfileSettings)
_station_profile_decoder = msgspec.json.Decoder(StationProfileSettings)


def decode_plan(text: str) -> PlanSettings:
    return _plan_decoder.decode(text)


def decode_profile(text: str) -> ProfileSettings:
    return _profile_decoder.decode(text)


def decode_station_profile(text: str) -> StationProfileSettings:
    return _station_profile_decoder.decode(text)


def encode(document: PlanSettings | ProfileSettings | StationProfileSettings) -> str:
    return msgspec.json.encode(document).decode()
