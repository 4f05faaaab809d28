"""The device catalogue: what is read of folders and archives, and what harmful ones do."""

from __future__ import annotations

import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, select

from veldnet.domain.errors import BadRequest, NotFound
from veldnet.domain.scope import Scope
from veldnet.inventory import accounts, catalogue, decoders, offers
from veldnet.inventory.catalogue import ModelChoice, Reader, read_files
from veldnet.inventory.decoders import PayloadDecoder
from veldnet.store.schema import device_profiles, metadata

FILES = {
    "vendor/index.yaml": "vendors:\n"
    "  - {id: acme, name: Acme Ltd, vendorID: 42, website: 'https://acme.example'}\n",
    "vendor/acme/index.yaml": "endDevices: [thermo, gone]\nprofileIDs:\n  '7': {endDeviceID: thermo, "
    "firmwareVersion: '1.10', hardwareVersion: '1', region: EU863-870}\n  '8': {id: p-us, codec: c}\n",
    "vendor/acme/thermo.yaml": "name: Thermo <b>\ndescription: Measures\n"
    "firmwareVersions:\n  - version: 1.10\n"
    "    hardwareVersions: ['1']\n    profiles:\n      EU863-870: {id: p, codec: c, vendorID: module}\n"
    "      US902-928: {id: p-us, codec: c}\n      MARS: {id: p}\n",
    "vendor/module/p.yaml": "macVersion: 1.0.4\nregionalParametersVersion: RP002-1.0.3\n"
    "supportsClassC: true\n"
    "classCTimeout: 60\nrx2DataRateIndex: 3\n",
    "vendor/acme/p-us.yaml": "macVersion: '1.0.3'\nregionalParametersVersion: RP001-1.0.3-RevA\n"
    "supportsJoin: false\nrx2DataRateIndex: 8\nrx2Frequency: 923.3\n",
    "vendor/acme/c.yaml": "uplinkDecoder: {fileName: up.js, examples: []}\n"
    "downlinkEncoder: {fileName: down.js}\n",
    "vendor/acme/up.js": "var x = 1; function decodeUplink(i) { return {data: {x: x}}; }",
    "vendor/acme/down.js": "var x = 2; function encodeDownlink(i) { return {bytes: [x], fPort: 1}; }",
    "vendor/acme/photo.png": "not read",
}


