"""What a vault is asked about multicast groups and updates, and what it answers.

Numbers and octets alone, as they go to the process of a vault.
"""

from __future__ import annotations

import msgspec

from veldnet.lorawan import DevEui

from . import labels


class McKey(msgspec.Struct, frozen=True, array_like=True):
    """The McKey of a multicast group as the vault has sealed it."""

    group: int
    sealed: bytes

    @property
    def label(self) -> str:
        return labels.mc_key(DevEui(self.group))


class GroupKeyOrder(msgspec.Struct, frozen=True, array_like=True):
    """Derive the session keys of a group with the address `dev_addr`; the McAppSKey is wrapped under
    `sealed_as_transport_key`, or withheld where there is none."""

    mc_key: McKey
    dev_addr: int
    sealed_as_transport_key: bytes | None = None


class GroupSessionKeys(msgspec.Struct, frozen=True, array_like=True):
    """What leaves a vault of a group: the McNwkSKey, and the McAppSKey wrapped for the customer."""

    nwk_s_key: bytes
    wrapped_app_s_key: bytes | None

    def __repr__(self) -> str:
        return "GroupSessionKeys()"


class Member(msgspec.Struct, frozen=True, array_like=True):
    """A device that is to be set up or updated, with its root key for that: the AppKey of a device of LoRaWAN
    1.1, the GenAppKey of one of 1.0.x."""

    dev_eui: int
    sealed_root_key: bytes
    version_11: bool

    @property
    def label(self) -> str:
        dev_eui = DevEui(self.dev_eui)
        return labels.app_key(dev_eui) if self.version_11 else labels.gen_app_key(dev_eui)
