"""Why the network refuses a downlink, in words that have a translation."""

from __future__ import annotations

from veldnet.network.core import SubmissionRefusal
from veldnet.texts import Text

# What ThingPark's codes say, as the network writes them.
_SAID = {
    str(text): text
    for text in (
        Text("Confirmed downlink is not authorized for this device"),
        Text("Invalid LoRa port"),
        Text("ValidityTime expired or invalid"),
        Text("Payload too big or invalid size"),
        Text("Downlink transmission disabled"),
        Text("Downlink transmission disabled: the device is in shadow"),
        Text("No Base Station Available"),
        Text("Invalid payload size according to currents DR"),
        Text("Invalid payload. Must not be empty"),
        Text("Payload must be provided encrypted with the downlink counter value"),
        Text("Token bucket limit reached"),
        Text("Too many downlinks wait for the group"),
        Text("The downlink counters of the group are used up: create another group"),
    )
}


def reason_of(refusal: SubmissionRefusal) -> Text:
    """What the network said, as a text. With codes 101 and 102 it names the counter that it expects."""
    if refusal.code == 101:
        return Text("Downlink counter value already used. Expected={expected}", expected=refusal.expected)
    if refusal.code == 102 and refusal.expected is not None:
        return Text(
            "Downlink counter value increment too large. Expected={expected}", expected=refusal.expected
        )
    # Another node may be of a newer version.
    return _SAID.get(refusal.message) or Text(refusal.message)
