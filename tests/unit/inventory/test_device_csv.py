"""Files of devices as spreadsheets, makers and people write them: read alike, refused by line and column,
no key repeated."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from veldnet.domain.errors import BadRequest
from veldnet.domain.resources import VeldnetDevice
from veldnet.inventory import imports
from veldnet.inventory.devices import check_new_device
from veldnet.inventory.imports import ImportRow, Line
from veldnet.texts import Text

KEY = "8F1CA24B6D0E93577A21C4F8B3D6E905"
EUI = "70B3D5E75E00A1F2"
JOIN_EUI = "70B3D5E75E000001"
MODEL = "LORA/GenericA.1_ETSI_Rx2-SF12"
HEADER = ["name", "EUI", "applicationEUI", "applicationKey", "deviceProfileId", "geoLatitude", "geoLongitude"]
CELLS = ["Tank, großer", EUI, JOIN_EUI, KEY, MODEL, "52,0907", "5,1214"]


def written(
    rows: list[list[str]], separator: str = ",", ending: str = "\n", quoting: Any = csv.QUOTE_MINIMAL
) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator=ending, quoting=quoting).writerows(rows)
    return out.getvalue()


def read(text: str | bytes, first_line: int | None = None) -> list[Line]:
    return imports.read_devices(text if isinstance(text, bytes) else text.encode(), first_line)


def row_of(line: Line) -> ImportRow:
    assert isinstance(line.row, ImportRow), line.row
    return line.row


ENCODINGS = {
    "utf-8": lambda text: text.encode(),
    "utf-8 with mark": lambda text: codecs.BOM_UTF8 + text.encode(),
    "utf-16 le": lambda text: codecs.BOM_UTF16_LE + text.encode("utf-16-le"),
    "utf-16 be": lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    "utf-16 le without mark": lambda text: text.encode("utf-16-le"),
    "utf-16 be without mark": lambda text: text.encode("utf-16-be"),
    "windows-1252": lambda text: text.encode("cp1252"),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_e3_every_encoding_separator_and_line_end_says_the_same(encoding: str) -> None:
    for separator, ending, quoting in itertools.product(
        ",;\t", ("\n", "\r\n", "\r"), (csv.QUOTE_MINIMAL, csv.QUOTE_ALL)
    ):
        text = written(
            [HEADER, CELLS, [""] * 7, [CELLS[0], "70B3D5E75E00A1F3", *CELLS[2:]]],
            separator,
            ending,
            quoting,
        )
        first, second = read(ENCODINGS[encoding](text))
        device = row_of(first).device
        assert (device.name, device.EUI, device.applicationKey) == ("Tank, großer", EUI, KEY)
        assert (device.applicationEUI, device.deviceProfileId) == (JOIN_EUI, MODEL)
        assert (device.geoLatitude, device.geoLongitude) == (52.0907, 5.1214)
        assert (first.number, second.number) == (2, 4), "blank rows are lines of the file"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_e3_thingparks_form_with_every_separator(separator: str) -> None:
    cells = ["CREATE_OTAA", EUI, "", MODEL, JOIN_EUI, KEY, "", "", "", "", "Tank", "52,0907", "5.1214"]
    # Spreadsheets fill rows up to the longest one.
    text = written([["# kept by Ann", "DevEUI"], cells + [""] * 20, ["DELETE", EUI], [""] * 33], separator)
    created, deleted = read(text)
    device = row_of(created).device
    assert (device.EUI, device.applicationKey, device.geoLatitude) == (EUI, KEY, 52.0907)
    assert (created.number, deleted.number, row_of(deleted).action) == (2, 3, "delete")


def test_imp_01_semicolons() -> None:
    text = f"name;EUI;applicationEUI;applicationKey;deviceProfileId\nTank;{EUI};{JOIN_EUI};{KEY};{MODEL}\n"
    (line,) = read(text)
    assert row_of(line).device.applicationKey == KEY
    # Excel's own way of saying so.
    assert len(read("sep=;\n" + text)) == 1 and len(read("sep=;\r\n" + text)) == 1


@pytest.mark.parametrize(
    "first",
    [
        "#Operation,DevEUI,DevAddr,DeviceProfile,AppEUI,AppKey",
        "# DevEUI; and more",
        '  # "a quote that does not end, DevEUI',
        "\ufeff#EUI\tname",
        '"# quoted, EUI"',
        "\n\n,,,,\n# one\n\n#EUI,two",
    ],
)
def test_imp_02_a_comment_is_a_comment_before_anything_else(first: str) -> None:
    row = f"CREATE_OTAA,{EUI},,{MODEL},{JOIN_EUI},{KEY}"
    (line,) = read(f"{first}\n{row}\n# last")
    assert row_of(line).device.EUI == EUI
    assert line.number == first.count("\n") + 2
    header = f'DevEUI,AppEUI,AppKey,deviceProfileId\n# between, "\n{EUI},{JOIN_EUI},{KEY},{MODEL}'
    (line,) = read(f"{first}\n{header}")
    assert row_of(line).device.applicationEUI == JOIN_EUI


@pytest.mark.parametrize(
    "names",
    [
        "Name,devEUI,appEUI,appKey,deviceProfileId",
        "Name,Device EUI,Join EUI,App Key,Device Profile",
        "name,dev_eui,join_eui,app_key,device_profile_id",
        "NAME,DEV-EUI,JOIN-EUI,APP-KEY,DEVICE PROFILE ID",
        "Device Name,DevEui,JoinEui (AppEui),AppKey,profile",
        " name , EUI , applicationEUI , applicationKey , deviceProfileId ",
        '"Name","Dev EUI","AppEUI/JoinEUI","OTAA App Key","DeviceProfileID"',
    ],
)
def test_imp_03_columns_under_the_names_of_makers(names: str) -> None:
    text = f"{names}\nTank,{EUI},{JOIN_EUI},{KEY},{MODEL}\n,,,,\n , ,,,\n\n"
    (line,) = read(text)
    device = row_of(line).device
    assert (device.name, device.EUI, device.applicationEUI) == ("Tank", EUI, JOIN_EUI)
    assert (device.applicationKey, device.deviceProfileId) == (KEY, MODEL)


@pytest.mark.parametrize(
    ("eui", "key"),
    [
        ("70-B3-D5-E7-5E-00-A1-F2", "-".join(KEY[n : n + 2] for n in range(0, 32, 2))),
        ("70:b3:d5:e7:5e:00:a1:f2", KEY.lower()),
        ("70B3D5E7 5E00A1F2", " ".join(KEY[n : n + 8] for n in range(0, 32, 8))),
        ("0x70B3D5E75E00A1F2", "0x" + KEY),
        ('="70B3D5E75E00A1F2"', f'="{KEY}"'),
        ("'70B3D5E75E00A1F2", "'" + KEY),
        ("\u00a070B3D5E75E00A1F2\u200b", f"\ufeff {KEY}\u00a0"),
    ],
)
def test_e3_values_as_people_keep_them_in_spreadsheets(eui: str, key: str) -> None:
    for text in (
        written([HEADER[:5], ["Tank", eui, JOIN_EUI, key, MODEL]]),
        written([["CREATE_OTAA", eui, "", MODEL, JOIN_EUI, key]]),
    ):
        (line,) = read(text)
        device = row_of(line).device
        checked = check_new_device(device, hsm_required=False)
        assert (str(checked.dev_eui), checked.app_key) == (EUI, bytes.fromhex(KEY))
        assert line.shown_eui == EUI


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        (written([HEADER, [*CELLS[:5], "north", "5"]]), "line 2, column F (geoLatitude)", "number such as"),
        (written([HEADER, [*CELLS[:5], "1.234,5", "5"]]), "line 2, column F (geoLatitude)", "number such as"),
        (written([HEADER, [*CELLS[:5], "nan", "5"]]), "line 2, column F (geoLatitude)", "number such as"),
        (written([HEADER, [""], ["Tank", "7,03E+15"]]), "line 3, column B (EUI)", "made a number by "
         "the spreadsheet"),
        (written([["name", "Device EUI"], ["Tank", ""]]), "line 2, column B (Device EUI)", "mandatory"),
        (written([["EUI", "action"], [EUI, "PAINT"]]), "line 2, column B (action)", "CREATE or DELETE"),
        (written([["EUI"], [EUI, "more"]]), "line 2", "2 cells, the header 1"),
        (written([["CREATE_OTAA", EUI, "", MODEL, JOIN_EUI, "00"]]), "line 1, column F", "32 "
         "hexadecimal digits"),
        (written([["CREATE_OTAA", "7.03E+15", "", MODEL, JOIN_EUI, KEY]]), "line 1, column B",
         "made a number"),
        (written([["#"], ["PAINT", EUI]]), "line 2, column A", "names its column of DevEUIs"),
        ("EUI,name\n" + EUI + ',"two\nlines"\n' + EUI + ",x,y\n", "line 4", "3 cells"),
    ],
)  # fmt: skip
def test_e3_refused_rows_are_named_by_line_and_column(text: str, where: str, words: str) -> None:
    line = read(text)[-1]
    assert isinstance(line.row, BadRequest)
    said, column = line.refusal(line.row.text)
    assert said.startswith(f"{where}: ") and words in said
    assert column == where.partition(", column ")[2]


@pytest.mark.parametrize(
    ("message", "column"),
    [
        ("Bad request: EUI 70B3D5E75E00A1F2 is already registered", "B (EUI)"),
        ("Bad request: applicationKey must be 32 hexadecimal digits", "D (applicationKey)"),
        ("Bad request: deviceProfileId X is unknown; see GET /deviceProfiles", "E (deviceProfileId)"),
        ("Bad request: No ConnectivityPlan for ID: x and Operator: 1", ""),
        ("No Device for ref: e70B3D5E75E00A1F2", ""),
    ],
)
def test_e3_columns_of_what_other_checks_say(message: str, column: str) -> None:
    (line,) = read(written([HEADER, CELLS]))
    assert line.refusal(Text(message.removeprefix("Bad request: ")))[1] == column


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b"PK\x03\x04\x14\x00rest", "workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "workbook"),
        (b"\xff\xfe\x00", "UTF-16"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "not text"),
        (b"EUI,name\n\x81\x8d", "Windows-1252"),
        (b'EUI,name\n"open', "line 2: the row is not CSV (a quoted cell does not end)"),
        (b'EUI,name\n"a"b,c', "line 2: the row is not CSV (a quote"),
        (b"EUI,name\nx," + b"a" * 140_000, "line 2: the row is not CSV (a cell is longer"),
        (b"EUI,colour\n1,red", "line 1, column B: 'colour' is unknown"),
        (f"EUI,{KEY}\n1,red".encode(), "column B: the name is unknown"),
        (b"EUI,Dev EUI\n1,2", "names EUI more than once"),
        (b"EUI\n" + b"1\n" * 10_001, "more than 10000 rows"),
    ],
)
def test_e3_what_is_no_table_of_devices(octets: bytes, words: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read(octets)
    assert words in caught.value.message


def test_e3_parts_of_a_file_know_their_lines() -> None:
    text = written([HEADER, *([f"Tank {n}", *CELLS[1:]] for n in range(6))])
    header, *rows = text.splitlines(keepends=True)
    assert [line.number for line in read(header + "".join(rows[3:]), 5)] == [5, 6, 7]
    assert [line.number for line in read(f"DELETE,{EUI}\n\nDELETE,{EUI}", 40)] == [40, 42]
    assert read("", 7) == []


def test_e3_the_unusual_is_kept() -> None:
    text = written(
        [["EUI", "devaddr", "NwkSKey", "AppSKey", "Activation", "profile", "tags", "App Key", "NwkKey",
          "GenAppKey"],
         [EUI, "01120001", KEY, KEY[::-1], "ABP", MODEL, "a;b|c", "", "", ""],
         [EUI, "01120001", "", "", "", MODEL, "", KEY, KEY[::-1], f"0x{KEY}"]]
    )  # fmt: skip
    personalised, joining = (row_of(line) for line in read(text))
    device = personalised.device
    assert (device.networkAddress, device.networkSessionKey) == ("01120001", KEY)
    assert msgspec.to_builtins(device.applicationSessionKeyRules) == [
        {"applicationSessionKey": KEY[::-1], "sourcePorts": "*"}
    ]
    assert isinstance(device, VeldnetDevice) and device.tags == ["a", "b", "c"]
    assert joining.device.networkAddress is UNSET and joining.nwk_key == KEY[::-1]
    assert (personalised.gen_app_key, joining.gen_app_key) == (None, KEY)


_SECRET = st.sampled_from([
    KEY, KEY.lower(), KEY[:31], KEY + "0", KEY[:31] + "G", "-".join(KEY[n : n + 2] for n in range(0, 32, 2)),
    " ".join(KEY[n : n + 4] for n in range(0, 32, 4)), f"x{KEY}", f'"{KEY}', f"'{KEY}'", f"{KEY}\\",
    f"{KEY}\n", "0x" + KEY, f"<AppSKeys><AppSKey>{KEY}</AppSKey></AppSKeys>", f"a;{KEY};b", f"{KEY}{KEY}",
    "é" * 30 + KEY,
])  # fmt: skip
_CELL = st.one_of(
    _SECRET, st.sampled_from(["", "CREATE_OTAA", "CREATE_ABP", "DELETE", EUI, MODEL, "1", "52,1"])
)


@given(st.lists(st.lists(_CELL, max_size=9), max_size=3), st.sampled_from(",;\t"), st.booleans())
def test_a5_no_refusal_repeats_a_key(rows: list[list[str]], separator: str, headed: bool) -> None:
    text = written([HEADER, *rows] if headed else rows, separator)
    _check_no_key_in_the_answers(text)


@given(st.text(max_size=30), _SECRET, st.text(max_size=30))
def test_a5_whatever_stands_around_the_key(before: str, secret: str, after: str) -> None:
    _check_no_key_in_the_answers((before + secret + after).encode("utf-8", "replace").decode())


def _check_no_key_in_the_answers(text: str) -> None:
    said = []
    try:
        for line in read(text):
            said += [line.action, line.shown_eui]
            if isinstance(line.row, BadRequest):
                said += line.refusal(line.row.text)
            elif line.row.action == "create":
                try:
                    check_new_device(line.row.device, hsm_required=True, abp=True)
                except BadRequest as error:
                    said += line.refusal(error.text)
    except BadRequest as error:
        said.append(error.message)
    digits = "".join(" ".join(said).split()).replace("-", "").upper()
    assert KEY[:24] not in digits and KEY[-24:-2] not in digits, said


@given(st.binary(max_size=300))
def test_a5_anything_is_read_or_refused(octets: bytes) -> None:
    try:
        lines = read(octets)
    except BadRequest:
        return
    assert all(isinstance(line.row, ImportRow | BadRequest) for line in lines)
    assert all(line.shown_eui == "" or len(line.shown_eui) == 16 for line in lines)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_long_file_is_read_as_its_lines_are_asked_for(encoding: str) -> None:
    rows = [["EUI", "name"], *([f"{number:016X}", "größer"] for number in range(20_000))]
    file = io.BytesIO(ENCODINGS[encoding](written(rows)))
    lines = imports.stream_devices(file)
    first = next(lines)
    assert (first.number, first.eui) == (2, f"{0:016X}")
    assert file.tell() < len(file.getvalue()) // 2
    (*_, last) = lines
    assert (last.number, last.cells) == (20_001, rows[-1])
