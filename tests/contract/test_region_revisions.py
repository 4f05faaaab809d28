"""The revision of the regional parameters is data of a profile; a region's former name is still read."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from veldnet.assembly.network_settings import network_parameters
from veldnet.domain.documents import ProfileSettings, RegionalParameters, decode_profile
from veldnet.domain.errors import InvalidField
from veldnet.inventory import offers
from veldnet.lorawan.regions import REGIONS, region_named
from veldnet.settings import NetworkSettings
from veldnet.store import SqliteStore
from veldnet.store.alembic_chain import upgrade
from veldnet.store.migrating import migrate
from veldnet.store.schema import device_profiles

FORMER = "AU915-1.0.2A"
EARLY = REGIONS["AU915"].of_revision("1.0.2revA")


def _profile(revision: RegionalParameters) -> ProfileSettings:
    return ProfileSettings(region="AU915", regionalParameterVersion=revision)


@pytest.mark.parametrize("name", ["AU915", FORMER])
def test_a_network_serves_all_revisions_of_its_regions(name: str) -> None:
    network = network_parameters(NetworkSettings(region=name, more_regions=("AU915",), sub_bands=(2,)))
    assert list(network.channel_plans) == ["AU915"]
    early = network.channel_plan(_profile("1.0.2revA"))
    assert early.region is EARLY and early.sub_bands == (2,)
    assert early is network.channel_plan(_profile("1.0.2revA")), "made once"
    assert network.channel_plan(_profile("RP2-1.0.4")).region is REGIONS["AU915"]
    assert network.channel_plan(ProfileSettings(region=FORMER)) is early
    assert not network.channel_plan(ProfileSettings()).served


def test_the_former_name_of_a_region_is_read() -> None:
    assert ProfileSettings(region=FORMER) == _profile("1.0.2revA")
    assert decode_profile(f'{{"region":"{FORMER}"}}') == _profile("1.0.2revA")
    assert region_named(FORMER) is EARLY and region_named("AU915") is REGIONS["AU915"]
    assert region_named("MARS") is None


def test_revisions_differ_in_their_tables_and_not_in_their_channels() -> None:
    for region in REGIONS.values():
        for revision, early in region.earlier.items():
            assert (early.name, early.revision, early.earlier) == (region.name, revision, {})
            assert [c.frequency for c in early.channels] == [c.frequency for c in region.channels]
            assert early.sub_bands == region.sub_bands and early != region


def test_profiles_are_served_as_before(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "old.db")
    upgrade(store.engine, "0010")
    written = (
        (FORMER, "1.0.2revB"),
        ("AU915", "1.0.2revA"),
        ("AU915", "RP2-1.0.4"),
        ("EU868", "1.0.2revA"),
    )
    with store.engine.begin() as connection:
        run = connection.exec_driver_sql
        run("INSERT INTO operators (ref, code, name) VALUES (1, 'ope', 'x')")
        for ref, (region, revision) in enumerate(written):
            settings = f'{{"region":"{region}","regionalParameterVersion":"{revision}"}}'
            run(
                "INSERT INTO device_profiles (ref, operator_ref, id, name, type_mac, settings) "
                f"VALUES ({ref}, 1, 'p{ref}', 'x', 'LoRaMAC', '{settings}')"
            )
    assert migrate(store.engine, store.path)
    with store.engine.connect() as connection:
        texts = connection.execute(select(device_profiles.c.settings).order_by(device_profiles.c.ref))
        profiles = [decode_profile(text) for text in texts.scalars()]
    assert [(p.region, p.regionalParameterVersion) for p in profiles] == [
        ("AU915", "1.0.2revA"),
        ("AU915", "1.0.2revB"),
        ("AU915", "RP2-1.0.4"),
        ("EU868", "1.0.2revA"),
    ]
    with store.engine.begin() as connection, pytest.raises(InvalidField, match="other data rates in AU915"):
        offers.change_profile(connection, 1, "1", "x", _profile("1.0.2revA"))
    with store.engine.begin() as connection:
        offers.change_profile(connection, 1, "1", "x", _profile("1.0.3revA"))
    store.engine.dispose()
