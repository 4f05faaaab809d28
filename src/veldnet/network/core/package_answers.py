"""What of an uplink on the port of an application package cannot be read as its commands.

Devices answer nonsense, too: the record says which octets no campaign has worked off.
"""

from __future__ import annotations

from collections.abc import Mapping

from veldnet.domain.documents import ProfileSettings
from veldnet.lorawan.crypto import UPLINK, crypt_payload
from veldnet.lorawan.packages import (
    CLOCK_SYNC,
    FIRMWARE,
    FRAGMENTATION,
    MULTICAST_SETUP,
    PackageCommand,
    parse,
)

from .context import UplinkContext
from .state import Session

# Octets of it that are shown.
_SHOWN = 8
_Registry = Mapping[int, type[PackageCommand]]
_CLOCK_SYNC: tuple[_Registry, ...] = (CLOCK_SYNC.uplink,)
_MULTICAST_SETUP = tuple(package.uplink for package in MULTICAST_SETUP.values())
_FRAGMENTATION = tuple(package.uplink for package in FRAGMENTATION.values())
_FIRMWARE: tuple[_Registry, ...] = (FIRMWARE.uplink,)


def _registries(profile: ProfileSettings, fport: int | None) -> tuple[_Registry, ...]:
    """Of the versions of the package that the device has on a port."""
    if fport is None:
        return ()
    if fport == profile.fragmentationPort:
        return _FRAGMENTATION
    if fport == profile.firmwarePort:
        return _FIRMWARE
    if fport == profile.multicastSetupPort:
        return _MULTICAST_SETUP
    return _CLOCK_SYNC if fport == profile.clockSyncPort else ()


def unread_commands(context: UplinkContext, session: Session, fcnt: int) -> tuple[str, ...]:
    """Words for the record of an uplink where some of it, by no version of the package, is one of its
    commands."""
    frame = context.event.frame
    registries = _registries(context.profile, frame.fport)
    if not registries or not frame.frm_payload:
        return ()
    assert frame.fport is not None
    key = session.application_key(frame.fport)
    if key is None:
        return ()
    octets = crypt_payload(key, UPLINK, frame.dev_addr, fcnt, frame.frm_payload)
    rest = min((parse(octets, registry).rest for registry in registries), key=len)
    if not rest:
        return ()
    shown = rest[:_SHOWN].hex().upper() + ("…" if len(rest) > _SHOWN else "")
    return (f"package commands: {shown} cannot be read (cut off, or unknown)",)
