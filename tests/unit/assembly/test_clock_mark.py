"""Which clock may serve a data directory: a virtual one sandbox data, the system's none that is ahead."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.running import command, failing
from tests.installation import sandbox
from veldnet.assembly.data_directory import clock_mark
from veldnet.assembly.data_directory.lock import DataDirectoryError
from veldnet.cli.running import with_data
from veldnet.settings import load_settings
from veldnet.store import Connection


def test_a_sandbox_may_be_moved_and_goes_on_ahead_only(tmp_path: Path) -> None:
    sandbox(tmp_path / "data")
    settings = load_settings({"data": str(tmp_path / "data")}, environment={})

    def look(connection: Connection) -> None:
        for virtual in (False, True):
            clock_mark.check_clock(connection, virtual=virtual)
        clock_mark.note_virtual_lead(connection, 21_600.5)
        assert clock_mark.virtual_lead(connection) == 21_600.5
        clock_mark.check_clock(connection, virtual=True)
        with pytest.raises(DataDirectoryError, match="ahead of the system's clock"):
            clock_mark.check_clock(connection, virtual=False)

    with_data(settings, lambda data: data.store.write(look))


def test_data_of_a_real_network_is_not_moved(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "data"))
    environment = {"VELDNET_KEYS__PROCESS": "false"}
    command("admin", "operator", "create", "acme-ope", "Acme", *data, **environment)
    refused = failing("sandbox", "--virtual-clock", *data, **environment)
    assert "for sandbox data only" in refused and refused.count("\n") == 1
    assert "--serve" in failing("sandbox", "--http", "127.0.0.1:0", *data)
