"""The dialogs of the console: each is opened, looked at, typed into, and closed again."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, expect

from tests.e2e.desk import PICTURES, Desk

# Of the rows of a table, which have the same buttons, the first that has each.
_MARK = """() => {
  const seen = new Set();
  let count = 0;
  for (const one of document.querySelectorAll("main [aria-haspopup=dialog], main [aria-haspopup=menu]")) {
    if (one.disabled || !one.checkVisibility()) continue;
    const [row, cell] = [one.closest("tbody tr"), one.closest("td")];
    const turn = cell ? [...cell.querySelectorAll("button")].indexOf(one) : 0;
    const place = row && `${one.closest("table").getAttribute("aria-label")} ${cell?.cellIndex} ${turn}`;
    if (place && seen.has(place)) continue;
    seen.add(place);
    one.dataset.walk = `${count++}`;
  }
  return count;
}"""
# Queries that are old by now are read again.
_REFETCH = "() => window.dispatchEvent(new Event('visibilitychange'))"
_TYPED = "input:not([type]), input[type=text], input[type=password], input[type=email], textarea"


class Dialogs:
    """Opens each dialog once, by whatever screen offers it first."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.seen: set[str] = set()
        # Those into which something was typed.
        self.forms: set[str] = set()

    def of_the_screen(self) -> None:
        page = self.desk.page
        for turn in range(page.evaluate(_MARK)):
            opener = page.locator(f'[data-walk="{turn}"]')
            if opener.get_attribute("aria-haspopup") == "menu":
                self._of_a_menu(opener)
            else:
                opener.click()
                self._look(opener)

    def _of_a_menu(self, opener: Locator) -> None:
        items = self.desk.page.locator("[role=menu]:visible [role=menuitem][aria-haspopup=dialog]")
        opener.click()
        expect(self.desk.page.get_by_role("menu")).to_be_visible()
        count = items.count()
        for turn in range(count):
            if turn:
                opener.click()
            items.nth(turn).click()
            self._look(opener)
        if not count:
            self.desk.page.keyboard.press("Escape")
        expect(self.desk.page.get_by_role("menu")).to_have_count(0)

    def _look(self, opener: Locator) -> None:
        page = self.desk.page
        dialog = page.get_by_role("dialog")
        expect(dialog).to_be_visible()
        title = dialog.get_by_role("heading").first.inner_text()
        if title not in self.seen:
            self.seen.add(title)
            expect(dialog.locator("[aria-busy=true]")).to_have_count(0)
            for width, scheme in ((1440, "light"), (1024, "dark"), (390, "dark")):
                page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
                self.desk.fits(width)
                self.desk.accessible("[role=dialog]")
                if PICTURES and width != 1024:
                    name = re.sub(r"\W+", "-", title).lower()
                    page.screenshot(path=f"{PICTURES}/dialog-{name}-{width}-{scheme}.png")
            page.emulate_media(color_scheme="light")
            self.desk.fits(1440)
            self._keeps_what_is_typed(dialog, title)
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        expect(opener, f"the focus comes back from {title}").to_be_focused()

    def _keeps_what_is_typed(self, dialog: Locator, title: str) -> None:
        """While it is read again, and when it is closed."""
        fields = dialog.locator(_TYPED).and_(
            dialog.locator(":not([role=combobox], [aria-haspopup], :disabled)")
        )
        if not fields.count():
            return
        page, field = self.desk.page, fields.first
        self.forms.add(title)
        before = field.input_value()
        field.press("End")
        field.press_sequentially("7")
        typed = field.input_value()
        assert typed != before, title
        page.evaluate(_REFETCH)
        page.keyboard.press("Escape")
        question = page.get_by_role("dialog", name="Close without saving?")
        expect(question, f"{title} asks before it drops what was typed").to_be_visible()
        question.get_by_role("button", name="Keep editing").click()
        expect(question).to_be_hidden()
        expect(field).to_have_value(typed)
        page.keyboard.press("Escape")
        question.get_by_role("button", name="Discard").click()
