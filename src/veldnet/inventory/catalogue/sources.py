"""Where a catalogue is read from: a folder, a zip or a tar archive. Nothing is unpacked to the disk, links
are never followed, and all sizes are bounded as they are read."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, cast

from veldnet.domain.errors import BadRequest

if TYPE_CHECKING:
    from tarfile import TarFile, TarInfo

MOST_FILE = 1 << 20
_MOST_FILES = 60_000
_MOST_ENTRIES = 500_000
_MOST_TOGETHER = 512 << 20
# A tar archive has no list of contents: pictures must be decompressed to get past them.
_MOST_STREAM = 8 << 30
_MOST_DIRECTORY = 64 << 20
# `vendor/<maker>/<file>`, also below a folder as archives of repositories have one.
_WANTED = re.compile(r"(?:^|/)(vendor/(?:index\.yaml|[a-z0-9-]{1,64}/[A-Za-z0-9._-]{1,100}\.(?:yaml|js)))\Z")

Files = Mapping[str, bytes]


def read_files(path: Path) -> Files:
    """The texts of a catalogue by their path from `vendor` on. Raises `BadRequest` for what is no catalogue,
    or an archive that is made to do harm."""
    if path.is_dir():
        return _collect(_folder(path))
    # A server loads this module, and hardly ever reads a catalogue.
    import tarfile

    try:
        if zipfile.is_zipfile(path):
            return _collect(_zip(path))
        return _collect(_tar(path))
    except OSError as error:
        raise BadRequest(
            "{name} cannot be read: {strerror}", name=path.name, strerror=error.strerror or error
        ) from None
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        zlib.error,
        lzma.LZMAError,
        EOFError,
        ValueError,
        NotImplementedError,
        RuntimeError,
    ):
        raise BadRequest(
            "{name} is not a folder, and not a zip or tar archive that can be read", name=path.name
        ) from None


def _collect(entries: Iterator[tuple[str, Callable[[], bytes]]]) -> Files:
    """Read what is wanted of the entries of a source, within the limits."""
    found: dict[str, bytes] = {}
    together = 0
    for count, (name, read) in enumerate(entries):
        if count >= _MOST_ENTRIES:
            raise BadRequest("there are more than {most_entries} entries", most_entries=_MOST_ENTRIES)
        if name.startswith("/") or "\\" in name or ".." in name.split("/"):
            raise BadRequest(
                "the entry {name!r} leads out of the archive; nothing was imported", name=name[:100]
            )
        wanted = _WANTED.search(name)
        if wanted is None or wanted[1] in found:
            continue
        if len(found) >= _MOST_FILES:
            raise BadRequest(
                "there are more than {most_files} descriptions and codecs", most_files=_MOST_FILES
            )
        octets = read()
        together += len(octets)
        if together > _MOST_TOGETHER:
            raise BadRequest(
                "the descriptions take more than {most_together} MiB", most_together=_MOST_TOGETHER >> 20
            )
        found[wanted[1]] = octets
    if not found:
        raise BadRequest("there is no vendor/<maker>/index.yaml, as the LoRaWAN device repository has it")
    return found


def _folder(root: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    base = root.parent if root.name == "vendor" else root
    for folder, folders, files in os.walk(root, followlinks=False):
        folders.sort()
        for name in sorted(files):
            path = Path(folder, name)
            if path.is_symlink() or not path.is_file():
                continue
            yield path.relative_to(base).as_posix(), partial(_read, path)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return _bounded(file, path.name)


def _bounded(file: IO[bytes], name: str) -> bytes:
    octets = file.read(MOST_FILE + 1)
    if len(octets) > MOST_FILE:
        raise BadRequest(
            "{name} is larger than {most_file} MiB; nothing was imported",
            name=name[:100],
            most_file=MOST_FILE >> 20,
        )
    return octets


def _zip(path: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    _check_directory(path)
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            # The upper half of the attributes is the mode of Unix: links and devices are no files.
            kind = entry.external_attr >> 28
            if entry.is_dir() or kind not in (0, 0o10):
                continue
            yield entry.filename, partial(_of_zip, archive, entry)


def _of_zip(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    with archive.open(entry) as file:
        return _bounded(file, entry.filename)


def _check_directory(path: Path) -> None:
    """Refuse a list of contents that would fill the memory before the first entry is seen."""
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - 66_000))
        end = file.read()
    at = end.rfind(b"PK\x05\x06")
    if at < 0 or int.from_bytes(end[at + 12 : at + 16], "little") > _MOST_DIRECTORY:
        raise BadRequest("{name} has too many entries", name=path.name)


class _Stream:
    """A decompressed archive that is read up to a limit, and never much at once: a header of tar says itself
    how long it is."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > 2 * MOST_FILE:
            raise BadRequest("the archive has a header or file that is too large; nothing was imported")
        if self._file.tell() + size > _MOST_STREAM:
            raise BadRequest(
                "the archive is larger than {most_stream} GiB when it is decompressed",
                most_stream=_MOST_STREAM >> 30,
            )
        return self._file.read(size)

    def seek(self, position: int, whence: int = 0) -> int:
        if whence == 0 and position > _MOST_STREAM:
            raise BadRequest(
                "the archive is larger than {most_stream} GiB when it is decompressed",
                most_stream=_MOST_STREAM >> 30,
            )
        return self._file.seek(position, whence)

    def tell(self) -> int:
        return self._file.tell()


def _tar(path: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    import tarfile

    with path.open("rb") as raw, _decompressed(raw) as opened:
        archive = tarfile.TarFile(fileobj=cast("IO[bytes]", _Stream(opened)), mode="r")
        for member in archive:
            # Of the members only the current one is kept.
            archive.members = []  # type: ignore[attr-defined]
            if member.isreg():
                yield member.name.removeprefix("./"), partial(_of_tar, archive, member)


def _decompressed(raw: BinaryIO) -> Any:
    head = raw.read(6)
    raw.seek(0)
    if head[:2] == b"\x1f\x8b":
        return gzip.GzipFile(fileobj=raw)
    if head[:3] == b"BZh":
        return bz2.BZ2File(raw)
    return lzma.LZMAFile(raw) if head == b"\xfd7zXZ\x00" else raw


def _of_tar(archive: TarFile, member: TarInfo) -> bytes:
    file = archive.extractfile(member)
    if file is None:
        raise BadRequest("{name} is not a file", name=member.name[:100])
    return _bounded(file, member.name)
