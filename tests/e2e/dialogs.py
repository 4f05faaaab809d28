"""The dialogs of the console: each is opened, looked at, typed into, and closed again."""

from __future__ import annotations

import re
from collections.abc import Set
from pathlib import Path
from typing import Literal

from playwright.sync_api import Locator, Page, expect

from tests.e2e.desk import PATIENCE, PICTURES, UNTIL, Desk
from tests.e2e.looks import EVERYTHING, UNCOVER, Looks, codes_shown, paint
from tests.rsa_keys import public_pem

# Of the rows of a table, which have the same buttons, the first that has each.
_MARK = """() => {
  const seen = new Set();
  const labels = [];
  for (const one of document.querySelectorAll("main [aria-haspopup=dialog], main [aria-haspopup=menu]")) {
    if (one.disabled || !one.checkVisibility()) continue;
    const [row, cell] = [one.closest("tbody tr"), one.closest("td")];
    const turn = cell ? [...cell.querySelectorAll("button")].indexOf(one) : 0;
    const place = row && `${one.closest("table").getAttribute("aria-label")} ${cell?.cellIndex} ${turn}`;
    if (place && seen.has(place)) continue;
    seen.add(place);
    one.dataset.walk = `${labels.length}`;
    const way = [];
    for (let at = one; at.parentElement; at = at.parentElement)
      way.push([...at.parentElement.children].indexOf(at));
    labels.push(`${one.getAttribute("aria-label") ?? one.innerText} ${place ?? way}`);
  }
  return [location.pathname, labels];
}"""
_TYPED = (
    ":is(input:not([type]), input[type=text], input[type=password], input[type=email], textarea)"
    ":not([role=combobox], [aria-haspopup], :disabled)"
)
# The title of the only dialog there is, once it is there; if it was not seen before, once all of it is there.
_OPENED = (
    f"async ([known, patience]) => {{{UNTIL}"
    + """
  const title = () => {
    const [dialog, second] = seen("[role=dialog]");
    const heading = second ? null : dialog?.querySelector("h1, h2, h3, h4, h5, h6, [role=heading]");
    const text = heading?.checkVisibility() && heading.innerText;
    return text && (known.includes(text) || !dialog.querySelector("[aria-busy=true]")) ? text : null;
  };
  return await until(title) ? title() : null;
}"""
)
# Whether no dialog is left, and the element that opened it, if any, has the focus; what stands there if not.
_CLOSED = (
    f"async ([opener, patience]) => {{{UNTIL}"
    + """
  const left = () => seen("[role=dialog]").map((one) => one.innerText.slice(0, 200));
  const focused = () => !opener || document.activeElement === document.querySelector(opener);
  if (await until(() => !left().length && focused())) return "";
  return `dialogs ${JSON.stringify(left())}, focus on ${document.activeElement?.outerHTML.slice(0, 200)}`;
}"""
)
# The first field of the dialog that takes text has the focus; what stands in it. What lies under the dialog
# stays hidden while something is typed, or it would be laid out again; not longer: the focus goes back there.
_FIELD = f"""(typed) => {{
  window.field = document.querySelector(`[role=dialog] ${{typed}}`);
  window.field?.focus();
  if (!window.field) ({UNCOVER})();
  return window.field && window.field.value;
}}"""
_VALUE = f"() => {{ ({UNCOVER})(); return window.field.isConnected && window.field.value; }}"
# Queries that are old by now are read again; what was typed into the field.
_REFETCH = "() => { window.dispatchEvent(new Event('visibilitychange')); return window.field.value; }"

Place = Literal["desk", "phone"]
# Between them dialogs differ in nothing: none is wider than 800 px.
PLACES: dict[Place, tuple[int, Literal["light", "dark"]]] = {"desk": (1440, "light"), "phone": (390, "dark")}
OPPOSITE: dict[Place, Place] = {"desk": "phone", "phone": "desk"}


def _select_a_device(page: Page) -> None:
    page.locator("tbody input[type=checkbox]").first.check()


def _type_a_key(page: Page) -> None:
    page.get_by_label("RSA public key").fill(public_pem())
    expect(page.get_by_role("button", name="Generate", exact=True)).to_be_enabled()


def _wait_for_imports(page: Page) -> None:
    expect(page.get_by_role("button", name="Undo")).to_be_visible()


# What makes a screen offer its dialogs.
_BEFORE = {"/devices": _select_a_device, "/devices/import": _wait_for_imports, "/routing/2": _type_a_key}


