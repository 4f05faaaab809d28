"""Import of devices from CSV files, with a dry run that equals the import."""

from .device_csv import read_devices
from .dry_run import Rehearsal, Rehearsals
from .history import Import, begin_import, list_imports, note_device, own_import, undo_import
from .lines import EncryptedKey, ImportRow, Line

__all__ = [
    "EncryptedKey",
    "Import",
    "ImportRow",
    "Line",
    "Rehearsal",
    "Rehearsals",
    "begin_import",
    "list_imports",
    "note_device",
    "own_import",
    "read_devices",
    "undo_import",
]
