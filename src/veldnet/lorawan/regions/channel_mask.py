"""Channel masks: how LinkADRReq switches channels, in one or several requests (TS001-1.0.4 §5.2, RP002)."""

from __future__ import annotations

from .region import Control, Region

_PAGE = 16


def apply(region: Region, mask: int, defined: int, ch_mask: int, ch_mask_cntl: int) -> int | None:
    """The mask after one request; None for a ChMaskCntl that the region does not have.

    `defined` are the channels that exist: all of a fixed plan, those the device has of a dynamic one.
    """
    control = region.controls.get(ch_mask_cntl)
    if control is None:
        return None
    if control is Control.PAGE:
        page = ((1 << _PAGE) - 1) << _PAGE * ch_mask_cntl
        return mask & ~page | ch_mask << _PAGE * ch_mask_cntl
    if control is Control.ALL:
        return defined
    if control is Control.NONE:
        return 0
    if control is Control.BANKS:
        banks = [bank for bank in range(8) if ch_mask >> bank & 1]
        return sum(0xFF << 8 * bank | 1 << region.narrow_channels + bank for bank in banks)
    wide = (ch_mask & 0xFF) << region.narrow_channels
    return wide | ((1 << region.narrow_channels) - 1 if control is Control.NARROW_ON else 0)


def requests(region: Region, current: int, wanted: int, defined: int) -> tuple[tuple[int, int], ...]:
    """The fewest (ChMask, ChMaskCntl) that lead from one mask to another; at least one, for every LinkADRReq
    carries a mask. The block is answered as one. Banks are not used: older devices refuse them."""
    if current == wanted:
        return (_first_page(wanted),)
    candidates = [_pages(region, current, wanted)]
    for number, control in region.controls.items():
        if control in (Control.PAGE, Control.BANKS):
            continue
        narrowing = control in (Control.NARROW_ON, Control.NARROW_OFF)
        ch_mask = wanted >> region.narrow_channels & 0xFF if narrowing else 0
        after = apply(region, current, defined, ch_mask, number)
        assert after is not None
        candidates.append(((ch_mask, number), *_pages(region, after, wanted)))
    return min(candidates, key=len)


def _pages(region: Region, current: int, wanted: int) -> tuple[tuple[int, int], ...]:
    pages = [number for number, control in region.controls.items() if control is Control.PAGE]
    return tuple(
        (wanted >> _PAGE * page & 0xFFFF, page)
        for page in pages
        if (current ^ wanted) >> _PAGE * page & 0xFFFF
    )


def _first_page(wanted: int) -> tuple[int, int]:
    page = 0
    while wanted >> _PAGE * page and not wanted >> _PAGE * page & 0xFFFF:
        page += 1
    return wanted >> _PAGE * page & 0xFFFF, page