class Dialogs:
    """Looks at each dialog once, by whatever screen offers it first. Of those `before`, which somebody else
    has looked at, only the way in and out again is tried; what stands around the tabs of a screen opens its
    dialogs at the first of them, in `make screens` at each."""

    def __init__(self, desk: Desk, before: Set[str]) -> None:
        self.desk = desk
        self.seen: set[str] = set() if EVERYTHING else set(before)
        # Those into which something was typed.
        self.forms: set[str] = set()
        # The next dialog is opened where the one before was looked at last.
        self.at: Place = "desk"
        # Of addresses of screens, without what chooses a tab or a view, what opened a dialog there.
        self._opened: dict[str, set[str]] = {}

    def stand(self, place: Place) -> None:
        width, scheme = PLACES[place]
        paint(self.desk.page, scheme)
        self.desk.fits(width)
        self.at = place

    def prepare(self, path: str) -> None:
        """The screen offers its dialogs."""
        if before := _BEFORE.get(path):
            before(self.desk.page)

    def of_the_screen(self) -> None:
        page = self.desk.page
        # Around its tabs and views a screen has the same ones: by their words and places.
        screen, labels = page.evaluate(_MARK)
        opened = set() if EVERYTHING else self._opened.get(screen, set())
        self._opened[screen] = opened | set(labels)
        for turn, label in enumerate(labels):
            if label in opened:
                continue
            selector = f'[data-walk="{turn}"]'
            opener = page.locator(selector)
            if not opener.is_visible():
                self.stand("desk")
            if opener.get_attribute("aria-haspopup") == "menu":
                self._of_a_menu(opener, selector)
            else:
                opener.click()
                self._look(selector)

    def _of_a_menu(self, opener: Locator, selector: str) -> None:
        items = self.desk.page.locator("[role=menu]:visible [role=menuitem][aria-haspopup=dialog]")
        opener.click()
        expect(self.desk.page.get_by_role("menu")).to_be_visible()
        count = items.count()
        for turn in range(count):
            if turn:
                opener.click()
            items.nth(turn).click()
            self._look(selector)
        if not count:
            self.desk.page.keyboard.press("Escape")
        expect(self.desk.page.get_by_role("menu")).to_have_count(0)

    def of_a_row(self) -> None:
        """What opens where the first row of the table is."""
        row = self.desk.page.locator("tbody tr").first
        row.focus()
        row.press("Enter")
        self._look("tbody tr")

    def result_of_an_edit(self) -> None:
        """What is shown once the selected devices have been changed."""
        page = self.desk.page
        page.get_by_role("button", name="Edit", exact=True).click()
        page.get_by_role("dialog").get_by_role("combobox", name="Add tags").fill("walked")
        page.keyboard.press("Enter")
        # By the keyboard, which closes the list of tags that lies over the button.
        page.get_by_role("dialog").get_by_role("button", name="Save").press("Enter")
        expect(page.get_by_role("dialog")).to_contain_text("All updated")
        self._look(None)

    def _look(self, opener: str | None) -> None:
        page = self.desk.page
        title = page.evaluate(_OPENED, [list(self.seen), PATIENCE])
        assert title, f"{page.url}: one dialog with a title, and all of it: {page.inner_text('body')[:500]}"
        if title not in self.seen:
            self.seen.add(title)
            assert codes_shown(page, "[role=dialog]") == [], title
            looks = Looks(page, "[role=dialog]")
            # Of a dialog like one that was looked at here, and then elsewhere, nothing is new at either.
            if looks.at(*PLACES[self.at]) or PICTURES:
                self._picture(title)
                self.at = OPPOSITE[self.at]
                looks.at(*PLACES[self.at])
                self._picture(title)
            self._keeps_what_is_typed(title)
        page.keyboard.press("Escape")
        left = page.evaluate(_CLOSED, [opener, PATIENCE])
        assert not left, f"{title} closes, and the focus comes back: {left}"

    def _picture(self, title: str) -> None:
        if PICTURES:
            name = re.sub(r"\W+", "-", title).lower()
            self.desk.page.screenshot(path=f"{PICTURES}/dialog-{name}-{self.at}.png")

    def _keeps_what_is_typed(self, title: str) -> None:
        """While it is read again, and when it is closed."""
        page = self.desk.page
        before = page.evaluate(_FIELD, _TYPED)
        if before is None:
            return
        self.forms.add(title)
        page.keyboard.press("7")
        typed = page.evaluate(_REFETCH)
        assert typed != before, title
        page.keyboard.press("Escape")
        question = page.get_by_role("dialog", name="Close without saving?")
        expect(question, f"{title} asks before it drops what was typed").to_be_visible()
        if len(self.forms) == 1:
            # All forms have the same question, so that one of them shows what its buttons do.
            question.get_by_role("button", name="Keep editing").click()
            expect(question).to_be_hidden()
            page.keyboard.press("Escape")
        assert page.evaluate(_VALUE) == typed, f"{title} keeps what was typed"
        question.get_by_role("button", name="Discard").click()


_CONSOLE = Path(__file__).parents[2] / "console" / "src"
# Titles of dialogs: names of texts in the first argument of what opens one, or in the attribute of one.
_TITLES = re.compile(
    r"(?:(?:openDialog|confirm|openQuestion)\(\s*|<(?:Dialog|SideDialog|LeaveQuestion)\b[^>]*?title=)"
    r"[^\n\[]*?\bt\(([^,)\n]*)"
)


def titles() -> dict[str, str]:
    """The English titles of all dialogs, by the names of their texts."""
    texts = dict(
        re.findall(r'^  "([\w.]+)":\s*"((?:[^"\\]|\\.)*)"', (_CONSOLE / "text/en.ts").read_text(), re.M)
    )
    found: set[str] = set()
    for path in _CONSOLE.rglob("*.tsx"):
        for one in _TITLES.finditer(path.read_text()):
            found |= {name for name in re.findall(r'"([\w.]+)"', one[1]) if name in texts}
    return {name: texts[name] for name in found}


def _literal(text: str) -> list[str]:
    """What stands in a text besides its values."""
    while text != (text := re.sub(r"\{[^{}]*\}", "\0", text)):
        pass
    return text.split("\0")


def never_opened(seen: set[str]) -> set[str]:
    """Dialogs whose titles are none of those seen."""
    every = {name: _literal(text) for name, text in titles().items()}
    opened: set[str] = set()
    for title in seen:
        fitting = {
            name: sum(map(len, parts))
            for name, parts in every.items()
            if re.fullmatch(".*".join(map(re.escape, parts)), title)
        }
        opened |= {name for name, length in fitting.items() if length == max(fitting.values())}
    return set(every) - opened
