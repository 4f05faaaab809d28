"""Addresses of this server in the configuration of base stations, by its settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from veldnet.assembly.station_configuration import (
    Program,
    StationSetup,
    server_name,
    station_configuration,
)
from veldnet.domain.documents import StationProfileSettings
from veldnet.domain.errors import InvalidField
from veldnet.inventory import certificates
from veldnet.lorawan import GatewayEui
from veldnet.lorawan.regions import EU868, ChannelPlan
from veldnet.settings import load_settings

STATION = StationSetup(GatewayEui(1), ChannelPlan(EU868), StationProfileSettings(), 2, "SX1302")


def values(
    program: Program, server: str = "lora.example.com", **settings: Any
) -> tuple[dict[str, str], bool]:
    given = {name.replace("__", "."): value for name, value in settings.items()}
    made = station_configuration(load_settings(given, environment={}), STATION, program, server)
    return made.values, made.served


@pytest.mark.parametrize(
    ("brokers", "broker", "served"),
    [
        ([], "tcp://lora.example.com:1883", False),
        (["mqtts://broker.example.org"], "ssl://broker.example.org:8883", True),
        (["mqtt://127.0.0.1:1884"], "tcp://lora.example.com:1884", True),
    ],
)
@pytest.mark.parametrize("program", ["gateway-bridge", "mqtt-forwarder"])
def test_the_broker_is_that_of_the_settings(
    brokers: list[str], broker: str, served: bool, program: Program
) -> None:
    found, listens = values(program, gateways__mqtt=brokers)
    assert (found["broker"], listens) == (broker, served)


def test_the_lns_is_where_the_settings_say() -> None:
    found, served = values("basics-station", "2001:db8::1", gateways__basics_station="0.0.0.0:3333")
    assert (found["lnsUri"], served) == ("ws://[2001:db8::1]:3333", True)
    uri = "wss://lns.example.org:8887"
    assert values("basics-station", gateways__basics_station_uri=uri) == (
        {"gatewayEUI": "0000000000000001", "lnsUri": uri},
        False,
    )


def test_stations_trust_the_authority_of_the_settings(tmp_path: Path) -> None:
    # No certificate: nothing that a station could trust, and no traceback.
    (tmp_path / "ca.pem").write_text("nothing")
    settings = load_settings({"gateways.basics_station_trust": str(tmp_path / "ca.pem")}, environment={})
    files = station_configuration(settings, STATION, "basics-station", "x").files
    assert [file.name for file in files] == ["tc.uri", "station.conf"]


def certificate_trusted(chain: Path, authorities: tuple[bytes, ...]) -> str | None:
    """`tc.trust` where the server has these certificates."""
    settings = load_settings({"gateways.basics_station_certificate": str(chain)}, environment={})
    station = msgspec.structs.replace(STATION, authorities=authorities)
    files = {
        file.name: file.content
        for file in station_configuration(settings, station, "basics-station", "x").files
    }
    return files.get("tc.trust")


def test_stations_trust_the_internal_authority_that_has_issued_the_servers(tmp_path: Path) -> None:
    first, second = (certificates.new_authority(name, 100, 1e9) for name in ("Network", "Network"))
    signer = certificates.Signer(1, first.certificate, first.key)
    served = certificates.pem(certificates.issue_to_server(signer, ["lns.example.org"], 90, 1e9).certificate)
    (tmp_path / "server.crt").write_text(served)
    assert certificate_trusted(
        tmp_path / "server.crt", (second.certificate, first.certificate)
    ) == certificates.pem(first.certificate)
    # Station believes no certificate that is neither an authority nor signed by itself.
    assert certificate_trusted(tmp_path / "server.crt", (second.certificate,)) is None
    for chain in (certificates.pem(second.certificate), served + certificates.pem(first.certificate)):
        (tmp_path / "server.crt").write_text(chain)
        assert certificate_trusted(tmp_path / "server.crt", ()) == chain[chain.rindex("-----BEGIN") :]


def test_the_public_address_comes_before_that_of_the_request() -> None:
    settings = load_settings({"sign_in.url": "https://lora.example.com"}, environment={})
    assert server_name(settings, None, "10.0.0.1:8080") == "lora.example.com"
    assert server_name(settings, "given.example", None) == "given.example"
    plain = load_settings({}, environment={})
    assert server_name(plain, None, "[2001:db8::1]:8080") == "2001:db8::1"
    for asked in (None, "", "[", "a b"):
        with pytest.raises(InvalidField):
            server_name(plain, None, asked)
