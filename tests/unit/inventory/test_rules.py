"""Rules live in the functions that write rows: no way of calling them gets around."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, select
from typer.testing import CliRunner

from veldnet.cli.main import app
from veldnet.domain.documents import PlanSettings, ProfileSettings
from veldnet.domain.errors import BadRequest, InvalidField
from veldnet.inventory import accounts, base_stations, offers
from veldnet.inventory.base_stations import StationFacts
from veldnet.inventory.devices.root_keys import check_gen_app_key
from veldnet.inventory.offers import read_document
from veldnet.lorawan import GatewayEui
from veldnet.store.schema import metadata, plan_grants

PLAN, PROFILE = PlanSettings(), ProfileSettings()
NO_NAMES = ("", "   ", "\x00", "a\nb", "x" * 101, "\u202e")


@pytest.fixture(scope="module")
def schema() -> bytes:
    """A database without rows."""
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with closing(engine.raw_connection()) as made:
        empty: bytes = made.driver_connection.serialize()  # type: ignore[union-attr]
    return empty


@pytest.fixture
def connection(schema: bytes) -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    with closing(engine.raw_connection()) as made:
        made.driver_connection.deserialize(schema)  # type: ignore[union-attr]
    with engine.begin() as opened:
        yield opened


@pytest.fixture
def operator(connection: Connection) -> int:
    return accounts.create_operator(connection, "ope", "Operator")


WRITERS: dict[str, Callable[[Connection, int, str], Any]] = {
    "operator": lambda c, _ope, name: accounts.create_operator(c, "other", name),
    "subscriber": lambda c, ope, name: accounts.create_subscriber(c, ope, "123456789", name),
    "project": lambda c, _ope, name: accounts.create_project(c, name),
    "own project": lambda c, _ope, name: accounts.create_own_project(c, 1, name),
    "plan": lambda c, ope, name: offers.create_connectivity_plan(c, ope, "a-cs/b", name, PLAN),
    "profile": lambda c, ope, name: offers.create_device_profile(c, ope, "A/B", name, PROFILE),
    "profile id": lambda c, ope, name: offers.create_device_profile(c, ope, name, "name", PROFILE),
    "HSM group": offers.create_hsm_group,
    "base station": lambda c, ope, name: base_stations.create_base_station(
        c, ope, GatewayEui(1), StationFacts(name=name)
    ),
    "operator user": lambda c, ope, name: accounts.create_operator_user(c, ope, name, "hash", "Name", "rw"),
    "user": lambda c, _ope, name: accounts.create_subscriber_user(c, 1, name, "hash", "Name", "rw"),
    "code": lambda c, _ope, name: accounts.create_operator(c, name, "Name"),
}


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("name", NO_NAMES, ids=ascii)
def test_e8_names_are_checked_where_they_are_written(
    connection: Connection, operator: int, kind: str, name: str
) -> None:
    if kind.endswith("user") and len(name) == 101:
        return
    with pytest.raises(InvalidField):
        WRITERS[kind](connection, operator, name)


@pytest.mark.parametrize("kind", WRITERS)
def test_e8_good_names_are_taken(connection: Connection, operator: int, kind: str) -> None:
    accounts.create_subscriber(connection, operator, "987654321", "Customer")
    WRITERS[kind](connection, operator, "good")
    rows = [row for table in metadata.sorted_tables for row in connection.execute(select(table))]
    assert [row for row in rows if "good" in row] != []


@pytest.mark.parametrize("plan_id", ["", "a", "/b", "a/", "a/b/c", "_a/b", "a/b c", "a\n/b", "a/" + "b" * 80])
def test_e8_plan_ids(connection: Connection, operator: int, plan_id: str) -> None:
    with pytest.raises(InvalidField):
        offers.create_connectivity_plan(connection, operator, plan_id, "Plan", PLAN)


def test_e8_grants(connection: Connection, operator: int) -> None:
    subscriber = accounts.create_subscriber(connection, operator, "123456789", "Customer")
    plan = offers.create_connectivity_plan(connection, operator, "a-cs/b", "Plan", PLAN)
    for granted in (-5, -1, 100_000_001, 1 << 63):
        with pytest.raises(InvalidField):
            offers.grant_connectivity_plan(connection, subscriber, plan, granted)
    offers.grant_connectivity_plan(connection, subscriber, plan, 5)
    connection.execute(plan_grants.update().values(used=3))
    with pytest.raises(BadRequest, match="3 connections"):
        offers.grant_connectivity_plan(connection, subscriber, plan, 2)
    offers.grant_connectivity_plan(connection, subscriber, plan, 3)
    assert connection.execute(select(plan_grants.c.granted)).scalar() == 3


@pytest.mark.parametrize(
    "where",
    [
        StationFacts(name="name", latitude=91.0),
        StationFacts(name="name", longitude=-181.0),
        StationFacts(name="name", altitude=1e9),
        StationFacts(name="name", latitude=math.nan),
    ],
)
def test_e8_locations(connection: Connection, operator: int, where: StationFacts) -> None:
    with pytest.raises(InvalidField):
        base_stations.create_base_station(connection, operator, GatewayEui(1), where)


def test_e8_bounds_of_a_plan(connection: Connection, operator: int) -> None:
    for wrong in ({"spreadingFactorMin": 12, "spreadingFactorMax": 7}, {"nbTransMin": 4, "nbTransMax": 2}):
        with pytest.raises(InvalidField, match="must not be above"):
            offers.create_connectivity_plan(
                connection, operator, "a-cs/b", "Plan", read_document(PlanSettings, wrong)
            )


@pytest.mark.parametrize(
    "arguments",
    [
        ["plan", "grant", "a-cs/b", "123456789", "--", "-5"],
        ["plan", "create", "a-cs/c", " ", "--operator", "ope"],
        ["plan", "create", "a", "Plan", "--operator", "ope"],
        ["plan", "create", "a-cs/c", "Plan", "--operator", "ope", "--set", "uplinkRate=-1"],
        ["plan", "create", "a-cs/c", "Plan", "--operator", "ope", "--set", "uplinkRate=nan"],
        ["plan", "change", "a-cs/b", "--operator", "ope", "--set", "forceChannelMask=xyz"],
        ["subscriber", "create", "123", "Customer", "--operator", "ope"],
        ["subscriber", "create", "111111111", "", "--operator", "ope"],
        ["project", "create", ""],
        ["device-profile", "create", "", "Profile", "--operator", "ope"],
        ["device-profile", "create", "A/B", "Profile", "--operator", "ope", "--set", "region=MOON"],
        ["hsm-group", "create", "", "--operator", "ope"],
        ["base-station", "create", "0000000000000001", "", "--operator", "ope"],
        ["base-station", "create", "0000000000000001", "n", "--operator", "ope", "--altitude", "1e9"],
        ["base-station", "create", "0000000000000001", "n", "--operator", "ope", "--latitude", "nan"],
        ["user", "create", "u", "--customer-id", "123456789", "--role", "rw", "--password-file", "/dev/null"],
        [
            "user",
            "create",
            "user",
            "--customer-id",
            "123456789",
            "--role",
            "rw",
            "--password-file",
            "/no/such/file",
        ],
        [
            "operator-user-create",
            "user",
            "--operator",
            "ope",
            "--role",
            "root",
            "--password-file",
            "/dev/null",
        ],
        ["operator-create", "", "Name"],
        ["operator-create", "a b", "Name"],
    ],
    ids=" ".join,
)
def test_e8_the_command_line_knows_no_way_around(
    tmp_path_factory: pytest.TempPathFactory, arguments: list[str]
) -> None:
    data = _data(tmp_path_factory)
    refused = CliRunner().invoke(app, ["admin", *arguments[:-1], "--data", str(data), arguments[-1]])
    if "--" in arguments:
        refused = CliRunner().invoke(app, ["admin", *arguments[:4], "--data", str(data), "--", "-5"])
    assert refused.exit_code not in (0, None) and "Traceback" not in refused.output
    assert isinstance(refused.exception, SystemExit), refused.exception


_made: list[Path] = []


def _data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One data directory for all refused commands, which leave it as it is."""
    if not _made:
        data = tmp_path_factory.mktemp("e8") / "data"
        for arguments in (
            ["operator-create", "ope", "Operator"],
            ["subscriber", "create", "123456789", "Customer", "--operator", "ope"],
            ["plan", "create", "a-cs/b", "Plan", "--operator", "ope"],
        ):
            CliRunner().invoke(app, ["init", "--data", str(data)])
            done = CliRunner().invoke(app, ["admin", *arguments, "--data", str(data)])
            assert done.exit_code == 0, done.output
        _made.append(data)
    return _made[0]


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ({"forceChannelMask": "0007"}, ("forceChannelMask", "0007")),
        ({"maxDutyCycle": "0.001"}, ("maxDutyCycle", 10)),
        ({"maxDutyCycle": 0.01}, ("maxDutyCycle", 7)),
        ({"maxDutyCycle": 0.5}, ("maxDutyCycle", 1)),
        ({"maxDutyCycle": "0.1"}, ("maxDutyCycle", 4)),
        ({"maxDutyCycle": 1e-9}, ("maxDutyCycle", 15)),
        ({"maxDutyCycle": "7"}, ("maxDutyCycle", 7)),
        ({"maxDutyCycle": 0}, ("maxDutyCycle", 0)),
        ({"maxDutyCycle": ""}, ("maxDutyCycle", None)),
        ({"uplinkRate": "2.5"}, ("uplinkRate", 2.5)),
        ({"allowClassB": "true"}, ("allowClassB", True)),
        ({"spreadingFactorMin": None}, ("spreadingFactorMin", None)),
    ],
)
def test_e6_settings_of_a_plan(given: dict[str, Any], stored: tuple[str, Any]) -> None:
    assert getattr(read_document(PlanSettings, given), stored[0]) == stored[1]


