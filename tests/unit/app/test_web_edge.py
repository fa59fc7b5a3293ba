"""The edge of every web application: one shape of error, bounded bodies, no bug shown to strangers."""

import msgspec
import pytest
from fastapi import FastAPI, Request
from starlette.testclient import TestClient

from beket.app import web_edge
from beket.kernel.errors import HANDLING, BeketError, Forbidden, Kind, NoSpace
from beket.kernel.text import say


@pytest.fixture
def app() -> FastAPI:
    app = web_edge.new_app(body_max_bytes=1000)

    @app.get("/refused")
    def refused() -> None:
        raise Forbidden(say("Не можна.", "Not allowed."), hint=say("Запитайте голову.", "Ask the head."))

    @app.get("/bug")
    def bug() -> None:
        raise ZeroDivisionError("secret inner words")

    @app.get("/number")
    def number(n: int) -> int:
        return n

    @app.post("/body")
    async def body(request: Request) -> int:
        return len(await request.body())

    return app


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    return TestClient(app, raise_server_exceptions=False)


def test_our_error_becomes_its_status_and_both_sentences(client: TestClient) -> None:
    response = client.get("/refused")
    assert response.status_code == 403
    assert response.headers["cache-control"] == "no-store"
    assert response.json() == {
        "kind": "forbidden",
        "uk": "Не можна. Запитайте голову.",
        "en": "Not allowed. Ask the head.",
    }


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_an_answer(kind: Kind) -> None:
    error = next(error for error in BeketError.__subclasses__() if error.kind is kind)("x")
    response = web_edge.error_response(error)
    assert response.status_code == HANDLING[kind].http_status
    assert msgspec.json.decode(response.body)["kind"] == kind


def test_bug_is_one_plain_sentence_without_its_words(client: TestClient) -> None:
    response = client.get("/bug")
    assert response.status_code == 500
    assert "secret inner words" not in response.text
    assert response.json()["kind"] == "internal"


def test_unknown_page_and_wrong_query_are_answered_in_the_same_shape(client: TestClient) -> None:
    assert client.get("/nowhere").json()["kind"] == "not_found"
    wrong = client.get("/number", params={"n": "many"})
    assert wrong.status_code == 400
    assert "n" in wrong.json()["en"]
    assert client.post("/number").status_code == 405


def test_body_over_the_bound_is_refused_whether_declared_or_not(client: TestClient) -> None:
    assert client.post("/body", content=b"x" * 1000).json() == 1000
    assert client.post("/body", content=b"x" * 1001).status_code == 413

    def endless():  # type: ignore[no-untyped-def]
        for _ in range(20):
            yield b"x" * 100

    assert client.post("/body", content=endless()).status_code == 400


def test_full_disk_is_507(app: FastAPI, client: TestClient) -> None:
    @app.get("/full")
    def full() -> None:
        raise NoSpace("disk")

    assert client.get("/full").status_code == 507
