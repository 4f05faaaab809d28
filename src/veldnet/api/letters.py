"""E-mails about accounts, in the language of whoever asked for them."""

from __future__ import annotations

from html import escape
from urllib.parse import quote

import structlog

from veldnet.inventory.accounts import Addressee, Invitation
from veldnet.monitoring import Mailer, MailFailed
from veldnet.monitoring.notification.digest import Message
from veldnet.texts import Language

log = structlog.get_logger(__name__)

_TEXTS: dict[Language, dict[str, str]] = {
    "en": {
        "invitation": "{by} invites you to {subscriber} on Veldnet",
        "invitation.text": "{by} invites you to become a user of {subscriber} on Veldnet. Open this link to "
        "choose your user name and password:",
        "invitation.until": "The link works once, until {until} UTC. If you did not expect it, ignore this "
        "message: nothing happens then.",
        "invitation.open": "Accept the invitation",
        "reset": "Set a new password for Veldnet",
        "reset.text": "A new password was requested for the user {username}. Open this link to set it:",
        "reset.until": "The link works once, for {minutes} minutes. If it was not you who asked, ignore this "
        "message: your password stays as it is.",
        "reset.open": "Set a new password",
        "changed": "Your Veldnet password was changed",
        "changed.text": "The password of the user {username} was set with a link that was sent to this "
        "address. All sessions, tokens and API keys of the user have ended.",
        "changed.until": "If it was not you, tell an administrator of your organisation or your operator.",
        "factor": "Your second factor for Veldnet was removed",
        "factor.text": "The second factor of the user {username} was removed by {by}. The password alone is "
        "enough to sign in until a new one is set up.",
        "factor.until": "If you did not ask for it, tell an administrator of your organisation or your "
        "operator.",
    },
    "nl": {
        "invitation": "{by} nodigt u uit voor {subscriber} op Veldnet",
        "invitation.text": "{by} nodigt u uit om gebruiker te worden van {subscriber} op Veldnet. Open deze "
        "link om uw gebruikersnaam en wachtwoord te kiezen:",
        "invitation.until": "De link werkt één keer, tot {until} UTC. Had u dit niet verwacht? Negeer dit "
        "bericht; er gebeurt dan niets.",
        "invitation.open": "Uitnodiging accepteren",
        "reset": "Stel een nieuw wachtwoord in voor Veldnet",
        "reset.text": "Voor de gebruiker {username} is een nieuw wachtwoord aangevraagd. Open deze link om "
        "het in te stellen:",
        "reset.until": "De link werkt één keer, {minutes} minuten lang. Hebt u dit niet aangevraagd? Negeer "
        "dit bericht; uw wachtwoord blijft zoals het is.",
        "reset.open": "Nieuw wachtwoord instellen",
        "changed": "Uw wachtwoord voor Veldnet is gewijzigd",
        "changed.text": "Het wachtwoord van de gebruiker {username} is ingesteld met een link die naar dit "
        "adres is gestuurd. Alle sessies, tokens en API-sleutels van de gebruiker zijn beëindigd.",
        "changed.until": "Was u dit niet? Meld het aan een beheerder van uw organisatie of aan uw operator.",
        "factor": "Uw tweede factor voor Veldnet is verwijderd",
        "factor.text": "De tweede factor van de gebruiker {username} is verwijderd door {by}. Tot er een "
        "nieuwe is ingesteld, is het wachtwoord genoeg om u aan te melden.",
        "factor.until": "Hebt u hier niet om gevraagd? Meld het aan een beheerder van uw organisatie of aan "
        "uw operator.",
    },
}


def page_link(url: str, page: str, token: str) -> str:
    """The address of a page with a token behind the #, so that no server and no proxy writes it down."""
    return f"{url.rstrip('/')}/console/{page}#{quote(token)}"


def _one_line(text: str) -> str:
    """Names come from customers; a header must not take a line break from them."""
    return "".join(character if character.isprintable() else " " for character in text)[:120]


def _letter(language: Language, kind: str, link: str = "", **values: str) -> Message:
    texts = _TEXTS[language]
    values = {name: _one_line(value) for name, value in values.items()}
    subject, text, until = (texts[key].format(**values) for key in (kind, f"{kind}.text", f"{kind}.until"))
    paragraphs = [escape(text)]
    if link:
        label = escape(texts[f"{kind}.open"])
        paragraphs += [f'<a href="{escape(link)}">{label}</a>', f"<small>{escape(link)}</small>"]
    paragraphs.append(escape(until))
    html = (
        f"<!doctype html><html lang='{language}'><meta charset='utf-8'>"
        "<body style='font:15px/1.5 system-ui,sans-serif;color:#212529'>"
        f"<h2 style='font-size:18px'>{escape(subject)}</h2>"
        + "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
        + "</body></html>"
    )
    lines = [text, "", link, "", until] if link else [text, "", until]
    return Message(subject, "\n".join([*lines, ""]), html)


def invitation_letter(invitation: Invitation, subscriber: str, link: str, language: Language) -> Message:
    until = invitation.expires.replace("T", " ")[:16]
    return _letter(language, "invitation", link, by=invitation.invitedBy, subscriber=subscriber, until=until)


def reset_letter(to: Addressee, link: str, lifetime: float, language: Language) -> Message:
    return _letter(language, "reset", link, username=to.username, minutes=str(round(lifetime / 60)))


def changed_letter(to: Addressee, language: Language) -> Message:
    return _letter(language, "changed", username=to.username)


def factor_letter(to: Addressee, by: str, language: Language) -> Message:
    return _letter(language, "factor", username=to.username, by=by)


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
