"""The benchmark of lists asks a small store for all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from veldnet.cli.bench.lists import ListsLoad, bench_lists


@pytest.mark.asyncio
async def test_every_list_is_asked_for(tmp_path: Path) -> None:
    heard: list[tuple[str, int, int]] = []
    result = await bench_lists(tmp_path, ListsLoad(300, 2), lambda *step: heard.append(step))
    assert (result.store, result.devices) == ("sqlite", 300)
    assert len(result.lists) > 20 and any("map" in name for name in result.lists)
    assert all(taken.clock is not None and taken.clock.count == 2 for taken in result.lists.values())
    assert heard[0] == ("writing devices", 300, 300)
    assert heard[-1] == ("asking", len(result.lists), len(result.lists))
