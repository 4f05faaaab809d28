"""Commands: `serve`, `demo`, `sandbox`, `admin`, `simulate`, `bench`."""
