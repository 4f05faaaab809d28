"""Every error of the API in one place: two shapes, one mapping.

What the gateway rejects itself (token, quota, path, version) has KPN's gateway shape. What reached the
platform has ThingPark's `code`, `message`, `errorId` and the gateway's members beside them.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any

import structlog

from veldnet.asgi import HTTPException, Request, Response, Scope
from veldnet.domain.errors import BadRequest, Refusal, UnusableKey
from veldnet.keys import UNAVAILABLE, VaultError
from veldnet.network.shell import UnreadableGroup
from veldnet.store import NotServed, StoreError, Unanswered
from veldnet.texts import Language, Text, in_language, preferred_language

log = structlog.get_logger(__name__)


class GatewayError(Exception):
    """A request that the gateway rejects before it reaches the platform."""

    def __init__(
        self, status: int, form: str, headers: dict[str, str] | None = None, /, **values: Any
    ) -> None:
        self.message = Text(form, **values)
        super().__init__(self.message)
        self.status = status
        self.headers = headers or {}


_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")


def transaction_of(scope: Scope) -> str:
    """The caller's `x-request-id`, or one made up for this request; the same in body, header and log."""
    state = scope.setdefault("state", {})
    found = state.get("transaction_id")
    if isinstance(found, str):
        return found
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"").decode(
        "latin-1"
    )
    made = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
    state["transaction_id"] = made
    return made


def transaction_id(request: Request) -> str:
    return transaction_of(request.scope)


