"""Sends e-mail over SMTP in a thread."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from .digest import Message

if TYPE_CHECKING:
    import smtplib


class MailSettings(msgspec.Struct, frozen=True):
    """A mail server. `security`: a TLS connection, STARTTLS that must succeed, or none."""

    host: str
    port: int
    security: Literal["tls", "starttls", "none"]
    sender: str
    username: str = ""
    password_file: str = ""
    timeout: float = 20.0
    # Of a mail server with a certificate of its own.
    ca_file: str = ""
    # Stands before each subject.
    name: str = "Veldnet"


class MailFailed(Exception):
    """The mail server did not take the message."""


class Mailer(Protocol):
    """The way of messages to people."""

    async def send(self, recipients: Sequence[str], message: Message) -> None:
        """Hand a message over. Raises `MailFailed`."""


class SmtpMailer:
    """Sends messages through one mail server."""

    def __init__(
        self, settings: MailSettings, name: Callable[[], Awaitable[str | None]] | None = None
    ) -> None:
        """`name` is what is to stand before subjects instead of the settings' name, if anything."""
        self._settings = settings
        self._name = name

    async def send(self, recipients: Sequence[str], message: Message) -> None:
        """Hand a message over. Raises `MailFailed`."""
        name = (self._name and await self._name()) or self._settings.name
        await _in_thread(lambda: self._send(recipients, message, name))

    async def prove(self) -> None:
        """Connect as for a message, and sign in; nothing is sent. Raises `MailFailed`."""
        await _in_thread(lambda: self._connect().close())

    def _send(self, recipients: Sequence[str], message: Message, name: str) -> None:
        settings = self._settings
        mail = EmailMessage()
        mail["Subject"] = f"[{name}] {message.subject}"
        mail["From"] = settings.sender
        mail["To"] = ", ".join(recipients)
        mail["Date"] = formatdate()
        mail["Message-ID"] = make_msgid(domain=settings.sender.rpartition("@")[2] or None)
        # Nobody's holiday note should come back.
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        mail.add_alternative(message.html, subtype="html")
        with self._connect() as server:
            server.send_message(mail)

    def _connect(self) -> smtplib.SMTP:
        """Signed in, where the settings say so."""
        settings = self._settings
        server = self._reach()
        try:
            if settings.username:
                password = Path(settings.password_file).read_text().strip() if settings.password_file else ""
                server.login(settings.username, password)
        except BaseException:
            server.close()
            raise
        return server

    def _reach(self) -> smtplib.SMTP:
        # Not every network has mail to send.
        import smtplib

        settings = self._settings
        if settings.security == "none":
            return smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout)
        context = ssl.create_default_context(cafile=settings.ca_file or None)
        if settings.security == "tls":
            return smtplib.SMTP_SSL(settings.host, settings.port, timeout=settings.timeout, context=context)
        server = smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout)
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
        return server


async def _in_thread(work: Callable[[], None]) -> None:
    try:
        await asyncio.to_thread(work)
    except OSError as error:
        # What the mail server answers is one, too.
        raise MailFailed(f"{type(error).__name__}: {error}"[:300]) from None
