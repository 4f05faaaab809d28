"""What the system and TLS say of connections that fail, as texts."""

from __future__ import annotations

import errno
import os
import re
import socket
import ssl

from veldnet.texts import Text

_SYSTEM = {
    errno.ECONNREFUSED: Text("Connection refused"),
    errno.ECONNRESET: Text("Connection reset by peer"),
    errno.ECONNABORTED: Text("Software caused connection abort"),
    errno.EPIPE: Text("Broken pipe"),
    errno.ENETUNREACH: Text("Network is unreachable"),
    errno.EHOSTUNREACH: Text("No route to host"),
    errno.ETIMEDOUT: Text("Connection timed out"),
}
_NAMES = {
    socket.EAI_NONAME: Text("Name or service not known"),
    socket.EAI_NODATA: Text("No address associated with hostname"),
    socket.EAI_AGAIN: Text("Temporary failure in name resolution"),
}
# By the codes of OpenSSL.
_CERTIFICATES = {
    9: Text("certificate is not yet valid"),
    10: Text("certificate has expired"),
    18: Text("self-signed certificate"),
    19: Text("self-signed certificate in certificate chain"),
    20: Text("unable to get local issuer certificate"),
}
_OTHER_HOST = re.compile(r"not valid for '(.+)'")


def said_by_system(error: OSError) -> str:
    """The system's words. asyncio puts its own in their place when it connects."""
    if isinstance(error, socket.gaierror):
        return _NAMES.get(error.errno or 0) or error.strerror or str(error)
    if isinstance(error.errno, int) and error.errno > 0:
        return _SYSTEM.get(error.errno) or os.strerror(error.errno)
    return error.strerror or str(error)


def said_of_certificate(error: ssl.SSLCertVerificationError) -> str:
    """Why a certificate is not accepted."""
    host = _OTHER_HOST.search(error.verify_message or "")
    if host is not None:
        return Text("certificate is not valid for {host}", host=host[1])
    return _CERTIFICATES.get(error.verify_code) or error.verify_message


def text_of(error: BaseException) -> str:
    """The text that an exception was made with."""
    return error.args[0] if error.args and isinstance(error.args[0], Text) else str(error)
