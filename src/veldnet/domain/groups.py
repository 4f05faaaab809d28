"""A multicast group as the network server needs it."""

from __future__ import annotations

import msgspec

from veldnet.texts import Text


class GroupRow(msgspec.Struct, frozen=True, gc=False):
    """A multicast group: who it is, by which rules it lives, its sealed session keys, and its state.

    `ping_period` is the seconds between two ping slots of class B; without `frequency` (Hz) or `data_rate`
    the region's apply. Of an HSM group the network has no AppSKey: payloads come encrypted.
    """

    ref: int
    subscriber_ref: int
    operator_ref: int
    customer_id: str
    dev_eui: str
    dev_addr: int
    name: str
    group_class: str
    ping_period: int | None
    frequency: int | None
    data_rate: int | None
    region: str
    plan_ref: int | None
    routing_profile_ref: int | None
    hsm_group_ref: int | None
    sealed_keys: bytes
    # ALL, TAGS or MEMBERS.
    coverage: str
    partition: int
    state: bytes | None

    @property
    def journal_ref(self) -> int:
        """The number under which frames, deliveries and downlinks of the group are written: devices have
        those above 0."""
        return -self.ref


def ref_of_group(journal_ref: int) -> int | None:
    """The group that a number in the journal stands for; None where it is a device's."""
    return -journal_ref if journal_ref < 0 else None


class MemberKeys(msgspec.Struct, frozen=True, array_like=True):
    """`mc_key_encrypted` is for McGroupSetupReq (TS005), 16 octets, empty where no McKey was named;
    `data_block_int_key` signs data blocks of TS004 version 2."""

    mc_key_encrypted: bytes
    data_block_int_key: bytes

    def __repr__(self) -> str:
        return "MemberKeys()"


class NoMemberKeys(msgspec.Struct, frozen=True):
    """Why a device cannot be set up or updated."""

    reason: Text
