"""Requests and answers of HTTP over ASGI: what handlers are given, and what they return. Starlette reads and
sends them."""

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from .answering import RawHeaders, answer, finished
from .request import Request
from .response import Cookie, Redirect, Response, Stream

__all__ = [
    "ClientDisconnect",
    "Cookie",
    "HTTPException",
    "RawHeaders",
    "Receive",
    "Redirect",
    "Request",
    "Response",
    "Scope",
    "Send",
    "Stream",
    "answer",
    "finished",
]