@pytest.mark.parametrize(
    ("kind", "given", "right"),
    [
        (PlanSettings, {"forceChannelMask": 7}, "hexadecimal digits"),
        (PlanSettings, {"forceChannelMask": "12G"}, '"0007"'),
        (PlanSettings, {"maxDutyCycle": 16}, "whole number n from 0 to 15"),
        (PlanSettings, {"maxDutyCycle": "a lot"}, "0.001"),
        (PlanSettings, {"maxDutyCycle": True}, "0 to 15"),
        (PlanSettings, {"spreadingFactorMin": 13}, "a whole number from 5 to 12"),
        (PlanSettings, {"uplinkRate": "nan"}, "a number from 0 to 1e\\+06"),
        (PlanSettings, {"uplinkRateUnit": "MONTH"}, "one of DAY, HOUR, WEEK"),
        (PlanSettings, {"targetPacketErrorRate": 0}, "above 0 to 1"),
        (PlanSettings, {"allowClassB": "maybe"}, "true or false"),
        (PlanSettings, {"colour": "red"}, "unknown; there are"),
        (ProfileSettings, {"loRaWANClass": "D"}, "one of A, B, C"),
        (ProfileSettings, {"rx2Frequency": "high"}, "a whole number"),
        (ProfileSettings, {"unsupportedMACCommands": "linkADR"}, "a list"),
    ],
)
def test_e6_refusals_say_what_is_right(kind: Any, given: dict[str, Any], right: str) -> None:
    with pytest.raises(InvalidField, match=right):
        read_document(kind, given)


def test_e6_what_is_shown_can_be_stored() -> None:
    for kind in (PlanSettings, ProfileSettings):
        assert read_document(kind, offers.default_settings(kind)) == kind()  # type: ignore[type-var]


def test_who_has_a_gen_app_key() -> None:
    check_gen_app_key(ProfileSettings(loRaWANMacVersion="1.0.3"), joins=True)
    for version, joins, problem in (("1.1", True, "devices of 1.1"), ("1.0.3", False, "that join")):
        with pytest.raises(InvalidField, match=problem):
            check_gen_app_key(ProfileSettings(loRaWANMacVersion=version), joins=joins)  # type: ignore[arg-type]
