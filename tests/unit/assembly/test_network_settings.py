"""The operator's settings of the network, checked against its regions."""

from __future__ import annotations

import itertools

import pytest

from veldnet.assembly.network_settings import network_parameters
from veldnet.lorawan.regions import REGIONS
from veldnet.settings import NetworkSettings, SettingsError, load_settings

EUROPE = (867_100_000, 867_300_000, 867_500_000, 867_700_000, 867_900_000)


def channels(
    region: str, *more: str, extra: tuple[int | str, ...] | None = None
) -> dict[str, tuple[int, ...]]:
    """The extra channels of each region."""
    settings = NetworkSettings(region=region, more_regions=more)
    if extra is not None:
        settings = NetworkSettings(region=region, more_regions=more, extra_channels=extra)
    plans = network_parameters(settings).channel_plans
    return {name: tuple(c.frequency for c in plan.extra_channels) for name, plan in plans.items()}


@pytest.mark.parametrize("regions", list(itertools.permutations(("EU868", "IN865", "RU864"))))
def test_e9_the_channels_of_europe_stay_in_europe(regions: tuple[str, ...]) -> None:
    found = channels(*regions)
    assert found == {"EU868": EUROPE, "IN865": (), "RU864": ()}
    assert channels("IN865") == {"IN865": ()} and channels("RU864", "IN865") == {"RU864": (), "IN865": ()}


@pytest.mark.parametrize("regions", list(itertools.permutations(("EU868", "IN865"))))
def test_e9_a_channel_goes_to_the_region_that_is_named(regions: tuple[str, ...]) -> None:
    extra = ("IN865=866550000", " EU868 = 866700000", "EU868=867100000", 867_900_000, "IN865=866700000")
    found = channels(*regions, extra=extra)
    assert found["EU868"] == (866_700_000, 867_100_000, 867_900_000)
    assert found["IN865"] == (866_550_000, 866_700_000)


def test_e9_a_channel_of_several_regions_must_name_its_own() -> None:
    for regions in (("EU868", "IN865"), ("IN865", "EU868")):
        with pytest.raises(SettingsError) as caught:
            channels(*regions, extra=(866_550_000,))
        assert "866550000 is a frequency of" in str(caught.value) and "=866550000" in str(caught.value)
    assert channels("EU868", extra=(866_550_000,)) == {"EU868": (866_550_000,)}
    # In a fixed plan there are no extra channels.
    assert channels("AS923-1", "US915", extra=(923_600_000,))["AS923-1"] == (923_600_000,)


@pytest.mark.parametrize(
    "written",
    ["EU868=", "=867100000", "MARS=867100000", "EU868=fast", "US915=903900000", "IN865=867100000", -1],
)
def test_e9_a_channel_of_no_region_is_refused_with_a_message(written: int | str) -> None:
    with pytest.raises(SettingsError) as caught:
        channels("EU868", "IN865", "US915", extra=(written,))
    assert "network.extra_channels" in str(caught.value) and "\n" not in str(caught.value)


def test_e9_both_ways_of_writing_come_from_the_environment() -> None:
    text = '[867100000, "IN865=866550000", "867300000"]'
    environment = {"VELDNET_NETWORK__EXTRA_CHANNELS": text, "VELDNET_NETWORK__MORE_REGIONS": '["IN865"]'}
    plans = network_parameters(load_settings(environment=environment).network).channel_plans
    assert [c.frequency for c in plans["EU868"].extra_channels] == [867_100_000, 867_300_000]
    assert [c.frequency for c in plans["IN865"].extra_channels] == [866_550_000]


def test_e9_no_region_has_a_default_of_another() -> None:
    for one, other in itertools.permutations(REGIONS, 2):
        for name, extra in channels(one, other).items():
            assert extra == (EUROPE if name == "EU868" else ()), (one, other)
