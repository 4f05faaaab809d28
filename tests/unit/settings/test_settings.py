"""Settings: where they come from, what is refused, and that the documentation tells them all."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from veldnet.assembly.network_settings import network_parameters
from veldnet.cli.starting import settings_or_fail
from veldnet.settings import RENAMED, Duration, Settings, SettingsError, describe, load_settings, sample_file


def test_file_environment_and_flags_in_that_order(tmp_path: Path) -> None:
    file = tmp_path / "veldnet.toml"
    file.write_text('data = "/a"\n[api]\nrate_limit = 1\nhttp = "127.0.0.1:1"\n[routing]\nretention = "2h"\n')
    environment = {
        "VELDNET_API__RATE_LIMIT": "0",
        "VELDNET_API__HTTP": "127.0.0.1:2",
        "VELDNET_ROUTING__ALLOW_PRIVATE_DESTINATIONS": "true",
        "VELDNET_NETWORK__DEDUPLICATION_WINDOW": "150ms",
        "VELDNET_NETWORK__EXTRA_CHANNELS": "[867100000]",
        "UNRELATED": "x",
        # Of commands that ask a server, in the same shell.
        "VELDNET_API_KEY": "vldk_x",
    }
    settings = load_settings({"api.http": "127.0.0.1:3", "data": None}, file=file, environment=environment)
    assert (settings.data, settings.api.rate_limit, settings.api.http) == ("/a", 0, "127.0.0.1:3")
    assert (settings.api.http.host, settings.api.http.port) == ("127.0.0.1", 3)
    assert float(settings.routing.retention) == 7200 and settings.routing.allow_private_destinations
    assert settings.network.deduplication_window == pytest.approx(0.15)
    assert network_parameters(settings.network).channel_plans["EU868"].mask == 0b1111


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"VELDNET_API__RATE_LIMITS": "1"}, "rate_limits"),
        ({"VELDNET_NONSENSE": "1"}, "nonsense"),
        ({"VELDNET_API__RATE_LIMIT": "many"}, "rate_limit"),
        ({"VELDNET_API__HTTP": "nowhere"}, "HOST:PORT"),
        ({"VELDNET_API__HTTP": "a:99999"}, "HOST:PORT"),
        ({"VELDNET_NETWORK__DEDUPLICATION_WINDOW": "200"}, "200ms"),
        ({"VELDNET_ROUTING__RETENTION": "soon"}, "duration"),
        ({"VELDNET_NETWORK__NET_ID": "zz"}, "net_id"),
        ({"VELDNET_API": "x"}, "api"),
    ],
)
def test_what_is_wrong_is_named(environment: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load_settings(environment=environment)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"VELDNET_NETWORK__REGION": "MARS"}, "EU868"),
        ({"VELDNET_NETWORK__EXTRA_CHANNELS": "[915000000]"}, "outside EU868"),
        ({"VELDNET_NETWORK__EXTRA_CHANNELS": str([867_100_000] * 14)}, "16 channels"),
        ({"VELDNET_NETWORK__RX2_DATA_RATE": "8"}, "rx2_data_rate"),
    ],
)
def test_radio_settings_must_fit_the_region(environment: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        network_parameters(load_settings(environment=environment).network)


def test_a_missing_or_broken_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        load_settings(file=tmp_path / "missing.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("data = ")
    with pytest.raises(SettingsError, match=r"broken\.toml"):
        load_settings(file=broken)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("200ms", 0.2), ("1.5s", 1.5), ("5 m", 300), ("24h", 86_400), ("35d", 3_024_000), (7, 7), ("7", 7)],
)
def test_durations(text: object, seconds: float) -> None:
    assert Duration.parse(text) == pytest.approx(seconds)


def test_the_sample_file_is_whole_and_valid(tmp_path: Path) -> None:
    uncommented = "\n".join(
        line[2:] if line.startswith("# ") and " = " in line and "(VELDNET" not in line else line
        for line in sample_file().splitlines()
    )
    file = tmp_path / "veldnet.toml"
    file.write_text(uncommented)
    assert tomllib.loads(uncommented)["network"]["rx1_delay"] == 1
    assert load_settings(file=file, environment={}) == Settings()
    assert len({setting.environment for setting in describe()}) == len(list(describe())) > 30


OLD_FILE = '[network]\nstrangers = 11\n[alarms]\nunheard = "2d"\n'


@pytest.mark.parametrize(
    ("file", "environment", "flags"),
    [
        (OLD_FILE, {}, {}),
        ("", {"VELDNET_NETWORK__STRANGERS": "11", "VELDNET_ALARMS__UNHEARD": "2d"}, {}),
        ("", {"VELDNET_NETWORK": '{"strangers": 11}', "VELDNET_ALARMS": '{"unheard": "2d"}'}, {}),
        ("", {}, {"network.strangers": 11, "alarms.unheard": "2d"}),
    ],
    ids=["file", "environment", "section as JSON", "flags"],
)
def test_old_names_of_settings_still_work_and_are_reported(
    tmp_path: Path, file: str, environment: dict[str, str], flags: dict[str, object]
) -> None:
    path = tmp_path / "veldnet.toml"
    path.write_text(file)
    seen: list[tuple[str, str]] = []
    settings = load_settings(
        flags, file=path, environment=environment, on_old_name=lambda old, new: seen.append((old, new))
    )
    assert settings.network.unknown_device_limit == 11
    assert float(settings.alarms.inactive_after) == 2 * 86_400
    assert sorted(seen) == [(old, RENAMED[old]) for old in ("alarms.unheard", "network.strangers")]


def test_an_old_name_overrides_the_new_one_of_a_source_of_lower_precedence(tmp_path: Path) -> None:
    path = tmp_path / "veldnet.toml"
    path.write_text("[network]\nunknown_device_limit = 3\n")
    settings = load_settings(file=path, environment={"VELDNET_NETWORK__STRANGERS": "5"})
    assert settings.network.unknown_device_limit == 5
    path.write_text("[network]\nunknown_device_limit = 3\nstrangers = 5\n")
    with pytest.raises(SettingsError, match="old name of network"):
        load_settings(file=path, environment={})


def test_renamed_settings_are_known_and_documented() -> None:
    page = Path("docs/upgrading.md").read_text()
    known = {f"{setting.section}.{setting.name}" for setting in describe()}
    for old, new in RENAMED.items():
        assert new in known and old not in known
        assert f"| `{old}` | `{new}` |" in page


def test_a_command_warns_of_an_old_name(capsys: pytest.CaptureFixture[str]) -> None:
    settings_or_fail({"network.strangers": 9})
    shown = capsys.readouterr().err
    assert "network.strangers" in shown and "network.unknown_device_limit" in shown


@pytest.mark.parametrize(
    ("cluster", "words"),
    [
        ({"nats": "nats://nats.example"}, "cluster.nats needs PostgreSQL"),
        ({"name": "a.b"}, "cluster.name 'a.b' must be of letters"),
        ({"node": "a b"}, "cluster.node 'a b' must be of letters"),
        ({"roles": []}, "cluster.roles must have at least one of gateways, network"),
        ({"key": "key.pem"}, "cluster.certificate is missing"),
    ],
)
def test_clusters_that_cannot_work_are_refused(cluster: dict[str, Any], words: str) -> None:
    flags = {f"cluster.{name}": value for name, value in cluster.items()}
    with pytest.raises(SettingsError, match=words):
        load_settings(flags, environment={})


def test_processes_are_a_number_or_auto() -> None:
    assert load_settings({}, environment={}).server.processes.number == 1
    assert load_settings({}, environment={"VELDNET_SERVER__PROCESSES": "3"}).server.processes.number == 3
    for bad in (0, 65, -1, "many", "2.5", ""):
        with pytest.raises(SettingsError, match=r"write auto, or a number from 1 to 64.*server\.processes"):
            load_settings({"server.processes": bad}, environment={})
    cluster = {"store.url": "postgresql://x/y", "cluster.nats": "nats://n", "server.processes": 2}
    with pytest.raises(SettingsError, match=r"server\.processes must be 1 with cluster\.nats"):
        load_settings(cluster, environment={})
