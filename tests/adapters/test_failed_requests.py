"""Failed requests read from files, and requests sent to a server that is really there."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from namecard_release.adapters.failed_requests import read_file
from namecard_release.adapters.request_sender import HttpRequestSender
from namecard_release.domain.request_replay import Answer, FailedRequest, PlannedRequest, RequestAction
from namecard_release.errors import MisuseError

LOGGED = {
    "level": "error",
    "message": "lambda.invocation.failed",
    "timestamp": "2026-03-02T09:00:00.000Z",
    "service": "cards",
    "requestId": "r-1",
    "data": {"path": "/dev/v1/cards", "durationMs": 3},
    "error": {"name": "TypeError", "message": "m"},
}


def write(file: Path, *lines: object) -> Path:
    file.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines), encoding="utf-8")
    return file


def test_a_log_gives_its_failed_requests_and_counts_what_is_malformed(tmp_path: Path) -> None:
    started = {**LOGGED, "message": "lambda.invocation.started"}
    with_method = {**LOGGED, "data": {"path": "/v1/auth", "method": "GET", "errorName": "X"}, "error": None}
    read = read_file(write(tmp_path / "log", LOGGED, started, "START RequestId", "[1]", "", with_method))
    first, second = read.requests
    assert first == FailedRequest("/dev/v1/cards", None, datetime(2026, 3, 2, 9, tzinfo=UTC), "r-1", "TypeError")
    assert (second.method, second.error) == ("GET", "X")
    assert read.malformed == 2


def test_a_file_of_requests_has_methods_bodies_and_headers(tmp_path: Path) -> None:
    line = {"method": "PUT", "path": "/v1/cards/1", "body": {"name": "Ada"}, "headers": {"x-tenant": "t"}}
    (request,) = read_file(write(tmp_path / "requests", line)).requests
    assert request == FailedRequest("/v1/cards/1", "PUT", body='{"name":"Ada"}', headers={"x-tenant": "t"})


def test_a_file_that_is_not_there_is_misuse(tmp_path: Path) -> None:
    with pytest.raises(MisuseError, match="cannot be read"):
        read_file(tmp_path / "nowhere")


class _Handler(BaseHTTPRequestHandler):
    def _answer(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        seen: list[Any] = self.server.seen  # type: ignore[attr-defined]
        seen.append((self.command, self.path, dict(self.headers), self.rfile.read(length)))
        self.send_response(503 if "busy" in self.path else 200)
        self.send_header("content-length", "0")
        self.end_headers()

    do_GET = do_PUT = _answer

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    started = HTTPServer(("127.0.0.1", 0), _Handler)
    started.seen = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=started.serve_forever)
    thread.start()
    yield started
    started.shutdown()
    thread.join()
    started.server_close()


def planned(method: str, path: str, **changes: Any) -> PlannedRequest:
    request = FailedRequest(path, method, **changes)
    return PlannedRequest(request, RequestAction.SEND, "", method, path, "cards", "nr-1")


def test_a_request_is_sent_below_the_base_with_its_key(server: HTTPServer) -> None:
    base = f"http://127.0.0.1:{server.server_port}/dev/"
    assert HttpRequestSender().send(base, planned("GET", "/v1/cards?limit=2")) == Answer(200)
    assert HttpRequestSender().send(base, planned("GET", "/v1/busy")) == Answer(503)
    own = {"Host": "elsewhere", "x-tenant": "t", "Content-Length": "999"}
    assert HttpRequestSender().send(base, planned("PUT", "/v1/cards/1", body='{"n": 1}', headers=own)) == Answer(200)
    (first, _, put) = server.seen  # type: ignore[attr-defined]
    assert first[:2] == ("GET", "/dev/v1/cards?limit=2") and first[2]["idempotency-key"] == "nr-1"
    assert put[3] == b'{"n": 1}' and put[2]["x-tenant"] == "t" and put[2]["content-type"] == "application/json"
    assert put[2]["Host"].startswith("127.0.0.1") and put[2]["Content-Length"] == "8"


@pytest.mark.parametrize("base", ["http://127.0.0.1:9/x", "ftp://host", "nothing"])
def test_no_answer_is_told(base: str) -> None:
    answer = HttpRequestSender(2).send(base, planned("GET", "/v1/cards"))
    assert answer.status is None and answer.error
