"""What axe says of a page, and whether it fits the screen. What axe finds follows from the elements that are
there, which the width decides, and from their colours: nothing is looked at twice."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal
from weakref import WeakKeyDictionary

from playwright.sync_api import Page

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
# Shapes of a part of pages, and the colour schemes in which each was looked at.
Seen = dict[str, set[str]]

HEIGHTS = {1440: 900, 1024: 768, 768: 1024, 390: 844}
EVERY_RULE = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa")
# What the colours decide.
CONTRAST = ("color-contrast", "link-in-text-block")
# What surrounds the screens is the same on many pages.
AROUND = "html"
SCREEN = "main"
_TERMS = frozenset(
    {"ABP", "OTAA", "HTTP", "MQTT", "JSON", "XML", "TDOA", "RSSI", "GET", "POST", "PUT", "DELETE"}
)
_around: Seen = {}
# As it was set last.
_schemes: WeakKeyDictionary[Page, Scheme] = WeakKeyDictionary()

# A new colour scheme reaches the page in the next frame; where one transition ends, another may begin.
_SETTLED = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  const running = () => document.getAnimations().filter(
    (each) => each instanceof CSSTransition && each.playState === "running");
  await frame();
  await frame();
  for (let left = running(); left.length; left = running())
    await Promise.allSettled(left.map((each) => each.finished));
}"""
# How wide the page is, its colours, and which elements are visible within each part, wherever they stand: of
# the links in a menu each is the one of the page in its turn.
_LOOK = f"""async ([around, parts]) => {{
  await ({_SETTLED})();
  const [root, screen] = [document.documentElement, document.querySelector("{SCREEN}")];
  const shown = (part) => [...document.querySelector(part).querySelectorAll("*")].filter(
    (one) => one.checkVisibility() && (part !== around || !screen?.contains(one)));
  const named = ["class", "role", "type", "aria-label", "alt", "title"];
  const shape = (one) => [one.tagName, ...named.map((name) => one.getAttribute(name))].join();
  const style = getComputedStyle(root).getPropertyValue("--mantine-primary-color-filled");
  const page = [root.lang, !!document.title, style].join();
  return {{
    wide: root.scrollWidth,
    scheme: matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light",
    shapes: Object.fromEntries(parts.map((part) =>
      [part, document.querySelector(part) && [page, ...shown(part).map(shape).sort()].join("\\n")])),
  }};
}}"""
# Under a dialog the page is left out, which takes most of the time, and keeps its place.
_VIOLATIONS = """async ([include, exclude, runOnly]) => {
  const [page, part] = [document.getElementById("root"), document.querySelector(include)];
  // Pages of the server itself have no such element.
  const under = page && !page.contains(part) && !part.contains(page);
  if (under) page.style.containIntrinsicHeight = `${page.getBoundingClientRect().height}px`;
  if (under) page.style.contentVisibility = "hidden";
  const found = await axe.run({ include: [include], exclude }, {
    runOnly, resultTypes: ["violations"], preload: { assets: ["media"] },
  });
  if (under) page.removeAttribute("style");
  return found.violations;
}"""

# What is shown, and chosen in a list, that looks like a member of an enumeration.
_CODES = """(part) => {
  const walk = document.createTreeWalker(document.querySelector(part), NodeFilter.SHOW_TEXT);
  const found = [];
  while (walk.nextNode())
    if (!walk.currentNode.parentElement.closest("code, pre, style, time")) found.push(walk.currentNode.data);
  const chosen = `${part} :is(input[role=combobox], input[aria-haspopup=listbox])`;
  for (const one of document.querySelectorAll(chosen)) found.push(one.value);
  return found.map((text) => text.trim()).filter((text) => /^[A-Z]{3,}(_[A-Z0-9]+)*$/.test(text));
}"""


@cache
def _codes() -> frozenset[str]:
    """Members of the enumerations of the API, but those that are words of the trade."""
    described = (Path(__file__).parents[2] / "console" / "src" / "api" / "schema.d.ts").read_text()
    members = re.findall(r'"([A-Z]{3,}(?:_[A-Z0-9]+)*)"', described)
    settings = {"DAY", "HOUR", "WEEK", "MARK", "DROP", "WHITELIST", "BLACKLIST"}
    return (frozenset(members) | settings) - _TERMS


def codes_shown(page: Page, part: str = SCREEN) -> list[str]:
    """Values of the API that are shown instead of words."""
    return sorted(_codes().intersection(page.evaluate(_CODES, part)))


@cache
def _axe() -> str:
    return (Path(__file__).parents[2] / "console" / "node_modules" / "axe-core" / "axe.min.js").read_text()


def settle(page: Page) -> None:
    """Colours and opacities that change over time have their last value."""
    page.evaluate(_SETTLED)


def fits(page: Page, width: int) -> None:
    """Nothing is wider than a screen of `width`, which it becomes."""
    resize(page, width)
    settle(page)
    _fits(page, page.evaluate("document.documentElement.scrollWidth"))


def resize(page: Page, width: int) -> None:
    """Does nothing where the page is as wide already."""
    size = page.viewport_size
    if size is None or (size["width"], size["height"]) != (width, HEIGHTS[width]):
        page.set_viewport_size({"width": width, "height": HEIGHTS[width]})


def paint(page: Page, scheme: Scheme) -> None:
    """Light or dark from now on."""
    if _schemes.get(page) != scheme:
        page.emulate_media(color_scheme=scheme)
        _schemes[page] = scheme


class Looks:
    """What was seen of a page, or of a part of it."""

    def __init__(self, page: Page, within: str | None = None) -> None:
        self.page = page
        self._seen: Mapping[str, Seen] = {within: {}} if within else {AROUND: _around, SCREEN: {}}
        # Of pages of which nothing surrounds the screen.
        self._whole: Seen = {}

    def at(self, width: int, scheme: Scheme | None = None) -> None:
        if scheme:
            paint(self.page, scheme)
        resize(self.page, width)
        self.now()

    def now(self) -> None:
        """It fits the screen, and axe finds no violation of WCAG A or AA."""
        found = self.page.evaluate(_LOOK, [AROUND, [*self._seen]])
        _fits(self.page, found["wide"])
        shapes, scheme = found["shapes"], found["scheme"]
        # Of each part that is to be looked at, how it was looked at before.
        new: dict[str, set[str]] = {}
        for part, seen in self._seen.items():
            if shapes[part] is not None:
                alone = part == AROUND and shapes[SCREEN] is None
                schemes = (self._whole if alone else seen).setdefault(shapes[part], set())
                if scheme not in schemes:
                    new[part] = schemes
        if new:
            # Together, for most of the work is to find what lies where.
            excluded = [SCREEN] if AROUND in new and SCREEN not in new else []
            self._check(next(iter(new)), excluded, CONTRAST if all(new.values()) else EVERY_RULE)
        for schemes in new.values():
            schemes.add(scheme)

    def _check(self, part: str, excluded: list[str], rules: tuple[str, ...]) -> None:
        """What axe says of a page that has settled."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(_axe())
        found = self.page.evaluate(_VIOLATIONS, [part, excluded, list(rules)])
        problems = [
            f"{v['id']}: {v['help']}: {node['target']} {node.get('failureSummary', '')[:300]}"
            for v in found
            for node in v["nodes"]
        ]
        assert not problems, f"{self.page.url}\n" + "\n".join(problems[:10])


def _fits(page: Page, wide: int) -> None:
    assert page.viewport_size is not None
    width = page.viewport_size["width"]
    assert wide <= width, f"{page.url} is {wide} wide on a screen of {width}"
