"""Any mask can be reached from any other with LinkADRReq, as a device that follows RP002 applies it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from veldnet.lorawan.regions import REGIONS, ChannelPlan
from veldnet.lorawan.regions.channel_mask import apply, requests

_ALL = [table for region in REGIONS.values() for table in (region, *region.earlier.values())]
_FIXED = [region for region in _ALL if region.fixed]


def follow(name: str, mask: int, defined: int, blocks: tuple[tuple[int, int], ...]) -> int:
    for ch_mask, control in blocks:
        after = apply(REGIONS[name], mask, defined, ch_mask, control)
        assert after is not None and 0 <= ch_mask <= 0xFFFF
        mask = after
    return mask


@given(st.sampled_from([region.name for region in _FIXED]), st.data())
def test_fixed_plans(name: str, data: st.DataObject) -> None:
    defined = ChannelPlan(REGIONS[name]).defined
    masks = st.integers(0, defined)
    current, wanted = data.draw(masks), data.draw(masks)
    blocks = requests(REGIONS[name], current, wanted, defined)
    assert 1 <= len(blocks) <= 6
    assert follow(name, current, defined, blocks) == wanted


@given(st.integers(1, 0xFFFF), st.integers(1, 0xFFFF))
def test_dynamic_plans(current: int, wanted: int) -> None:
    blocks = requests(REGIONS["EU868"], current, wanted, 0xFFFF)
    assert len(blocks) == 1
    assert follow("EU868", current, 0xFFFF, blocks) == wanted


def test_one_sub_band_takes_two_requests() -> None:
    us = ChannelPlan(REGIONS["US915"], sub_bands=(2,))
    blocks = requests(us.region, us.defined, us.mask, us.defined)
    # All 125 kHz channels off and one of 500 kHz on, then a page.
    assert blocks == ((0b10, 7), (0xFF00, 0))
    # Devices of later revisions know the request for whole banks too.
    assert apply(us.region, us.defined, us.defined, 0b10, 5) == us.mask
    assert apply(us.region, 0, us.defined, 0, 8) is None
