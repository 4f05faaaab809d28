"""Commands: `serve`, `demo`, `sandbox`, `admin`, `simulate`, `bench`."""

__all__ = [
    "entry",
]
