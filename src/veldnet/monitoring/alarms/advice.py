"""What to do about an alarm, by its type."""

from __future__ import annotations

from veldnet.texts import Text

from . import types

_JOIN_REPLAY = Text(
    "Reset the security context if the device was reset to factory settings; otherwise somebody may be "
    "replaying its join-requests."
)
ADVICE: dict[int, Text] = {
    types.BATTERY: Text("Replace the battery of the device, or check its power supply."),
    types.DOWNLINK_RATE: Text("Send fewer downlinks, or ask the operator for another connectivity plan."),
    types.UPLINK_RATE: Text(
        "Let the device send less often, or ask the operator for another connectivity plan."
    ),
    types.SILENCE: Text(
        "Check the power supply of the device and whether the base stations that hear it are connected."
    ),
    types.FAST_RATE: Text("Check whether ADR is enabled in the device; it does not follow the network."),
    types.SLOW_RATE: Text(
        "Check the antenna and location of the device: it uses more airtime and battery than planned."
    ),
    types.NONCE_REPLAYED: _JOIN_REPLAY,
    types.JOIN_MIC: Text(
        "Compare the AppKey in the device with the registered one; enter it again if needed."
    ),
    types.JOIN_UNUSED: Text(
        "Check whether the device receives join-accepts: it continues with its previous session."
    ),
    types.COUNTER_REPLAYED: Text(
        "Reset the security context if the device restarts its frame counter; otherwise somebody may be "
        "replaying its frames."
    ),
    types.REPEATED: Text("Check whether the device repeats its frames more often than NbTrans allows."),
    types.COMMAND_REJECTED: Text(
        "Compare the device profile with the device: it rejects settings that the network requests."
    ),
    types.COMMAND_IGNORED: Text("Check whether the device receives downlinks and answers MAC commands."),
    types.JOIN_EUIS: Text("Check the JoinEUI that is configured in the device."),
    types.NONCE_NOT_RISING: _JOIN_REPLAY,
    types.UPLINK_MIC: Text("Check whether another device uses the session keys or address of this device."),
    types.AREA_ENTERED: Text("See where the device is; the alarm ends once it has left the area."),
    types.AREA_LEFT: Text("See where the device is; the alarm ends once it is back in the area."),
    types.RESTARTED: Text("Check the power supply of the base station if it restarts again and again."),
    types.CONNECTION: Text("Check the power supply and the internet connection of the base station."),
    types.LOW_TRAFFIC: Text("Check the antenna of the base station, and its cable."),
    types.INVALID_CRC: Text("Look for interference near the base station, and check its antenna."),
    types.DOWNLINK_OVERLOAD: Text("Send fewer downlinks, or install another base station nearby."),
    types.TIME_LOST: Text("Check the GPS antenna and the clock of the base station."),
    types.BEACON_FAILURE: Text(
        "Check the GPS antenna of the base station, or give it a profile without class B if it has none."
    ),
    **dict.fromkeys(
        types.OF_FRAMES.values(),
        Text(
            "Look at the alarms of the device: if its keys and counters are right, somebody near the base "
            "station is forging or replaying frames."
        ),
    ),
    types.BACKHAUL: Text("Check the internet connection of the base station: it loses data."),
    types.DUPLICATE_EUI: Text("Give each base station an EUI of its own."),
    types.WRONG_STAMPS: Text(
        "Check the GPS antenna, its cable and the position of the base station: its fine timestamps are "
        "not used."
    ),
    types.UPDATE_OVERDUE: Text(
        "Check whether the base station runs and reaches CUPS; order the update again, or another one."
    ),
    types.MODULE: Text("Check the HSM module: veldnet admin vault status"),
    types.CERTIFICATE: Text("Renew the certificate of the server; it is loaded again by itself."),
    types.BACKUP: Text("Check the free disk space and the folder of the backups."),
}