def _name(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def gateway_body(status: int, message: str, transaction: str) -> dict[str, Any]:
    """KPN's gateway envelope: all strings."""
    return {
        "transactionId": transaction,
        "status": str(status),
        "name": _name(status),
        "message": message,
        "info": "See /docs for this API's description",
    }


# The paths of ThingPark's DX and OSS APIs, which know one shape of errors only.
_DX = re.compile(r"/(?:thingpark/dx/|)(?:core|admin)/|/thingpark/wireless/rest/")
_DX_IDS = {400: "LDM-400", 401: "LDM-410", 403: "LDM-430", 404: "LDM-440", 405: "LDM-441", 429: "LDM-460"}


def _body_for(request: Request, status: int, message: str) -> dict[str, Any]:
    """What the gateway says: in its own shape, and on those of DX and OSS in that of the platform as well."""
    if _DX.match(request.path):
        return application_body(status, message, _DX_IDS.get(status, "LDM-400"), transaction_id(request))
    return gateway_body(status, message, transaction_id(request))


def application_body(status: int, message: str, error_id: str, transaction: str) -> dict[str, Any]:
    """ThingPark's triple, and the gateway's members beside it."""
    return {"code": status, "message": message, "errorId": error_id} | gateway_body(
        status, message, transaction
    )


def _respond(
    request: Request,
    status: int,
    body: dict[str, Any],
    headers: dict[str, str] | None = None,
) -> Response[Any]:
    return Response(body, status_code=status, media_type="application/json", headers=headers)


_LANGUAGE = "language"


def set_language(request: Request, language: Language | None) -> None:
    """Note in which language a signed-in user reads; without a choice it is what the browser prefers."""
    request.scope["state"][_LANGUAGE] = language or _accepted(request)


def language_of(request: Request) -> Language:
    """The language that the user has chosen, else the one that the client prefers."""
    language: Language = request.scope["state"].get(_LANGUAGE) or _accepted(request)
    return language


def _accepted(request: Request) -> Language:
    return preferred_language(request.headers.get("accept-language"))


def _error_language(request: Request) -> Language:
    """KPN's operations answer in English, as programs know them, unless the console asks."""
    own = request.path.startswith("/api/v1/") or _LANGUAGE in request.scope["state"]
    return language_of(request) if own else "en"


def spoken(request: Request, error: Refusal) -> str:
    """The sentence of a refusal in the language of whoever asks."""
    language = _error_language(request)
    return error.message if language == "en" else in_language(error.text, language)


def _language_header(request: Request) -> dict[str, str]:
    language = _error_language(request)
    return {} if language == "en" else {"content-language": language}


def on_gateway_error(request: Request, error: GatewayError) -> Response[Any]:
    message = in_language(error.message, _error_language(request))
    body = _body_for(request, error.status, message)
    return _respond(request, error.status, body, error.headers | _language_header(request))


def on_refusal(request: Request, error: Refusal) -> Response[Any]:
    body = application_body(error.status, spoken(request, error), error.error_id, transaction_id(request))
    return _respond(request, error.status, body, _language_header(request))


def on_vault_error(request: Request, error: VaultError) -> Response[Any]:
    """A bad public key is the caller's; anything else is ours."""
    if error.code in ("bad_pem", "weak_key"):
        return on_refusal(request, UnusableKey("{problem}", problem=error))
    log.error("vault_failed", code=error.code, error=str(error))
    if error.code not in UNAVAILABLE or _written.get():
        return _unavailable(request)
    return _later(
        request, Text("The vault that keeps the keys does not answer; nothing was changed. Try again later")
    )


# Seconds: a lease of partitions, and their taking over.
_RETRY_AFTER = "4"


def _later(request: Request, text: Text) -> Response[Any]:
    message = in_language(text, _error_language(request))
    body = application_body(503, message, "LDM-500", transaction_id(request))
    return _respond(request, 503, body, {"retry-after": _RETRY_AFTER})


def on_store_error(request: Request, error: StoreError) -> Response[Any]:
    log.error("store_failed", error=str(error))
    if isinstance(error, UnreadableGroup):
        # Not the database's fault, and to try again is of no use.
        refusal = BadRequest(
            "What is stored of the multicast group cannot be read, so nothing can be sent to it: {problem}",
            problem=error,
        )
        return on_refusal(request, refusal)
    if isinstance(error, NotServed):
        text = Text("No node serves the device just now; nothing was changed. Try again in a few seconds")
    elif isinstance(error, Unanswered):
        text = Text(
            "The node that serves the device did not answer, so that the request may have been carried out. "
            "See what has changed before you try again"
        )
    else:
        return _unavailable(request)
    return _later(request, text)


# Whether a change of the request being answered is durable already.
_written: ContextVar[bool] = ContextVar("written", default=False)


def begin_request() -> None:
    """Nothing is changed yet; a connection may have served other requests before."""
    _written.set(False)


def note_written() -> None:
    """Note that the request being answered has changed something."""
    _written.set(True)


def _unavailable(request: Request) -> Response[Any]:
    if _written.get():
        text = Text(
            "The platform could not finish the request; a part of it has been carried out. See what "
            "has changed before you try again"
        )
    else:
        text = Text("The platform could not carry out the request; nothing was changed. Try again later")
    message = in_language(text, _error_language(request))
    return _respond(request, 500, application_body(500, message, "LDM-500", transaction_id(request)))


def on_http_exception(request: Request, error: HTTPException) -> Response[Any]:
    """Unknown paths and methods."""
    status = error.status_code
    if status == 404:
        text = Text("No such resource: {path}", path=request.path[:200])
        message = in_language(text, _error_language(request))
    else:
        message = error.detail
    return _respond(request, status, _body_for(request, status, message), dict(error.headers or {}))


def on_unexpected(request: Request, error: Exception) -> Response[Any]:
    """A defect: its trace goes to the log, never to the client."""
    transaction = transaction_id(request)
    message = in_language(Text("Internal error"), _error_language(request))
    log.error("request_failed", transaction=transaction, path=request.path, exc_info=error)
    return _respond(request, 500, application_body(500, message, "LDM-501", transaction))


_ANSWERS: dict[type[BaseException], Callable[[Request, Any], Response[Any]]] = {
    GatewayError: on_gateway_error,
    Refusal: on_refusal,
    VaultError: on_vault_error,
    StoreError: on_store_error,
    HTTPException: on_http_exception,
    Exception: on_unexpected,
}


def response_of(request: Request, error: Exception) -> Response[Any]:
    """The answer to a request that ended with an error."""
    kind = next(kind for kind in type(error).__mro__ if kind in _ANSWERS)
    return _ANSWERS[kind](request, error)
