"""The console in a browser."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page, expect

from tests.e2e import languages, looks
from tests.e2e.running import RunningServer
from tests.person import Person

WIDTHS = (1440, 1024, 390)
# Milliseconds: other tests may run on the machine.
PATIENCE = 30_000
# Until what is waited for has stood for two frames, or `patience` ends; looked for whenever the page or the
# focus has changed. In the page itself: each question from here costs more than the answer.
UNTIL = """
  const seen = (selector) => [...document.querySelectorAll(selector)].filter((one) => one.checkVisibility());
  const frame = () => new Promise(requestAnimationFrame);
  const changed = (left) => new Promise((resolve) => {
    const end = () => {
      observer.disconnect();
      document.removeEventListener("focusin", end);
      clearTimeout(timer);
      resolve();
    };
    const observer = new MutationObserver(end);
    const timer = setTimeout(end, left);
    document.addEventListener("focusin", end);
    observer.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
  });
  const end = performance.now() + patience;
  const until = async (fits) => {
    while (performance.now() < end) {
      if (!fits()) await changed(end - performance.now());
      else {
        await frame();
        await frame();
        if (fits()) return true;
      }
    }
    return false;
  };
"""
# Where another screen takes the place of the one before, its title is another element; where the same screen
# shows something else, it goes by an address where nothing is.
_MOVE = (
    f"async ([to, headed, patience]) => {{{UNTIL}"
    + """
  const open = (address) => {
    history.pushState(null, "", address);
    dispatchEvent(new PopStateEvent("popstate"));
  };
  const missing = () => /This page does not exist|Deze pagina bestaat niet/.test(document.body.textContent);
  const parts = (path) => path.split(/[?#]/)[0].split("/");
  const screen = (path) => parts(path).slice(0, path.includes("/operator/") ? 4 : 3).join("/");
  let titles = seen("h1");
  if (titles.length !== 1 || screen(to) === screen(location.pathname)) {
    open("/console/account/nowhere");
    if (!await until(missing)) return document.body.innerText.slice(0, 500);
    titles = [];
  }
  open(to);
  const there = () => !missing() && (!headed || seen("h1").length === 1) &&
    titles.every((one) => !one.isConnected) && !document.querySelector("[aria-busy=true]");
  return await until(there) ? "" : document.body.innerText.slice(0, 500);
}"""
)
# Pictures of what `accessible_everywhere` looks at are kept here.
PICTURES = os.environ.get("TEST_PICTURES")


def save_data(page: Page) -> None:
    """As a browser that spares its line, with which the console loads nothing ahead."""
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setDataSaverOverride", {"dataSaverEnabled": True})


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
            locale=languages.locale(),
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

    def give_session(self, person: Person | None) -> None:
        """From the next page load on the browser has the session of `person`, if any, and no other."""
        self.context.clear_cookies()
        for cookie in person.http.cookies.jar if person else ():
            assert cookie.value is not None
            self.context.add_cookies([{"name": cookie.name, "value": cookie.value, "url": self.server.http}])

    def hand_over(self, person: Person | None) -> None:
        """To the next one, who finds nothing of who was there: at a page of the server that keeps nothing."""
        self.page.unroute_all(behavior="ignoreErrors")
        self.context.set_offline(False)
        self.page.goto(f"{self.server.http}/healthz")
        self.page.evaluate("localStorage.clear(); sessionStorage.clear()")
        looks.paint(self.page, "light")
        looks.resize(self.page, WIDTHS[0])
        for said in (self.errors, self.elsewhere, self.complaints):
            said.clear()
        self.give_session(person)

    def go(self, path: str) -> None:
        self.page.goto(f"{self.server.http}/console{path}")

    def move(self, path: str, *, headed: bool = True) -> None:
        """Go there within the page, which is not loaded again, and wait until all of it is there, and nothing
        of the screen before is left."""
        late = self.page.evaluate(_MOVE, [f"/console{path}", headed, PATIENCE])
        assert not late, f"{path}: {late}"

    def fits(self, width: int) -> None:
        """Nothing is wider than a screen of `width`, which it becomes."""
        looks.fits(self.page, width)

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
        looks.settle(self.page)

    def accessible(self) -> None:
        """No violation of WCAG A or AA that axe finds."""
        looks.Looks(self.page).now()

    def accessible_everywhere(self, name: str, heading: str = "") -> None:
        """The same on a desk and a phone, in `make screens` on a tablet, too, and on each light and dark;
        nothing is wider than the screen, and `heading` is to be seen on each."""
        seen = looks.Looks(self.page)
        for width, scheme in looks.ORDER:
            if scheme:
                seen.at(width, scheme)
            else:
                looks.fits(self.page, width)
            if PICTURES:
                self.page.screenshot(path=f"{PICTURES}/{name}-{width}-{scheme}.png")
            if heading:
                self.heading(heading)
        looks.paint(self.page, "light")
        looks.resize(self.page, WIDTHS[0])


class Desks:
    """Desks of the tests of a module, one after the other: a page that has loaded the console before loads it
    with less than half of the work."""

    def __init__(self, browser: Browser, server: RunningServer) -> None:
        self._browser = browser
        self._server = server
        # By the language of their browsers.
        self._free: dict[str, list[Desk]] = defaultdict(list)

    @contextmanager
    def of(self, person: Person | None) -> Iterator[Desk]:
        """Where `person`, if any, has signed in; no page is open. In the end no page had an error, and none
        asked another host."""
        free = self._free[languages.locale()]
        if free:
            found = free.pop()
            found.hand_over(person)
        else:
            found = Desk(self._browser, self._server, person)
        yield found
        assert found.errors == [], "no error in the page"
        assert found.elsewhere == [], "no request to another host"
        free.append(found)
