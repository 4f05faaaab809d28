"""Multicast groups of ChirpStack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from veldnet.lorawan import AesKey, InvalidKey
from veldnet.migration.made_up import made_up_eui
from veldnet.migration.model import Group, NotMovable

from .profiles import region_of


def read_group(row: Mapping[Any, Any], members: tuple[str, ...]) -> Group:
    """A row of `multicast_group`. Raises `NotMovable`."""
    try:
        nwk_s_key, app_s_key = AesKey(bytes(row["mc_nwk_s_key"])), AesKey(bytes(row["mc_app_s_key"]))
    except InvalidKey:
        raise NotMovable("a key of the group does not have 16 bytes") from None
    class_b = str(row["group_type"]).strip() == "B"
    remarks = []
    if not class_b and row.get("class_c_scheduling_type") == "GPS_TIME":
        remarks.append("its base stations sent at once (GPS_TIME); here they send one after the other")
    return Group(
        eui=made_up_eui(str(row["id"])),
        name=str(row["name"]),
        dev_addr=bytes(row["mc_addr"]).hex(),
        nwk_s_key=nwk_s_key,
        app_s_key=app_s_key,
        fcnt_down=int(row["f_cnt"]),
        group_class="B" if class_b else "C",
        region=region_of(str(row["region"])),
        frequency=int(row["frequency"]) or None,
        data_rate=int(row["dr"]),
        ping_period=_ping_period(row) if class_b else None,
        members=members,
        remarks=tuple(remarks),
    )


def _ping_period(row: Mapping[Any, Any]) -> int:
    """Seconds. Before mid 2025 the column had another name, and before 2024 ping slots in 0.03 s."""
    for name in ("class_b_ping_slot_periodicity", "class_b_ping_slot_nb_k"):
        if name in row:
            return 1 << min(max(int(row[name]), 0), 7)
    return int(max(int(row.get("class_b_ping_slot_period") or 32) // 32, 1))
