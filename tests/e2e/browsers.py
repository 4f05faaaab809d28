"""Which browser drives the console in tests."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Playwright

# Chromium without windows starts with less than half of the work of the whole one.
PROGRAMS = ("chromium-headless-shell", "chromium", "google-chrome")


def launch(playwright: Playwright, *arguments: str) -> Browser:
    """A new browser; the caller closes it."""
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    assert found, f"the tests of the console need one of {', '.join(PROGRAMS)}; make test installs the first"
    return playwright.chromium.launch(executable_path=found, args=["--no-sandbox", *arguments])


class Driver:
    """Playwright, which is started once in a process. Its loop counts as the running one only while tests
    have a browser: others that run in between have loops of their own."""

    def __init__(self, playwright: Playwright) -> None:
        """Of one that has just been started."""
        self._playwright = playwright
        self._loop = asyncio.get_running_loop()
        self._chromium: Browser | None = None
        asyncio._set_running_loop(None)

    @contextmanager
    def at_work(self) -> Iterator[Playwright]:
        asyncio._set_running_loop(self._loop)
        try:
            yield self._playwright
        finally:
            asyncio._set_running_loop(None)

    @contextmanager
    def browser(self) -> Iterator[Browser]:
        """The same one each time, with no page open."""
        with self.at_work() as playwright:
            if self._chromium is None:
                self._chromium = launch(playwright)
            yield self._chromium
            for context in self._chromium.contexts:
                context.close()

    def end(self) -> None:
        """What was started goes on until the playwright ends, which is to come at once."""
        asyncio._set_running_loop(self._loop)
        if self._chromium is not None:
            self._chromium.close()
