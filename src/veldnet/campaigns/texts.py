"""Why a device is where it is, as a sentence."""

from __future__ import annotations

from veldnet.texts import Text

_TEXTS: dict[str, Text] = {
    "hsm": Text("The network cannot read the payload of this device: it belongs to an HSM group"),
    "noPort": Text("The device profile has no port for fragments (fragmentationPort)"),
    "noMulticastPort": Text("The device profile has no port for groups (multicastSetupPort)"),
    "noRootKey": Text(
        "The root key that groups and updates need is missing or does not open (GenAppKey, AppKey)"
    ),
    "version": Text("The device has another version of the package for fragments"),
    "groupNumber": Text("The device has no room for a group of this number"),
    "dataRate": Text("The device does not support the data rate of the group"),
    "frequency": Text("The device does not support the frequency of the group"),
    "replayed": Text("The device says that the counter of the session was used already"),
    "wrongMic": Text("The device has received the file, and its MIC is wrong"),
    "busy": Text("The device is in another campaign that has not ended"),
    "region": Text("The device is for another region than the group"),
    "algorithm": Text("The device does not know the fragmentation algorithm"),
    "memory": Text("The file is too large for the memory of the device"),
    "index": Text("The device does not support the fragmentation session"),
    "descriptor": Text("The device does not accept this kind of file"),
    "repairMemory": Text("More fragments were lost than the device can repair"),
    "noImage": Text("The device has no image to start"),
    "corruptImage": Text("The device says that the image is corrupt"),
    "incompatibleImage": Text("The device says that the image is for other hardware"),
    "downlink": Text("The downlink was refused"),
    "payloadSize": Text("Fragments are too large for the data rate of the device"),
    "shadow": Text("The device is in shadow: its old network still answers it, and nothing is sent to it"),
    "fault": Text("The server could not work off what the device has sent; its log tells more"),
    "profile": Text("What is stored of its device profile cannot be read"),
    "noAnswer": Text("The device has not answered"),
    "rounds": Text("Fragments were still missing after the last repair"),
    "windowOver": Text("The campaign ended before the device was done"),
    "aborted": Text("The campaign was aborted"),
}


def reason_text(reason: str) -> Text:
    """The sentence of a reason that is stored."""
    return _TEXTS[reason]
