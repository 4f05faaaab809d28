"""Import of devices from CSV files, with a dry run that equals the import."""
