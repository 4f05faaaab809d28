"""Requests and answers of HTTP over ASGI: what handlers are given, and what they return.

No more than the API and the console need: what is not asked for is not read."""

from .answering import answer
from .problems import HttpProblem, MethodNotAllowed, NotFound
from .request import ClientGone, Headers, Receive, Request, Scope, Send
from .response import Cookie, Redirect, Response, Stream

__all__ = [
    "ClientGone",
    "Cookie",
    "Headers",
    "HttpProblem",
    "MethodNotAllowed",
    "NotFound",
    "Receive",
    "Redirect",
    "Request",
    "Response",
    "Scope",
    "Send",
    "Stream",
    "answer",
]
