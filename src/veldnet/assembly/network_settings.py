"""The operator's settings of the network, checked against the tables of its regions."""

from __future__ import annotations

from collections.abc import Callable

from veldnet.lorawan import BaseStationId, NetId
from veldnet.lorawan.regions import FORMER_NAMES, REGIONS, Channel, ChannelPlan, Region
from veldnet.network.core import NetworkParameters, RadioSettings
from veldnet.network.shell import ServerOptions
from veldnet.settings import NetworkSettings, SettingsError


def network_parameters(settings: NetworkSettings) -> NetworkParameters:
    """The operator's decisions as the network server takes them. Raises `SettingsError`."""
    regions = _regions(settings)
    extra = _extra_channels(settings, regions)
    plans = {}
    for region in regions:
        main = region is regions[0]
        rx2 = settings.rx2_data_rate if main and settings.rx2_data_rate >= 0 else None
        if rx2 is not None and rx2 not in region.downlink:
            raise SettingsError(f"settings: network.rx2_data_rate is no downlink rate of {region.name}")
        try:
            plans[region.name] = ChannelPlan(
                region, extra[region.name], settings.sub_bands if region.fixed else (), rx2
            )
        except ValueError as error:
            name = "sub_bands" if region.fixed else "extra_channels"
            raise SettingsError(f"settings: network.{name}: {error}") from None
    rejoin = settings.rejoin_time_exp << 4 | settings.rejoin_count_exp
    return NetworkParameters(
        net_id=NetId.parse(settings.net_id),
        channel_plans=plans,
        rx1_delay=settings.rx1_delay,
        adr_margin=settings.adr_margin,
        adr_limit_exp=settings.adr_ack_limit_exp,
        adr_delay_exp=settings.adr_ack_delay_exp,
        rejoin_setup=rejoin if settings.rejoin_time_exp >= 0 else None,
        uplink_dwell=_DWELL[settings.uplink_dwell],
        downlink_dwell=_DWELL[settings.downlink_dwell],
        repeater=settings.repeater,
        unknown_device_limit=settings.unknown_device_limit,
        smoothed_per=settings.mean_per == "ewma",
        rx1_frequencies=tuple(_pair(text, regions) for text in settings.rx1_frequencies),
    )


def server_options(
    settings: NetworkSettings,
    generation: int,
    radio_settings: Callable[[BaseStationId], RadioSettings],
    plans_both: Callable[[BaseStationId], bool],
    node_lives: Callable[[int], bool] | None = None,
) -> ServerOptions:
    """How the network server works, apart from what it decides. `node_lives` tells of other nodes, by their
    numbers in identifiers, where there are some."""
    return ServerOptions(
        deduplication_window=settings.deduplication_window,
        capacity=settings.device_capacity,
        generation=generation,
        commit_interval=settings.commit_interval,
        commit_size=settings.commit_size,
        duty_cycle=settings.duty_cycle,
        radio_settings=radio_settings,
        plans_both=plans_both,
        shared=node_lives is not None,
        **({} if node_lives is None else {"node_lives": node_lives}),
    )


_DWELL = {"region": None, "on": True, "off": False}


def _regions(settings: NetworkSettings) -> list[Region]:
    found = []
    for key, name in (
        ("region", settings.region), *(("more_regions", name) for name in settings.more_regions)
    ):  # fmt: skip
        # A region is served with all revisions of its parameters.
        region = REGIONS.get(FORMER_NAMES.get(name, (name, ""))[0])
        if region is None:
            raise SettingsError(f"settings: network.{key} {name} is not one of {', '.join(REGIONS)}")
        if region not in found:
            found.append(region)
    return found


def _extra_channels(settings: NetworkSettings, regions: list[Region]) -> dict[str, tuple[Channel, ...]]:
    """The extra channels of each region: the one that is named, or the only one that has the frequency."""
    extra: dict[str, tuple[Channel, ...]] = {region.name: () for region in regions}
    by_default = settings.extra_channels == NetworkSettings().extra_channels
    for written in settings.extra_channels:
        home, frequency = _home(written, regions)
        if home is not None:
            extra[home.name] += (Channel(frequency, 0, home.adr_max_data_rate),)
        elif not by_default:
            names = ", ".join(region.name for region in regions)
            raise SettingsError(f"settings: network.extra_channels {written} is outside {names}")
    return extra


def _home(written: int | str, regions: list[Region]) -> tuple[Region | None, int]:
    """The region that an extra channel is for, None where it is not served, and its frequency."""
    name, equals, number = str(written).rpartition("=")
    if not number.strip().isdecimal():
        raise SettingsError(f"settings: network.extra_channels {written!r} is not HZ or REGION=HZ")
    frequency = int(number)
    dynamic = [region for region in regions if not region.fixed and region.sub_band(frequency) is not None]
    if equals:
        if name.strip() not in REGIONS:
            known = ", ".join(REGIONS)
            raise SettingsError(f"settings: network.extra_channels {written!r} names no region of {known}")
        return next((region for region in dynamic if region.name == name.strip()), None), frequency
    if len(dynamic) > 1:
        names, first = " and ".join(region.name for region in dynamic), dynamic[0].name
        raise SettingsError(
            f"settings: network.extra_channels {frequency} is a frequency of {names}: say of which, for "
            f"example {first}={frequency}"
        )
    return (dynamic[0] if dynamic else None), frequency


def _pair(text: str, regions: list[Region]) -> tuple[int, int]:
    uplink, _equals, downlink = text.partition("=")
    if not (uplink.strip().isdecimal() and downlink.strip().isdecimal()):
        raise SettingsError(f"settings: network.rx1_frequencies {text!r} is not UPLINK=DOWNLINK in Hz")
    pair = int(uplink), int(downlink)
    if not any(all(region.sub_band(frequency) for frequency in pair) for region in regions):
        raise SettingsError(f"settings: network.rx1_frequencies {text!r} is outside the regions served")
    return pair
