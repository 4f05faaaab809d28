"""Contents of the JSON columns that several rooms read: what a connectivity plan and a device profile say.

Names and defaults are those of ThingPark's network subscription and device profile.
"""

from __future__ import annotations

from typing import Literal

import msgspec


class PlanSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The rules of a connectivity plan. Rates are frames in the unit; delays in seconds."""

    ackedUplinkFrame: bool = True
    ackedDownlinkFrame: bool = True
    downlinkTransmission: bool = True
    downlinkSentIndication: bool = False
    forceAdaptiveDataRate: bool = False
    addLrrMetaInfo: bool = True
    reportDeviceBatteryLevel: bool = False
    reportDeviceMargin: bool = False
    deviceStatusRequestsPerDay: int = 0
    minRx1Delay: int | None = None
    spreadingFactorMin: int | None = None
    spreadingFactorMax: int | None = None
    forceRx2DataRate: int | None = None
    maxDutyCycle: int | None = None
    maxDestinationPerRoute: int = 1


MacVersion = Literal["1.0.0", "1.0.1", "1.0.2", "1.0.3", "1.0.4"]


class ProfileSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a device model can do and how it starts."""

    loRaWANMacVersion: MacVersion = "1.0.2"
    loRaWANClass: Literal["A", "B", "C"] = "A"
    region: str = "EU868"
    motionIndicator: str = "RANDOM"
    rx2DataRate: int | None = None
    rx1DROffset: int = 0
    wideCounters: bool = True
    devNonceCounterBased: bool | None = None
    dummyPayloadMaxSize: int = 0
    manufacturerName: str = "Generic"
    applicationLayer: dict[str, str] | None = None

    @property
    def counter_based_dev_nonce(self) -> bool:
        """True where DevNonce must rise: always from 1.0.4 on (TS001-1.0.4 §6.2.2)."""
        if self.loRaWANMacVersion == "1.0.4":
            return True
        return bool(self.devNonceCounterBased)

    @property
    def counter_gap_limited(self) -> bool:
        """True where MAX_FCNT_GAP applies: before 1.0.4."""
        return self.loRaWANMacVersion != "1.0.4"


_plan_decoder = msgspec.json.Decoder(PlanSettings)
_profile_decoder = msgspec.json.Decoder(ProfileSettings)


def decode_plan(text: str) -> PlanSettings:
    return _plan_decoder.decode(text)


def decode_profile(text: str) -> ProfileSettings:
    return _profile_decoder.decode(text)


def encode(document: PlanSettings | ProfileSettings) -> str:
    return msgspec.json.encode(document).decode()
