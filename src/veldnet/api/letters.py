"""E-mails about accounts, in the language of whoever asked for them."""

from __future__ import annotations

from html import escape
from urllib.parse import quote

import msgspec
import structlog

from veldnet.inventory.accounts import Addressee, Invitation
from veldnet.monitoring import Mailer, MailFailed
from veldnet.monitoring.notification.digest import Message, one_line
from veldnet.texts import Language, Plural, Text, in_language

log = structlog.get_logger(__name__)


class _Letter(msgspec.Struct, frozen=True):
    """Subject, what it is about, what follows, and the label of its link."""

    subject: Text
    text: Text
    rest: Text
    label: Text | None = None


def page_link(url: str, page: str, token: str) -> str:
    """The address of a page with a token behind the #, so that no server and no proxy writes it down."""
    return f"{url.rstrip('/')}/console/{page}#{quote(token)}"


def _written(letter: _Letter, language: Language, link: str = "") -> Message:
    subject, text, rest = (in_language(part, language) for part in (letter.subject, letter.text, letter.rest))
    paragraphs = [escape(text)]
    if letter.label is not None:
        label = escape(in_language(letter.label, language))
        paragraphs += [f'<a href="{escape(link)}">{label}</a>', f"<small>{escape(link)}</small>"]
    paragraphs.append(escape(rest))
    html = (
        f"<!doctype html><html lang='{language}'><meta charset='utf-8'>"
        "<body style='font:15px/1.5 system-ui,sans-serif;color:#212529'>"
        f"<h2 style='font-size:18px'>{escape(subject)}</h2>"
        + "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
        + "</body></html>"
    )
    lines = [text, "", link, "", rest] if link else [text, "", rest]
    return Message(subject, "\n".join([*lines, ""]), html)


def invitation_letter(
    invitation: Invitation, subscriber: str, link: str, network: str, language: Language
) -> Message:
    names = {
        "by": one_line(invitation.invitedBy),
        "subscriber": one_line(subscriber),
        "network": one_line(network),
    }
    until = invitation.expires.replace("T", " ")[:16]
    letter = _Letter(
        Text("{by} invites you to {subscriber} on {network}", **names),
        Text(
            "{by} invites you to become a user of {subscriber} on {network}. Open this link to choose your "
            "user name and password:",
            **names,
        ),
        Text(
            "The link works once, until {until} UTC. If you did not expect it, ignore this message: nothing "
            "happens then.",
            until=until,
        ),
        Text("Accept the invitation"),
    )
    return _written(letter, language, link)


def reset_letter(to: Addressee, link: str, lifetime: float, network: str, language: Language) -> Message:
    letter = _Letter(
        Text("Set a new password for {network}", network=one_line(network)),
        Text(
            "A new password was requested for the user {username}. Open this link to set it:",
            username=one_line(to.username),
        ),
        Plural(
            "The link works once, for {count} minute. If it was not you who asked, ignore this message: "
            "your password stays as it is.",
            "The link works once, for {count} minutes. If it was not you who asked, ignore this message: "
            "your password stays as it is.",
            count=round(lifetime / 60),
        ),
        Text("Set a new password"),
    )
    return _written(letter, language, link)


def changed_letter(to: Addressee, network: str, language: Language) -> Message:
    letter = _Letter(
        Text("Your {network} password was changed", network=one_line(network)),
        Text(
            "The password of the user {username} was set with a link that was sent to this address. All "
            "sessions, tokens and API keys of the user have ended.",
            username=one_line(to.username),
        ),
        Text("If it was not you, tell an administrator of your organisation or your operator."),
    )
    return _written(letter, language)


def factor_letter(to: Addressee, by: str, network: str, language: Language) -> Message:
    letter = _Letter(
        Text("Your second factor for {network} was removed", network=one_line(network)),
        Text(
            "The second factor of the user {username} was removed by {by}. The password alone is enough to "
            "sign in until a new one is set up.",
            username=one_line(to.username),
            by=one_line(by),
        ),
        Text("If you did not ask for it, tell an administrator of your organisation or your operator."),
    )
    return _written(letter, language)


def passkey_letter(to: Addressee, passkey: str, network: str, language: Language) -> Message:
    letter = _Letter(
        Text("A passkey for {network} was added", network=one_line(network)),
        Text(
            "The passkey {passkey} was added for the user {username}. It signs in without the password.",
            passkey=one_line(passkey),
            username=one_line(to.username),
        ),
        Text(
            "If it was not you, change your password, remove the passkey under Account and tell an "
            "administrator of "
            "your organisation or your operator."
        ),
    )
    return _written(letter, language)


async def send(mailer: Mailer | None, to: str, message: Message) -> bool:
    """Whether the mail server took a message; why not is in the log."""
    if mailer is None or not to:
        return False
    try:
        await mailer.send([to], message)
    except MailFailed as error:
        log.warning("account_mail_failed", error=str(error))
        return False
    return True
