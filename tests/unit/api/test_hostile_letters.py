"""Every mail with names that nobody's check has seen: they stay words, on one line, and short."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

import veldnet
from veldnet.api import letters
from veldnet.domain.scope import UserRef
from veldnet.inventory.accounts import Addressee, Invitation
from veldnet.monitoring.coverage.report_mail import compose_report
from veldnet.monitoring.coverage.reports import CoverageReport, StationReport
from veldnet.monitoring.notification.digest import Message, compose
from veldnet.monitoring.notification.events import AlarmEvent
from veldnet.texts import LANGUAGES, Language, Text

SOURCE = Path(veldnet.__file__).parent
NAMES = {
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "quotes": "\"'><a href='https://evil.example'>{0.__class__}%s",
    "direction": "\u202egpj.exe\u2066\u200f",
    "header": "a\r\nBcc: all@evil.example\r\n\r\n<b>",
    "formula": '=HYPERLINK("https://evil.example")',
    "long": "x" * 65_536,
}
ELEMENTS = {
    *("html", "meta", "body", "h2", "p", "a", "small", "br", "table", "tr", "td", "ul", "li"),
}
BAD = "\r\x00\x1b\u202e\u2066\u200f"


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        for attribute, value in attrs:
            if attribute in ("href", "src") or attribute.startswith("on"):
                self.links.add(value or "")


def mails(name: str, language: Language) -> Iterator[tuple[str, Message]]:
    """By what composes each."""
    to = Addressee(UserRef(1), name, name, "someone@example.com")
    invitation = Invitation("1", "x@example.com", "ro", name, "", "2026-01-01T00:00:00", False)
    link = letters.page_link("https://lora.example.org", "accept", "token")
    yield "invitation_letter", letters.invitation_letter(invitation, name, link, name, language)
    yield "reset_letter", letters.reset_letter(to, link, 3600, name, language)
    yield "changed_letter", letters.changed_letter(to, name, language)
    yield "factor_letter", letters.factor_letter(to, name, name, language)
    yield "passkey_letter", letters.passkey_letter(to, name, name, language)
    event = AlarmEvent(change="raised", type=4, state=5, at=0, subject="0059AC00DD000001", name=name)
    title = Text("Alarms of your network")
    yield "compose", compose([event], {}, title, language)
    yield "compose", compose([event, event], {"FF000001": 3}, title, language)
    station = StationReport("FF000001", name, 0.5, 1, 1, 1, 1, 1, 1, 1, False)
    report = CoverageReport("2026-01-01", "2026-01-08", "", 1, 1, [station])
    yield "compose_report", compose_report(report, language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_names_stay_words_in_every_mail(name: str, language: Language) -> None:
    for maker, message in mails(name, language):
        page = Elements()
        page.feed(message.html)
        assert page.seen <= ELEMENTS, maker
        assert all(link.startswith("https://lora.example.org/") for link in page.links), maker
        assert "\n" not in message.subject and len(message.subject) < 600, maker
        whole = message.subject + message.text + message.html
        assert not [one for one in BAD if one in whole], maker
        assert not [line for line in message.text.splitlines() if line.startswith("Bcc")], maker
        assert len(message.text) < 4_000 and len(message.html) < 8_000, maker


def test_no_mail_is_left_out() -> None:
    """What returns a message, in the whole source."""
    makers = {
        node.name
        for room in ("api", "monitoring")
        for path in (SOURCE / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.FunctionDef) and isinstance(node.returns, ast.Name)
        if node.returns.id == "Message" and not node.name.startswith("_")
    }
    assert makers == {maker for maker, _message in mails("A", "en")}
