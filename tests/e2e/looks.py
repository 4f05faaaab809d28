"""What axe says of a page, and whether it fits the screen. What axe finds follows from the elements that are
there, which the width decides, and from their colours: nothing is looked at twice. Of elements that are
alike, on whatever page, and of texts in the same colours on what is under them, axe judges the first."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal
from weakref import WeakKeyDictionary

from playwright.sync_api import Page

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
# Shapes of a part of pages, and the colour schemes in which each was looked at.
Seen = dict[str, set[str]]


class _Shared:
    """Lines that all processes know that are forked from this one, in whichever they were added."""

    def __init__(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            self._file = os.open(f"{folder}/known", os.O_RDWR | os.O_CREAT | os.O_APPEND)
        self._read = 0
        self._known: set[str] = set()

    def known(self) -> set[str]:
        while found := os.pread(self._file, 1 << 20, self._read):
            # The last line may not be all there yet, or not all read.
            whole = found[: found.rfind(b"\n") + 1]
            if not whole:
                break
            self._read += len(whole)
            self._known.update(whole.decode().split("\n")[:-1])
        return self._known

    def add(self, lines: Iterable[str]) -> None:
        """At the end of the file, whoever writes."""
        if new := set(lines) - self.known():
            os.write(self._file, "".join(f"{line}\n" for line in sorted(new)).encode())


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
# Of dialogs, many are alike: questions, say, that differ in their words.
_alike: Seen = {}
# Elements, as shapes of a part list them, of whose structure axe said that it is well, on whatever page.
_elements = _Shared()
# Combinations of colours of which axe said that they are well, on whatever page it was.
_judged = _Shared()
# Whether each text of each screen is looked at in both schemes at each width, as `make screens` does.
EVERYTHING = "TEST_SCREENS" in os.environ
# The widths at which something is looked at, and the colours in which axe looks there: it does not where
# there are none. A change of the colours takes more than one of the width.
Order = tuple[tuple[int, Scheme | None], ...]
ORDER: Order = ((1440, "light"), (1024, None), (768, None), (390, "dark"))
if EVERYTHING:
    _wide: Order = tuple((width, scheme) for width in (1440, 1024) for scheme in SCHEMES)
    ORDER = (*_wide, (768, None), (390, "light"), (390, "dark"))
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
# What a panel holds that is wider than it, which nobody sees. The page under a dialog is left out.
_CUT = """() => [...document.querySelectorAll("main .mantine-Card-root")]
  .filter((one) => one.checkVisibility() && one.scrollWidth > one.clientWidth + 1)
  .map((one) => one.innerText)"""
# Cells of tables on a desk whose words stand below each other, and are broken, for others take the room.
_SQUEEZED = """() => innerWidth < 1000 ? [] : [...document.querySelectorAll("main td")].filter((one) => {
  if (!one.checkVisibility()) return false;
  const words = document.createRange();
  words.selectNodeContents(one);
  const { width, height } = words.getBoundingClientRect();
  return width < 100 && height > 140;
}).map((one) => one.innerText)"""
# What has to be scrolled sideways to be seen. Code is not broken into lines, as in any editor.
_SCROLLED = """() => [...document.querySelectorAll("main *, [role=dialog] *")]
  .filter((one) => one.scrollWidth > one.clientWidth + 1 && one.checkVisibility() &&
    !one.matches("pre, textarea") && /auto|scroll/.test(getComputedStyle(one).overflowX))
  .map((one) => `${one.scrollWidth - one.clientWidth} of ${one.innerText}`)"""
# Two frames after a screen is narrower, what measures itself has followed.
_WIDE = f"""async () => {{
  for (let turn = 0; turn < 2; turn++) await new Promise(requestAnimationFrame);
  const wide = document.documentElement.scrollWidth;
  return {{ wide, cut: ({_CUT})(), squeezed: ({_SQUEEZED})(), scrolled: ({_SCROLLED})() }};
}}"""
# What contrast follows from: the colour of a text and whether it is large, what lies under it as far as that
# is seen, and what lays it over something else. Of each such combination, the elements that are shown.
_TONES = """(part, excluded) => {
  const opaque = (colour) => colour.startsWith("rgb(");
  const under = (one) => {
    const found = [];
    for (let seen = true; one; one = one.parentElement) {
      const style = getComputedStyle(one);
      if (style.opacity !== "1" || style.filter !== "none" || style.mixBlendMode !== "normal")
        found.push(style.opacity, style.filter, style.mixBlendMode);
      if (!seen) continue;
      if (style.backgroundImage !== "none") found.push(style.backgroundImage);
      if (style.backgroundColor !== "rgba(0, 0, 0, 0)") found.push(style.backgroundColor);
      seen = !opaque(style.backgroundColor);
      if (seen && (["absolute", "fixed", "sticky"].includes(style.position) || style.zIndex !== "auto"))
        found.push(one.getAttribute("class"));
    }
    return found;
  };
  const grounds = new Map();
  const ground = (one) => {
    if (!grounds.has(one)) grounds.set(one, under(one));
    return grounds.get(one);
  };
  // Of a single character axe does not say that its contrast is too low.
  const written = (one) => one.matches("input, select, textarea") ||
    [...one.childNodes].some((each) => each.nodeType === Node.TEXT_NODE && each.data.trim().length > 1);
  // What is shown only when it has the focus lies to the left of the page until then.
  const beside = (one) => {
    const { left, right } = one.getBoundingClientRect();
    return left < 0 && right + scrollX < 0;
  };
  const types = ["checkbox", "radio", "hidden", "range", "color", "image"];
  const marks = types.map((type) => `input[type=${type}]`);
  const unheeded = [...marks, ":disabled", "[aria-disabled=true]", "[inert]", ...excluded].join();
  const found = new Map();
  for (const one of document.querySelector(part).querySelectorAll("*")) {
    if (!written(one) || one.closest(unheeded) || !one.checkVisibility() || beside(one)) continue;
    const style = getComputedStyle(one);
    const link = one.closest("a[href]");
    const around = link && [
      getComputedStyle(link).textDecorationLine, getComputedStyle(link.parentElement).color];
    const large = parseFloat(style.fontSize) >= (style.fontWeight >= 700 ? 18.66 : 24);
    const tone = [style.color, large, style.textShadow, around, "on", ...ground(one)].join();
    found.set(tone, [...found.get(tone) ?? [], one]);
  }
  return found;
}"""
# How wide the page is and what is cut off, its colours, and which elements are visible within each part,
# wherever they stand: of the links in a menu each is the one of the page in its turn. What axe says of the
# structure follows from what is noted here of each: its attributes, whether it shows a text, whether it
# scrolls, and what is around it and in it; the elements are kept with it. The page under a dialog is left
# out, for it takes most of the time, and keeps its place.
_LOOK = f"""async ([around, parts]) => {{
  const [root, screen] = [document.documentElement, document.querySelector("{SCREEN}")];
  // Pages of the server itself have no such element.
  const page = document.getElementById("root");
  const under = parts.every((part) => !page?.contains(document.querySelector(part)) && part !== around);
  if (page && under && !page.style.contentVisibility) {{
    page.style.containIntrinsicHeight = `${{page.getBoundingClientRect().height}}px`;
    page.style.contentVisibility = "hidden";
  }}
  await ({_SETTLED})();
  const shown = (part) => [...document.querySelector(part).querySelectorAll("*")].filter(
    (one) => one.checkVisibility() && (part !== around || !screen?.contains(one)));
  // Of identifiers, whether there is such an element, and one alone.
  const kept = /^(role|type|alt|title|style|autocomplete|tabindex|lang|scope|aria-.*)$/;
  const refers = /^(for|aria-(labelledby|describedby|controls|owns|activedescendant|details))$/;
  const there = (ids) => ids.split(" ").map((id) => !!document.getElementById(id));
  // Of words, whether there are any; where elements within decide what is said of one, it is not like others.
  const words = /^(title|alt|aria-(label|description|roledescription|valuetext))$/;
  const composed = /^(TABLE|IFRAME|FRAME|OBJECT|VIDEO|AUDIO)$/i;
  // How long something is, unless it is the space between letters, words or lines.
  const spaces = /(letter|word|line)-(spacing|height)/;
  const length = /(?!0(?![\\d.]))(\\d+(\\.\\d+)?|\\.\\d+)(?=px|rem|em|%|ms)/g;
  const lengths = (value) => spaces.test(value) ? value : value.replace(length, "1");
  const scrolls = (one) => (one.scrollHeight > one.clientHeight || one.scrollWidth > one.clientWidth) &&
    /auto|scroll/.test(getComputedStyle(one).overflow);
  // Classes that are made up for each element.
  const classes = (value) => value.replace(/__m__\\S+/g, "");
  const value = (one, name) => {{
    const value = one.getAttribute(name);
    if (name === "class") return classes(value);
    if (name === "style") return lengths(value);
    if (words.test(name) && !composed.test(one.tagName)) return value.trim() !== "";
    if (name === "id") return document.querySelectorAll(`#${{CSS.escape(value)}}`).length;
    return refers.test(name) ? there(value) : kept.test(name) && value;
  }};
  const written = (one) => [...one.childNodes].some(
    (each) => each.nodeType === Node.TEXT_NODE && each.data.trim() !== "");
  const kind = (one) => `${{one?.tagName}} ${{one?.getAttribute("role")}}`;
  const whole = [root.lang, `document ${{!!document.title}}`];
  window.noted = new Map(whole.map((each) => [each, [root]]));
  const note = (one, shape) => {{
    noted.has(shape) ? noted.get(shape).push(one) : noted.set(shape, [one]);
    return shape;
  }};
  const shapes = (part) => {{
    const visible = shown(part);
    const [says, holds] = [new Set(), new Map()];
    for (const one of visible) {{
      for (let at = one; written(one) && at && !says.has(at); at = at.parentElement) says.add(at);
      const parent = one.parentElement;
      holds.set(parent, (holds.get(parent) ?? new Set()).add(kind(one)));
    }}
    return visible.map((one) => note(one, JSON.stringify([
      one.tagName, one.getAttributeNames().sort().map((name) => [name, value(one, name)]), one.labels?.length,
      says.has(one), kind(one.parentElement), [...holds.get(one) ?? []].sort(), ...scrolls(one) ? [true] : [],
    ]))).sort();
  }};
  const colour = getComputedStyle(root).getPropertyValue("--mantine-primary-color-filled");
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  return {{
    wide: root.scrollWidth,
    cut: ({_CUT})(),
    squeezed: ({_SQUEEZED})(),
    scrolled: ({_SCROLLED})(),
    scheme: `${{dark}} ${{colour}}`,
    shapes: Object.fromEntries(parts.map((part) => [
      part, document.querySelector(part) && [...whole, ...shapes(part)].join("\\n"),
    ])),
  }};
}}"""
# The page under the dialog that was looked at.
UNCOVER = """() => document.getElementById("root")?.removeAttribute("style")"""
# Of the texts, those in colours that were not judged to be well before; what lies under something else, say,
# axe does not judge. Of the structure, the elements that are named, what each is in, and what stands in it.
# Together, for axe reads all of the page each time. Of those that are alike it judges the outermost, and the
# other texts where it cannot judge these.
_AXE = f"""async ([include, exclude, tags, contrast, known, shapes, every]) => {{
  const tones = ({_TONES})(include, exclude);
  for (const tone of known.split("\\n")) tones.delete(tone);
  if (!shapes.length && !tones.size) return {{ violations: [], judged: [] }};
  if (!window.axe) return null;
  const said = (each) => [...each.any, ...each.all, ...each.none].map((check) => check.message).join("; ");
  const violation = (rule) => ({{
    id: rule.id, help: rule.help,
    nodes: rule.violations.map((each) => ({{ target: each.node.selector, failureSummary: said(each) }})),
  }});
  // Of elements axe knows no more once it has reported.
  axe.addReporter("tones", (results, options, done) => {{
    const contrasts = results.find((rule) => rule.id === "color-contrast");
    const well = new Set(contrasts?.passes.map((each) => each.node.element));
    done({{
      violations: results.filter((rule) => rule.violations.length).map(violation),
      judged: [...tones.keys()].filter((tone) => tones.get(tone).some((one) => well.has(one))),
    }});
  }});
  const [mark, fresh] = ["data-tone", "data-fresh"];
  window.selectors ??= new Map(axe._audit.rules.map((rule) => [rule.id, rule.selector]));
  axe.configure({{ rules: [
    ...[...selectors].map(([id, selector]) => ({{ id, selector: `:is(${{selector}})[${{fresh}}]` }})),
    {{ id: "color-contrast", selector: `[${{mark}}]` }},
    {{ id: "link-in-text-block", selector: `a[${{mark}}]` }},
  ] }});
  const outermost = (all) => every ? all : [...new Set([all[0], all[all.length - 1]])];
  // What is never visible axe looks at in the head alone.
  const named = new Set(shapes.length ? document.querySelectorAll("head *") : []);
  for (const one of shapes.flatMap((shape) => outermost(noted.get(shape)))) {{
    for (let at = one; at && !named.has(at); at = at.parentElement) named.add(at);
    if (one !== document.documentElement) for (const each of one.children) named.add(each);
  }}
  // axe reads all of a page, whatever it judges: it finds nothing in what is beside the part, or left out.
  const empty = exclude.flatMap((each) => [...document.querySelectorAll(each)]);
  for (let at = document.querySelector(include); at.parentElement; at = at.parentElement)
    empty.push(...[...at.parentElement.children].filter((each) => each !== at && each !== document.head));
  const judge = async (coloured, runOnly) => {{
    const texts = coloured.flatMap((one) => [one, ...one.querySelectorAll("a[href]")]);
    const links = texts.map((one) => one.closest("a[href]")).filter((one) => one);
    for (const one of [...texts, ...links]) one.setAttribute(mark, "");
    const preload = document.querySelector("audio, video") ? {{ assets: ["media"] }} : false;
    const options = {{ runOnly, reporter: "tones", resultTypes: ["violations"], preload }};
    try {{
      return await axe.run({{ include: [include], exclude }}, options);
    }} finally {{
      for (const one of [...texts, ...links]) one.removeAttribute(mark);
    }}
  }};
  for (const one of named) one.setAttribute(fresh, "");
  for (const one of empty) Object.defineProperty(one, "childNodes", {{ value: [], configurable: true }});
  try {{
    const found = await judge([...tones.values()].flatMap(outermost), shapes.length ? tags : contrast);
    for (const tone of found.judged) tones.delete(tone);
    const left = [...tones.values()].filter((all) => outermost(all).length < all.length).flat();
    if (!left.length) return found;
    const more = await judge(left, contrast);
    return {{
      violations: [...found.violations, ...more.violations], judged: [...found.judged, ...more.judged],
    }};
  }} finally {{
    for (const one of named) one.removeAttribute(fresh);
    for (const one of empty) delete one.childNodes;
  }}
}}"""

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
    _fits(page, page.evaluate(_WIDE))


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
        self._seen: Mapping[str, Seen] = {AROUND: _around, SCREEN: {}}
        if within:
            self._seen = {within: {} if EVERYTHING else _alike}
        # Of pages of which nothing surrounds the screen.
        self._whole: Seen = {}

    def at(self, width: int, scheme: Scheme | None = None) -> bool:
        """Whether anything was there to be looked at that was not looked at before."""
        if scheme:
            paint(self.page, scheme)
        resize(self.page, width)
        return self.now()

    def now(self) -> bool:
        """It fits the screen, and axe finds no violation of WCAG A or AA."""
        found = self.page.evaluate(_LOOK, [AROUND, [*self._seen]])
        _fits(self.page, found)
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
            # What does not follow from the colours was looked at in the other ones, if it is there already.
            elements = {each for part in new if not new[part] for each in shapes[part].split("\n")}
            unknown = elements if EVERYTHING else elements - _elements.known()
            self._check(next(iter(new)), excluded, sorted(unknown))
            _elements.add(unknown)
        for schemes in new.values():
            schemes.add(scheme)
        return bool(new)

    def _check(self, part: str, excluded: list[str], elements: list[str]) -> None:
        """What axe says of a page that has settled, and of the structure of `elements`."""
        known = "" if EVERYTHING else "\n".join(_judged.known())
        about = [part, excluded, EVERY_RULE, CONTRAST, known, elements, EVERYTHING]
        # Few pages need axe, which takes more to load than most of its work.
        if (found := self.page.evaluate(_AXE, about)) is None:
            self.page.evaluate(_axe())
            found = self.page.evaluate(_AXE, about)
        problems = [
            f"{v['id']}: {v['help']}: {node['target']} {node['failureSummary'][:300]}"
            for v in found["violations"]
            for node in v["nodes"]
        ]
        assert not problems, f"{self.page.url}\n" + "\n".join(problems[:10])
        _judged.add(found["judged"])


def _fits(page: Page, found: dict[str, Any]) -> None:
    assert page.viewport_size is not None
    width, wide = page.viewport_size["width"], found["wide"]
    assert wide <= width, f"{page.url} is {wide} wide on a screen of {width}"
    for fault in ("cut", "squeezed", "scrolled"):
        assert found[fault] == [], f"{page.url} on a screen of {width}, {fault}: {found[fault]}"
