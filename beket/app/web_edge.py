"""Owns what every web application of Beket has at its edge: one shape of error, a bound on bodies, no cached secrets.

Rooms raise `BeketError`; here it becomes a status and a small JSON object with the sentence in both languages. An
unknown exception is a 500 with one plain sentence, its trace in the log. Statuses: kernel.errors.HANDLING.
"""

import logging

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from beket.kernel.errors import HANDLING, BeketError, Internal, InvalidArgument, Kind, NotFound
from beket.kernel.logs import level_number
from beket.kernel.text import plain, say
from beket.kernel.wire import MESSAGE_MAX_BYTES

log = logging.getLogger(__name__)


class ErrorBody(msgspec.Struct, frozen=True):
    """What a failed request answers; agents and pages show the sentence as it is."""

    kind: str
    uk: str
    en: str


def new_app(*, body_max_bytes: int = MESSAGE_MAX_BYTES) -> FastAPI:
    """An application without generated documentation pages, with our errors and bounds."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_middleware(_BoundedBodies, max_bytes=body_max_bytes)
    app.add_exception_handler(BeketError, _on_our_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(500, _on_bug)
    return app


def error_response(error: BeketError) -> Response:
    """The answer for `error`."""
    sentence = error.sentence()
    body = ErrorBody(error.kind.value, sentence.uk, sentence.en)
    return Response(
        msgspec.json.encode(body),
        status_code=error.handling.http_status,
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


async def _on_our_error(request: HTTPConnection, error: Exception) -> Response:
    assert isinstance(error, BeketError)
    response = error_response(error)
    method = request.scope.get("method", "WebSocket")
    log.log(level_number(error.handling.log_level), "%s %s: %s", method, request.url.path, error.sentence().en)
    if isinstance(request, WebSocket):  # refused before it was accepted: an ordinary answer to the handshake
        await request.send_denial_response(response)
    return response


async def _on_invalid_request(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    places = ", ".join(".".join(str(part) for part in one["loc"][1:]) for one in error.errors()[:5])
    return error_response(
        InvalidArgument(
            say(
                "Запит незрозумілий: перевірте {places}.",
                "The request is not understood: check {places}.",
                places=places,
            )
        )
    )


async def _on_http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == HANDLING[Kind.NOT_FOUND].http_status:
        return error_response(NotFound(say("Такої сторінки немає.", "There is no such page.")))
    ours = InvalidArgument(plain(str(error.detail)))
    response = error_response(ours)
    response.status_code = error.status_code
    return response


async def _on_bug(_request: Request, _error: Exception) -> Response:
    # Starlette raises the exception again after this answer, so that the server logs its trace once.
    return error_response(
        Internal(say("У Бекеті сталася помилка; її записано.", "Beket has failed; it is in the log."))
    )


class _BoundedBodies:
    """Refuses a body over `max_bytes`, declared or not, before a room has gathered it."""

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = next((int(v) for k, v in scope["headers"] if k == b"content-length" and v.isdigit()), 0)
        if declared > self._max_bytes:
            await _too_large()(scope, receive, send)
            return
        seen_bytes = 0

        async def bounded_receive() -> Message:
            nonlocal seen_bytes
            message = await receive()
            seen_bytes += len(message.get("body", b""))
            if seen_bytes > self._max_bytes:
                raise InvalidArgument(say("Тіло запиту завелике.", "The request body is too large."))
            return message

        await self._app(scope, bounded_receive, send)


def _too_large() -> Response:
    response = error_response(InvalidArgument(say("Тіло запиту завелике.", "The request body is too large.")))
    response.status_code = 413
    return response
