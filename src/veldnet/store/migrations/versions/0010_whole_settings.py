"""Plans and profiles have all of their settings, so that a changed default changes none of them.

The defaults are those of the versions up to this one.
"""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_PLAN: dict[str, Any] = {
    "ackedUplinkFrame": True,
    "ackedDownlinkFrame": True,
    "downlinkTransmission": True,
    "downlinkSentIndication": False,
    "forceAdaptiveDataRate": False,
    "addLrrMetaInfo": True,
    "reportDeviceBatteryLevel": False,
    "reportDeviceMargin": False,
    "deviceStatusRequestFrequency": 0,
    "deviceStatusRequestFrequencyUnit": "DAY",
    "addPerInfo": False,
    "uplinkRate": 10,
    "uplinkRateUnit": "HOUR",
    "uplinkBucketSize": 10,
    "uplinkRegulatorPolicy": "MARK",
    "downlinkRate": 1,
    "downlinkRateUnit": "HOUR",
    "downlinkBucketSize": 2,
    "downlinkRegulatorPolicy": "MARK",
    "thirdPartyAppServersRouting": True,
    "thingParkCloudRouting": True,
    "thingParkKafkaRouting": False,
    "nwGeolocalization": False,
    "nwGeolocAlgo": None,
    "npAccessControlType": "NONE",
    "raAllowed": False,
    "prAllowed": False,
    "hrAllowed": False,
    "supplier": "",
    "commercialName": "",
    "uplinkProcessing": 0,
    "allowClassB": False,
    "minRx1Delay": None,
    "spreadingFactorMin": None,
    "spreadingFactorMax": None,
    "forceRx2DataRate": None,
    "forceChannelMask": None,
    "maxDutyCycle": None,
    "adrVersion": 3,
    "targetPacketErrorRate": 0.1,
    "macroDiversityReliability": 0.8,
    "minAntennaDiversity": 1,
    "nbTransMin": 1,
    "nbTransMax": 3,
    "marginOffset": 0.0,
    "nbTransOffset": 0,
    "maxDestinationPerRoute": 1,
}
_PROFILE: dict[str, Any] = {
    "loRaWANMacVersion": "1.0.2",
    "regionalParameterVersion": "1.0.2revB",
    "loRaWANClass": "A",
    "region": "EU868",
    "motionIndicator": "RANDOM",
    "rx2DataRate": None,
    "rx2Frequency": None,
    "pingSlotDataRate": None,
    "pingSlotFrequency": None,
    "beaconFrequency": None,
    "responseTimeout": 8,
    "unsupportedMACCommands": [],
    "rx1DROffset": 0,
    "wideCounters": True,
    "devNonceCounterBased": None,
    "dummyPayloadMaxSize": 0,
    "allowABPAutomaticReset": False,
    "manufacturerName": "Generic",
    "applicationLayer": None,
}


def upgrade() -> None:
    connection = op.get_bind()
    for name, defaults in (("connectivity_plans", _PLAN), ("device_profiles", _PROFILE)):
        table = sa.table(name, sa.column("ref", sa.BigInteger), sa.column("settings", sa.Text))
        for ref, settings in connection.execute(sa.select(table.c.ref, table.c.settings)).all():
            whole = defaults | json.loads(settings)
            connection.execute(
                sa.update(table)
                .where(table.c.ref == ref)
                .values(settings=json.dumps(whole, separators=(",", ":"), ensure_ascii=False))
            )
