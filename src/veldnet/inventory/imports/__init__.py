"""Import of devices from CSV files, with a dry run that equals the import."""

from .bulk import BulkImport, Outcome
from .device_csv import read_devices, stream_devices, with_reason
from .dry_run import Rehearsal, Rehearsals, Step
from .history import Import, begin_import, list_imports, note_devices, own_import, undo_import
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
    "begin_import",
    "list_imports",
    "note_devices",
    "own_import",
    "read_devices",
    "stream_devices",
    "undo_import",
    "with_reason",
]
