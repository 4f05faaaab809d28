"""Import of devices from CSV files, with a dry run that equals the import."""

from .bulk import BulkImport, Outcome
from .device_csv import read_devices, stream_devices, with_reason
from .dry_run import Rehearsal, Rehearsals, Step
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
    "BulkImport",
    "EncryptedKey",
    "Import",
    "ImportRow",
    "KeySealer",
    "Line",
    "Outcome",
    "Rehearsal",
    "Rehearsals",
    "SealedKeys",
    "Step",
    "Thing",
    "begin_import",
    "devices_left",
    "forget_empty_imports",
    "forget_thing",
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
