"""Which browser drives the console in tests."""

from __future__ import annotations

import shutil

from playwright.sync_api import Browser, Playwright

# Chromium without windows starts with less than half of the work of the whole one.
PROGRAMS = ("chromium-headless-shell", "chromium", "google-chrome")


def launch(playwright: Playwright, *arguments: str) -> Browser:
    """A new browser; the caller closes it."""
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    assert found, f"the tests of the console need one of {', '.join(PROGRAMS)}; make test installs the first"
    return playwright.chromium.launch(executable_path=found, args=["--no-sandbox", *arguments])
