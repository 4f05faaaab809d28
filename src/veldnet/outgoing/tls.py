"""TLS to servers that customers chose: checked for the name, though an IP address is connected to."""

from __future__ import annotations

import socket
import ssl
import tempfile
from typing import Any


class NamedContext(ssl.SSLContext):
    """Has the certificate checked for a name, whatever is connected to. `used` says that a handshake has
    begun with it."""

    name: str = ""
    used = False

    def __init__(self, _protocol: int) -> None:
        # Names of other servers, by the IP addresses that are connected to.
        self.names: dict[str, str] = {}

    def wrap_socket(self, sock: socket.socket, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        return super().wrap_socket(sock, *args, **kwargs | {"server_hostname": self.name})

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        self.used = True
        host = kwargs.get("server_hostname") or (args[3] if len(args) > 3 else None)
        # The event loop gives the name by place.
        name = self.names.get(str(host), self.name)
        return super().wrap_bio(*args[:2], **kwargs | {"server_hostname": name})


def client_context(host: str, authorities: str, certificate: str, key: str) -> NamedContext:
    """A context for one server. `authorities` are those of its certificate, those of the system where there
    are none; `certificate` and `key` are the client's own. All of it PEM. Raises `ssl.SSLError`."""
    context = NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.name = host
    if authorities:
        context.load_verify_locations(cadata=authorities)
    else:
        context.load_default_certs()
    if certificate:
        # The module reads certificates from files only; this one is gone at once.
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            file.write(f"{key}\n{certificate}\n")
            file.flush()
            context.load_cert_chain(file.name)
    return context
