"""Import of devices from CSV files, with a dry run that equals the import."""

__all__ = [
    "csv_import",
    "device_csv",
    "dry_run",
    "imports",
]