def folder(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def zipped(path: Path, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(f"repository-main/{name}", text)
    return path


def tarred(path: Path, files: dict[str, str]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"./{name}")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return path


@pytest.mark.parametrize(
    "make",
    [
        lambda root: folder(root / "folder", FILES),
        lambda root: folder(root / "folder", FILES) / "vendor",
        lambda root: zipped(root / "a.zip", FILES),
        lambda root: tarred(root / "a.tgz", FILES),
    ],
    ids=["folder", "vendor folder", "zip", "tar"],
)
def test_a_catalogue_is_read_from(make: Callable[[Path], Path], tmp_path: Path) -> None:
    reader = Reader(read_files(make(tmp_path)))
    (maker,) = reader.makers()
    assert (maker.id, maker.name, maker.number, maker.website) == (
        "acme",
        "Acme Ltd",
        42,
        "https://acme.example",
    )
    (model,) = maker.models
    assert (model.id, model.name) == ("thermo", "Thermo <b>")
    first, second = model.variants
    assert (first.firmware, first.region, first.settings.loRaWANClass) == ("1.10", "EU868", "C")
    assert first.settings.regionalParameterVersion == "RP2-1.0.3" and first.settings.responseTimeout == 60
    assert first.settings.rx2DataRate is None, "a device that joins is told its windows"
    assert (second.region, second.joins, second.settings.rx2DataRate) == ("US915", False, 8)
    assert second.settings.rx2Frequency == 923_300_000
    assert maker.profile_numbers["0007"].region == "EU868" and maker.profile_numbers["0008"].region == "US915"
    (codec,) = maker.codecs
    assert codec.source.count("(function () {") == 2, "the helpers of two files stay apart"
    assert {(each.file, each.reason) for each in reader.skipped} == {
        ("vendor/acme/gone.yaml", "the file is not there"),
        ("vendor/acme/thermo.yaml", "region MARS is unknown"),
    }


def test_the_catalogue_of_the_package_has_generic_devices() -> None:
    from veldnet.inventory.catalogue.builtin import builtin_makers

    (generic,) = builtin_makers()
    starts = {
        (each.settings.loRaWANMacVersion, each.settings.loRaWANClass, each.region)
        for model in generic.models
        for each in model.variants
    }
    for version in ("1.0.2", "1.0.3", "1.0.4", "1.1"):
        assert {(version, "A", "EU868"), (version, "C", "EU868")} <= starts
    assert [codec.kind for codec in generic.codecs] == ["CAYENNE_LPP"]


# Harmful descriptions: each is passed over in little time and memory, and the others are read.
LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
HARMFUL = {
    "billion laughs": (LAUGHS, "more than 50000 entries"),
    "recursion": ("a: &a [*a]\n", "alias"),
    "depth": ("[" * 5000, "nested deeper"),
    "many": ("[" + "x," * 60_000 + "]", "more than 50000"),
    "python": ("!!python/object/apply:os.system ['true']\n", "object"),
    "tag": ("name: !!python/name:os.system x\nfirmwareVersions: !!int 7\n", "array"),
    "number": ("macVersion: " + "9" * 100_000, "name"),
    "mapping as key": ("? {a: b}\n: c\n", "not YAML"),
    "no text": ("\x00\x01", "not YAML"),
    "empty": ("", "object"),
    "a list": ("- a\n", "object"),
    "wrong kind": ("name: [a]\n", "name"),
    "unfinished": ("name: 'a", "not YAML (line 1)"),
    "an escape": (
        "name: a\nfirmwareVersions:\n  - {version: '1', profiles: {EU863-870: {id: ../../x}}}\n",
        "id",
    ),
}


@pytest.mark.parametrize("kind", HARMFUL)
def test_a_harmful_description_is_passed_over(kind: str, tmp_path: Path) -> None:
    text, reason = HARMFUL[kind]
    files = {**FILES, "vendor/acme/gone.yaml": text}
    reader = Reader(read_files(folder(tmp_path, files)))
    (maker,) = reader.makers()
    assert [model.id for model in maker.models] == ["thermo"]
    (skipped,) = [each for each in reader.skipped if each.file == "vendor/acme/gone.yaml"]
    assert reason in skipped.reason and len(skipped.reason) < 300


def test_a_name_that_moves_the_cursor_is_shown_as_text(tmp_path: Path) -> None:
    files = {
        **FILES,
        "vendor/acme/thermo.yaml": FILES["vendor/acme/thermo.yaml"].replace("Thermo", '"A\\e[2J\\u202eB'),
    }
    files["vendor/acme/thermo.yaml"] = files["vendor/acme/thermo.yaml"].replace("<b>", '"', 1)
    (maker,) = Reader(read_files(folder(tmp_path, files))).makers()
    assert maker.models[0].name.isprintable()


def harmful_archives(root: Path) -> dict[str, tuple[Path, str]]:
    bomb = zipped(root / "bomb.zip", {"vendor/acme/index.yaml": "x" * (50 << 20)})
    away = zipped(root / "away.zip", {**FILES, "../../etc/vendor/acme/x.yaml": "x"})
    broken = root / "broken.zip"
    broken.write_bytes(zipped(root / "c.zip", FILES).read_bytes()[:-30])
    text = root / "text.txt"
    text.write_text("this is no archive")
    empty = root / "empty"
    empty.mkdir()
    with tarfile.open(root / "header.tgz", "w:gz", compresslevel=1) as archive:
        # A header that says itself that it has 300 MB.
        entry = tarfile.TarInfo("vendor/acme/index.yaml")
        entry.type, entry.size = tarfile.XHDTYPE, 300 << 20
        archive.fileobj.write(entry.tobuf())
        for _ in range(300):
            archive.fileobj.write(bytes(1 << 20))
    return {
        "zip bomb": (bomb, "larger than 1 MiB"),
        "path traversal": (away, "leads out of the archive"),
        "cut off": (broken, "can be read"),
        "no archive": (text, "can be read"),
        "nothing in it": (empty, "there is no vendor"),
        "header": (root / "header.tgz", "too large"),
    }


def test_harmful_archives_are_refused(tmp_path: Path) -> None:
    for kind, (path, reason) in harmful_archives(tmp_path).items():
        with pytest.raises(BadRequest) as refused:
            read_files(path)
        assert reason in refused.value.message, kind


def test_links_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.yaml"
    secret.write_text("name: secret\n")
    root = folder(tmp_path / "catalogue", FILES)
    (root / "vendor/acme/link.yaml").symlink_to(secret)
    (root / "vendor/other").symlink_to(tmp_path)
    os.mkfifo(root / "vendor/acme/pipe.yaml")
    archive = tmp_path / "links.zip"
    with zipfile.ZipFile(archive, "w") as written:
        for name, text in FILES.items():
            written.writestr(name, text)
        link = zipfile.ZipInfo("vendor/acme/link.yaml")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        written.writestr(link, str(secret))
    with tarfile.open(tmp_path / "links.tar", "w") as tar:
        for path in sorted((root / "vendor/acme").iterdir()):
            tar.add(path, f"vendor/acme/{path.name}")
    for source in (root, archive, tmp_path / "links.tar"):
        read = read_files(source)
        assert "vendor/acme/thermo.yaml" in read
        assert not {name for name in read if "link" in name or "pipe" in name or "other" in name}


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as opened:
        yield opened


def scope_of(connection: Connection, code: str, customer: str) -> Scope:
    operator = accounts.create_operator(connection, code, code)
    subscriber = accounts.create_subscriber(connection, operator, customer, customer)
    return Scope(operator, subscriber, customer, 1, "user", "User")


CHOICE = ModelChoice("acme", "thermo", "1.10", "EU868")


def test_a_model_brings_its_profile_and_decoder(connection: Connection, tmp_path: Path) -> None:
    mine, other = scope_of(connection, "one", "111111111"), scope_of(connection, "two", "222222222")
    (maker,) = Reader(read_files(folder(tmp_path, FILES))).makers()
    for _twice in range(2):
        catalogue.replace_maker(connection, mine.operator_ref, maker)
    assert [each.id for each in catalogue.list_makers(connection, mine.operator_ref)] == ["generic", "acme"]
    assert [each.id for each in catalogue.list_makers(connection, other.operator_ref)] == ["generic"]
    found = catalogue.search_models(connection, mine.operator_ref, "THERMO acme")
    assert [(each.makerId, each.modelId) for each in found] == [("acme", "thermo")]
    assert catalogue.search_models(connection, mine.operator_ref, "%") == []
    with pytest.raises(NotFound):
        catalogue.choose_model(connection, other, CHOICE, most_source=1000)
    first = catalogue.choose_model(connection, mine, CHOICE, most_source=1000)
    assert first.deviceProfileCreated and first.decoder == "CREATED"
    assert first.deviceProfileId == "acme/thermo/1.10/EU868"
    again = catalogue.choose_model(connection, mine, CHOICE, most_source=1000)
    assert (again.deviceProfileCreated, again.decoder) == (False, "KEPT")
    american = ModelChoice("acme", "thermo", "1.10", "US915")
    second = catalogue.choose_model(connection, mine, american, most_source=1000)
    assert second.decoderRef == first.decoderRef, "one decoder for all regions"
    # What the subscriber changed is kept.
    decoders.update_decoder(
        connection, mine, str(first.decoderRef), PayloadDecoder(source="mine"), most_source=1000
    )
    kept = catalogue.choose_model(connection, mine, CHOICE, most_source=1000)
    assert kept.decoder == "KEPT"
    assert decoders.get_decoder(connection, mine, str(kept.decoderRef)).source == "mine"
    catalogue.remove_maker(connection, mine.operator_ref, "acme")
    assert connection.execute(select(device_profiles.c.id)).scalars().all() == [
        "acme/thermo/1.10/EU868",
        "acme/thermo/1.10/US915",
    ]
    with pytest.raises(NotFound):
        catalogue.remove_maker(connection, other.operator_ref, "generic")


def test_a_model_of_the_package_and_a_code_that_names_one(connection: Connection, tmp_path: Path) -> None:
    mine = scope_of(connection, "one", "111111111")
    chosen = catalogue.choose_model(
        connection, mine, ModelChoice("generic", "cayenne-lpp", "1.0.4", "EU868"), most_source=1000
    )
    assert chosen.decoder == "CREATED"
    (profile,) = offers.operator_profiles(connection, mine.operator_ref)
    assert profile.settings["loRaWANMacVersion"] == "1.0.4" and profile.name.startswith("Generic Cayenne")
    (maker,) = Reader(read_files(folder(tmp_path, FILES))).makers()
    catalogue.replace_maker(connection, mine.operator_ref, maker)
    scanned = catalogue.find_scanned(connection, mine.operator_ref, 42, 7)
    assert scanned is not None and (scanned[0].modelId, scanned[1].region) == ("thermo", "EU868")
    assert catalogue.find_scanned(connection, mine.operator_ref, 42, 9) is None
    assert catalogue.find_scanned(connection, mine.operator_ref + 1, 42, 7) is None
