"""The benchmark of groups plans downlinks over a small store."""

from __future__ import annotations

from pathlib import Path

from veldnet.cli.bench.groups import GroupsLoad, bench_groups


async def test_a_few_members_are_reached_by_some_of_their_base_stations(tmp_path: Path) -> None:
    result = await bench_groups(tmp_path, GroupsLoad(60, 9, 2))
    assert (result.members, result.baseStations, result.unheard) == (60, 9, 0)
    assert 1 < result.chosen <= 9 and 1 < result.turns <= result.chosen
    assert result.choosing is not None and result.choosing.count == 2
    assert result.giving is not None and result.cpu > 0
