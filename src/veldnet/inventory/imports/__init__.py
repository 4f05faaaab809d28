"""Imports of devices: the forms of CSV, and the engine that carries out rows, of fleets as well, with a dry
run that equals the import."""

from .bulk import LineOutcome, import_lines
from .device_csv import read_devices, stream_devices, with_reason
from .dry_run import Rehearsal, Rehearsals, Step
from .engine import BATCH, KEY_ERRORS, DeviceEngine, Done, Outcome, Prepared, Ready, Rules
from .ensuring import Routing
from .history import (
    Import,
    Thing,
    begin_import,
    devices_left,
    forget_empty_imports,
    forget_thing,
    imports_with_shadows,
    list_imports,
    note_devices,
    note_thing,
    own_import,
    things_made,
    undo_import,
)
from .lines import EncryptedKey, ImportRow, Line
from .sealing import KeySealer, SealedKeys

__all__ = [
    "BATCH",
    "KEY_ERRORS",
    "DeviceEngine",
    "Done",
    "EncryptedKey",
    "Import",
    "ImportRow",
    "KeySealer",
    "Line",
    "LineOutcome",
    "Outcome",
    "Prepared",
    "Ready",
    "Rehearsal",
    "Rehearsals",
    "Routing",
    "Rules",
    "SealedKeys",
    "Step",
    "Thing",
    "begin_import",
    "devices_left",
    "forget_empty_imports",
    "forget_thing",
    "import_lines",
    "imports_with_shadows",
    "list_imports",
    "note_devices",
    "note_thing",
    "own_import",
    "read_devices",
    "stream_devices",
    "things_made",
    "undo_import",
    "with_reason",
]
