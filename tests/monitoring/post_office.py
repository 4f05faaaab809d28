"""A real SMTP server on this machine, and events that wait to be told."""

from __future__ import annotations

import datetime
import email
import email.policy
import ipaddress
import socket
import ssl
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from veldnet.monitoring import MailSettings, SmtpMailer

USER, PASSWORD = "veldnet", "correct horse"


class PostOffice:
    """Keeps what it is handed. With TLS it wants STARTTLS, and then a login."""

    def __init__(self, directory: Path, *, tls: bool = False) -> None:
        self.messages: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.refusals = 0
        self.logins: list[str] = []
        self.ca_file = directory / "ca.pem"
        self._password_file = directory / "password"
        self._password_file.write_text(PASSWORD + "\n")
        options: dict[str, Any] = {}
        if tls:
            options = {
                "tls_context": self._certificate(directory),
                "require_starttls": True,
                "auth_required": True,
                "authenticator": self._authenticate,
            }
        self._tls = tls
        with socket.socket() as probe:
            # The controller looks whether it listens, at a port it must know beforehand.
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, **options)

    def __enter__(self) -> PostOffice:
        self._controller.start()
        return self

    def __exit__(self, *_problem: object) -> None:
        self._controller.stop()

    def mailer(self, **changes: Any) -> SmtpMailer:
        """One that uses this server as it wants to be used."""
        values: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": self.port,
            "security": "starttls" if self._tls else "none",
            "sender": "alarms@veldnet.example",
            "timeout": 5.0,
        }
        if self._tls:
            values |= {
                "username": USER,
                "password_file": str(self._password_file),
                "ca_file": str(self.ca_file),
            }
        return SmtpMailer(MailSettings(**(values | changes)))

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        if self.refusals:
            self.refusals -= 1
            return "451 try again later"
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 taken"

    def _authenticate(
        self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        good = data.login == USER.encode() and data.password == PASSWORD.encode()
        if good:
            self.logins.append(data.login.decode())
        return AuthResult(success=good, handled=False)

    def _certificate(self, directory: Path) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "post office")])
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
            )
            .sign(key, hashes.SHA256())
        )
        self.ca_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        key_file = directory / "key.pem"
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.ca_file, key_file)
        return context
