"""The console in a browser, and axe."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page, ViewportSize, expect

from tests.e2e.running import RunningServer
from tests.person import Person

AXE = Path(__file__).parents[2] / "console" / "node_modules" / "axe-core" / "axe.min.js"
SIZES = (
    ViewportSize(width=1440, height=900),
    ViewportSize(width=1024, height=768),
    ViewportSize(width=390, height=844),
)
HEIGHTS = {1440: 900, 1024: 768, 768: 1024, 390: 844}
# Milliseconds: other tests may run on the machine.
PATIENCE = 30_000
# Pictures of what `accessible_everywhere` looks at are kept here.
PICTURES = os.environ.get("TEST_PICTURES")
# A new colour scheme reaches the page in the next frame; where one transition ends, another may begin.
SETTLED = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  const running = () => document.getAnimations().filter(
    (each) => each instanceof CSSTransition && each.playState === "running");
  await frame();
  await frame();
  for (let left = running(); left.length; left = running())
    await Promise.allSettled(left.map((each) => each.finished));
}"""

# Which elements are visible within one, as a text that is equal where they are.
SHAPE = """within => {
  const every = [...document.querySelector(within).querySelectorAll("*")];
  const all = every.filter((one) => one.checkVisibility());
  return all.map((one) => one.tagName + one.getAttribute("class")).join();
}"""
EVERY_RULE = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa")
# What the colours decide.
CONTRAST = ("color-contrast", "link-in-text-block")


def save_data(page: Page) -> None:
    """As a browser that spares its line, with which the console loads nothing ahead."""
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setDataSaverOverride", {"dataSaverEnabled": True})


class Looks:
    """What was seen of a screen or of a dialog: nothing is checked twice. What axe finds follows from the
    elements that are there, which the width decides, and of their colours."""

    def __init__(self, desk: Desk, within: str = "html") -> None:
        self.desk, self.within = desk, within
        self.seen: dict[str, set[str]] = {}

    def at(self, width: int, scheme: Literal["light", "dark"]) -> None:
        self.desk.page.emulate_media(color_scheme=scheme)
        self.desk.fits(width)
        schemes = self.seen.setdefault(self.desk.page.evaluate(SHAPE, self.within), set())
        if scheme not in schemes:
            self.desk.check(self.within, CONTRAST if schemes else EVERY_RULE)
            schemes.add(scheme)


class Desk:
    """A browser's page, what went wrong in it, and which hosts it asked."""

    def __init__(
        self,
        browser: Browser,
        server: RunningServer,
        person: Person | None = None,
        *,
        dark: bool = False,
        preloads: bool = False,
    ) -> None:
        """Of `person`, who has signed in elsewhere, or of nobody yet. Screens are loaded when they are opened
        unless it `preloads` them, as browsers do that need not save data."""
        self.server = server
        self.context: BrowserContext = browser.new_context(
            viewport={"width": 1440, "height": 900},
            color_scheme="dark" if dark else "light",
            locale="en-GB",
            timezone_id="Europe/Amsterdam",
            accept_downloads=True,
            # Nothing moves that people may switch off: quicker, and less work.
            reduced_motion="reduce",
        )
        if person is not None:
            self.give_session(person)
        self.page: Page = self.context.new_page()
        if not preloads:
            save_data(self.page)
        self.page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        self.errors: list[str] = []
        self.elsewhere: list[str] = []
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(f"{error} {error.stack}"))
        self.page.on("console", self._hear)
        self.page.on("request", lambda request: self._note(request.url))
        self.page.on("dialog", self._answer)

    def _answer(self, dialog: Dialog) -> None:
        """The page waits until a dialog is answered. Only leaving what is not saved may open one."""
        if dialog.type != "beforeunload":
            self.errors.append(f"dialog {dialog.message}")
        dialog.accept()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"{self.page.url}: {message.text}")

    def _note(self, url: str) -> None:
        if not url.startswith((self.server.http, "data:", "blob:")):
            self.elsewhere.append(url)

    def give_session(self, person: Person) -> None:
        """From the next page load on the browser has the session of `person`, and no other."""
        self.context.clear_cookies()
        for cookie in person.http.cookies.jar:
            assert cookie.value is not None
            self.context.add_cookies([{"name": cookie.name, "value": cookie.value, "url": self.server.http}])

    def go(self, path: str) -> None:
        self.page.goto(f"{self.server.http}/console{path}")

    def move(self, path: str, *, headed: bool = True) -> None:
        """Go there within the page, which is not loaded again, and wait until all of it is there: by an
        address where nothing is, so that nothing of the screen before is left."""
        for address in ("/account/nowhere", path):
            self.page.evaluate(
                "to => { history.pushState(null, '', to); dispatchEvent(new PopStateEvent('popstate')); }",
                f"/console{address}",
            )
            expect(self.page.get_by_text("This page does not exist")).to_have_count(int(address != path))
        if headed:
            expect(self.page.get_by_role("heading", level=1)).to_have_count(1)
        expect(self.page.locator("[aria-busy=true]")).to_have_count(0)

    def fits(self, width: int) -> None:
        """Nothing is wider than a screen of `width`, which it becomes."""
        self.page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
        self.settle()
        wide = self.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{self.page.url} is {wide} wide on a screen of {width}"

    def sign_in(self, username: str, password: str) -> None:
        self.go("/")
        self.page.get_by_label("User name").fill(username)
        self.page.locator("input[name=password]").fill(password)
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.page.get_by_role("navigation", name="Menu")).to_be_visible()

    def heading(self, name: str) -> None:
        expect(self.page.get_by_role("heading", name=name, level=1)).to_be_visible()

    def button(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).first.click()

    def told(self, text: str) -> None:
        """A notification says so."""
        expect(self.page.get_by_role("alert").filter(has_text=text).first).to_be_visible()

    def settle(self) -> None:
        """Colours and opacities that change over time have their last value."""
        self.page.evaluate(SETTLED)

    def accessible(self, within: str = "html") -> None:
        """No violation of WCAG A or AA that axe finds."""
        self.settle()
        self.check(within, EVERY_RULE)

    def check(self, within: str, rules: tuple[str, ...]) -> None:
        """What axe says of a page that has settled."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text())
        found = self.page.evaluate(
            "([within, runOnly]) => axe.run(within, {runOnly, resultTypes: ['violations']})"
            ".then((found) => found.violations)",
            [within, list(rules)],
        )
        problems = [
            f"{v['id']}: {v['help']}: {node['target']} {node.get('failureSummary', '')[:300]}"
            for v in found
            for node in v["nodes"]
        ]
        assert not problems, f"{self.page.url}\n" + "\n".join(problems[:10])

    def accessible_everywhere(self, name: str, heading: str = "") -> None:
        """The same on a desk, a tablet and a phone, light and dark; nothing is wider than the screen, and
        `heading` is to be seen on each."""
        try:
            for size in SIZES:
                self.page.set_viewport_size(size)
                if heading:
                    self.heading(heading)
                for scheme in ("light", "dark"):
                    self.page.emulate_media(color_scheme=scheme)
                    self.settle()
                    # The width decides which elements are there; the scheme only how they are coloured.
                    self.check("html", EVERY_RULE if scheme == "light" else CONTRAST)
                    if PICTURES:
                        self.page.screenshot(path=f"{PICTURES}/{name}-{size['width']}-{scheme}.png")
                width = self.page.evaluate("document.documentElement.scrollWidth")
                assert width <= size["width"], f"{name} is {width} wide on a screen of {size['width']}"
        finally:
            self.page.emulate_media(color_scheme="light")
            self.page.set_viewport_size(SIZES[0])
