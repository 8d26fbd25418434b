"""An HTTP server on loopback that answers as a test says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

# Method, path and body to status and body; None closes the connection without an answer.
Answer = Callable[[str, str, bytes], tuple[int, bytes] | None]


@dataclass(frozen=True)
class Site:
    """A running server; `serve` sets how it answers."""

    url: str
    serve: Callable[[Answer], None]


@pytest.fixture
def http() -> Iterator[Site]:
    chosen: list[Answer] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = chosen[-1](self.command, self.path, body)
            if answer is None:
                self.close_connection = True
                return
            self.send_response(answer[0])
            self.send_header("Content-Length", str(len(answer[1])))
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(answer[1])

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield Site(f"http://127.0.0.1:{server.server_address[1]}", chosen.append)
    server.shutdown()
    thread.join()
    server.server_close()
