"""A small HTTP server on a free loopback port, whose answers a test can spoil; the real APIs' servers build on it."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Reply:
    """One answer."""

    status: int
    body: object
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """What happens to one request in the place of its answer.

    `handled`: the server has done what was asked before. Without a reply the connection is reset, or with `hang` kept
    without a word until the client gives up.
    """

    reply: Reply | None = None
    handled: bool = False
    hang: bool = False


@dataclass(frozen=True)
class Request:
    """One request, its body read as JSON or as a form."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: dict[str, Any]


class LoopbackServer:
    """Answers with `handle`, unless `faults` holds something else for the next request or `always` for each."""

    def __init__(self) -> None:
        self.faults: deque[Fault] = deque()
        self.always: Fault | None = None
        self.requests: list[Request] = []
        self._lock = threading.Lock()
        self._released = threading.Event()
        self._port = 0
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def handle(self, request: Request) -> Reply:
        raise NotImplementedError

    def start(self) -> None:
        """Listen: on a free port first, on the same one later."""
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                owner.take(self)

            do_GET = do_PATCH = do_POST

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        server.daemon_threads = True
        self._server, self._port = server, server.server_address[1]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def stop(self) -> None:
        """Stop listening: connections are refused."""
        self._released.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        request = _read(handler)
        with self._lock:
            self.requests.append(request)
            fault = self.faults.popleft() if self.faults else self.always
            reply = self.handle(request) if fault is None or fault.handled else None
        if fault is None:
            _answer(handler, reply or Reply(500, {}))
        elif fault.reply is not None:
            _answer(handler, fault.reply)
        elif fault.hang:
            self._released.wait(10)
        else:
            _reset(handler)


def _read(handler: BaseHTTPRequestHandler) -> Request:
    parts = urlsplit(handler.path)
    raw = handler.rfile.read(int(handler.headers.get("Content-Length") or 0)).decode()
    if "json" in (handler.headers.get("Content-Type") or ""):
        body = json.loads(raw or "{}")
    else:
        body = {name: values[0] for name, values in parse_qs(raw).items()}
    headers = {name.lower(): value for name, value in handler.headers.items()}
    return Request(handler.command, parts.path, parse_qs(parts.query), headers, body)


def _answer(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
    content = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
    handler.send_response(reply.status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(content.encode())))
    for name, value in reply.headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(content.encode())


def _reset(handler: BaseHTTPRequestHandler) -> None:
    # No lingering: the client sees a reset and not an end.
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True
    handler.wfile = handler.rfile = _Nowhere()


class _Nowhere:
    """A stream to a connection that is gone."""

    closed = True

    def flush(self) -> None: ...

    def close(self) -> None: ...

    def readline(self, *_: object) -> bytes:
        return b""
