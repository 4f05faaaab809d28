"""`veldnet admin device import`: devices of a file, of up to millions of rows."""

from __future__ import annotations

import io
import os
import sys
import time
from pathlib import Path
from typing import IO, Annotated, BinaryIO, NamedTuple

import msgspec
import typer

from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.cli.options import Data, Json
from veldnet.cli.output import console, counted, errors, fail, print_json
from veldnet.cli.running import administrator, settings_of, with_data
from veldnet.domain.errors import BadRequest
from veldnet.domain.scope import Scope
from veldnet.domain.spreadsheets import csv_text
from veldnet.inventory import accounts, audit, imports
from veldnet.inventory.imports import DeviceEngine, Done, KeySealer, LineOutcome, Ready, Rules
from veldnet.keys import VaultError
from veldnet.settings import Settings
from veldnet.store import Connection

_MOST_BYTES = 2 << 30


class Report(msgspec.Struct):
    """What an import did. By `ref` it can be undone; `refusedFile` has the rows that were refused."""

    ref: str
    done: int
    refused: int
    seconds: float
    refusedFile: str | None


class Names(NamedTuple):
    """Whose devices they are, what the file is called, and where refused rows go."""

    customer_id: str
    file: str
    refused: Path


class Target(NamedTuple):
    scope: Scope
    import_ref: int


def import_devices(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV file.")],
    customer_id: Annotated[str, typer.Option(help="Customer who gets the devices, nine digits.")],
    refused: Annotated[
        Path | None,
        typer.Option(help="File for refused rows, with the reason; FILE.refused.csv if absent."),
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Create and delete devices from CSV, in ThingPark format or with a header row.

    The rules are those of the import in the API and the console. Each row is carried out by itself; rows that
    were carried out stay where the import is stopped, and are refused as existing when it is repeated.
    """
    if file.stat().st_size > _MOST_BYTES:
        fail(f"{file} is larger than {_MOST_BYTES >> 30} GiB; split it")
    settings = settings_of(data)
    into = refused or file.with_name(f"{file.name}.refused.csv")
    names = Names(customer_id, file.name, into)
    with file.open("rb") as sent:
        # What comes through a pipe can be read only once.
        rows = sent if sent.seekable() else io.BytesIO(sent.read())
        done = with_data(settings, lambda opened: _import(opened, settings, rows, names), vaults=True)
    if as_json:
        print_json(done)
        return
    console.print(
        f"{counted(done.done, 'row')} imported, {done.refused} refused in {done.seconds:.0f} s "
        f"(import {done.ref})"
    )
    if done.refused:
        console.print(f"refused rows with the reason: {done.refusedFile}; it holds their keys")


async def _import(opened: DataDirectory, settings: Settings, file: BinaryIO, names: Names) -> Report:
    target = await opened.store.write(lambda c: _begin(c, names.customer_id, names.file))
    sealer = KeySealer(opened.store, opened.vault, target.scope)
    engine = DeviceEngine(opened.store, sealer, target.scope, Rules(settings.api.hsm_required))

    def note(connection: Connection, rows: list[tuple[Ready, Done]]) -> None:
        created = [done.ref for _ready, done in rows if done.action == "created"]
        imports.note_devices(connection, target.import_ref, created)

    done = Report(str(target.import_ref), 0, 0, 0.0, None)
    started = time.monotonic()
    with _Refused(names.refused) as written, _Progress(file) as progress:
        try:
            async for outcomes in imports.import_lines(engine, imports.stream_devices(file), note):
                for outcome in outcomes:
                    if outcome.refusal is None:
                        done.done += 1
                    else:
                        done.refused += 1
                        written.write(outcome)
                progress.advance(len(outcomes))
        except VaultError as error:
            raise BadRequest(
                "the vault cannot work just now, after {done} rows: {error}", done=done.done, error=error
            ) from None
        finally:
            done.seconds = round(time.monotonic() - started, 1)
            done.refusedFile = str(names.refused) if done.refused else None
            await opened.store.write(lambda c: _end(c, target, done, names.file))
    return done


def _begin(connection: Connection, customer_id: str, name: str) -> Target:
    subscriber_ref, operator_ref = accounts.find_subscriber(connection, customer_id)
    # No user of the subscriber.
    scope = Scope(operator_ref, subscriber_ref, customer_id, 0, administrator(), administrator())
    begun = imports.begin_import(connection, scope, name[:200])
    return Target(scope, int(begun.ref))


def _end(connection: Connection, target: Target, done: Report, name: str) -> None:
    details = {"import": done.ref, "done": done.done, "refused": done.refused}
    scope = target.scope
    author = audit.Author(scope.display_name, scope.subscriber_ref, scope.operator_ref)
    audit.note(connection, author, "devices.imported", name, details)


class _Refused:
    """The file of refused rows, made with the first one and readable by its owner alone: it has keys.
    Its form is that of the import, with the reason in a column of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def __enter__(self) -> _Refused:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, outcome: LineOutcome) -> None:
        if self._file is None:
            try:
                descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            except OSError as error:
                raise BadRequest(
                    "cannot write {path}: {strerror}", path=self._path, strerror=error.strerror
                ) from None
            self._file = os.fdopen(descriptor, "w", encoding="utf-8-sig", newline="")
            header = outcome.line.header
            if header is not None:
                self._file.write(csv_text([[*header, "reason"]]))
        self._file.write(csv_text([imports.with_reason(outcome.line, outcome.refusal or "")]))


def _count_lines(file: BinaryIO) -> int:
    count = sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b""))
    file.seek(0)
    return count + 1


class _Progress:
    """A bar on the terminal, where there is one."""

    def __init__(self, file: BinaryIO) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

        columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=errors, disable=not sys.stderr.isatty())
        self._task = self._bar.add_task("", total=None if self._bar.disable else _count_lines(file))

    def __enter__(self) -> _Progress:
        self._bar.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._bar.stop()

    def advance(self, count: int) -> None:
        self._bar.advance(self._task, count)
