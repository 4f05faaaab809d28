"""`veldnet admin device import`: the rules of the API's import, refused rows as a file that can be mended."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from tests.e2e.running import command, failing
from tests.installation import sandbox

KEY = "8F1CA24B6D0E93577A21C4F8B3D6E905"
# The first sandbox of a data directory.
CUSTOMER = "100000001"
JOIN_EUI = "70B3D5E75E000001"
HEADER = ["EUI", "applicationEUI", "applicationKey", "deviceProfileId", "hsmGroupId", "name", "action"]


def test_rows_are_carried_out_and_refused_ones_come_back(tmp_path: Path) -> None:
    data = tmp_path / "data"
    account = sandbox(data)
    model, group = account.device_profile_id, account.hsm_group_id

    def row(number: int, key: str = KEY, profile: str = model, action: str = "") -> list[str]:
        return [f"70B3D5E75E40{number:04X}", JOIN_EUI, key, profile, group, f"Tank {number}", action]

    def run(rows: list[list[str]], header: list[str]) -> dict[str, object]:
        file = tmp_path / "devices.csv"
        with file.open("w", newline="") as written:
            csv.writer(written, delimiter=";").writerows([header, *rows])
        options = ("--customer-id", CUSTOMER, "--data", str(data), "--json")
        done = command("admin", "device", "import", str(file), *options, VELDNET_KEYS__PROCESS="false")
        found: dict[str, object] = json.loads(done)
        return found

    good = [row(number) for number in range(700)]
    bad = [row(1), row(800, key="0" * 32), row(801, profile="none"), row(802, key=KEY[:-1])]
    done = run([*good, *bad, row(0, action="DELETE")], HEADER)
    assert (done["done"], done["refused"]) == (701, 4)
    refused = Path(str(done["refusedFile"]))
    assert refused.stat().st_mode & 0o077 == 0, "it has keys"
    header, *rows = csv.reader(refused.open(encoding="utf-8-sig", newline=""))
    assert header == [*HEADER, "reason"] and [each[:-1] for each in rows] == bad
    reasons = [each[-1] for each in rows]
    assert "already registered" in reasons[0] and "line 703, column C" in reasons[1]
    assert "none is unknown" in reasons[2] and KEY[:-1] not in reasons[3]
    # What is mended there is imported as it is.
    mended = [[*row(number), "mended"] for number in (800, 801)]
    assert run(mended, header)["done"] == 2
    wrong = ("--customer-id", "999999999", "--data", str(data))
    assert "no subscriber" in failing("admin", "device", "import", str(refused), *wrong)


def test_a_workbook_is_refused(tmp_path: Path) -> None:
    sandbox(tmp_path / "data")
    file = tmp_path / "devices.csv"
    file.write_text("PK\x03\x04")
    options = ("--customer-id", CUSTOMER, "--data", str(tmp_path / "data"))
    assert "save it" in failing("admin", "device", "import", str(file), *options)
