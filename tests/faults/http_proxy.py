"""A proxy on loopback between us and AWS that does harm to chosen calls, and notes every call."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.faults.aws_wire import error_answer, operation_of

SLOW_SECONDS = 0.05
_HOP = frozenset({"connection", "transfer-encoding", "content-length", "keep-alive"})


class Fault(StrEnum):
    """What is done to a call."""

    THROTTLED = "throttled"
    INTERNAL = "answers 500"
    UNAVAILABLE = "answers 503 in HTML"
    RESET = "connection reset"
    CUT = "answer cut off"
    GARBLED = "answer of something else"
    SLOW = "slow answer"
    SILENT = "no answer"
    EXPIRED = "credentials expired"
    DENIED = "access denied"


PERMANENT = frozenset({Fault.EXPIRED, Fault.DENIED})


@dataclass
class Plan:
    """Which call meets which fault: the `first` call of an operation ("service.Operation") and `times` from there."""

    operation: str
    fault: Fault
    first: int = 1
    times: int = 1_000


@dataclass
class Proxy:
    """A running proxy: `calls` are the operations asked for, in order."""

    url: str
    calls: list[str] = field(default_factory=list)
    plan: Plan | None = None
    stopped: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def plan_for(self, operation: str) -> Fault | None:
        """Note a call and give the fault that it meets."""
        with self._lock:
            self.calls.append(operation)
            plan = self.plan
            if plan is None or plan.operation != operation:
                return None
            number = self.calls.count(operation) - plan.first
            return plan.fault if 0 <= number < plan.times else None

    def harm(self, operation: str, fault: Fault, first: int = 1, times: int = 1_000) -> None:
        """Plan a fault, counted from now."""
        with self._lock:
            self.calls.clear()
            self.plan = Plan(operation, fault, first, times)

    def heal(self) -> None:
        """Let every call through from now on."""
        with self._lock:
            self.calls.clear()
            self.plan = None


@contextmanager
def proxy_to(upstream: str) -> Iterator[Proxy]:
    """Run a proxy to an HTTP address."""
    target = urlsplit(upstream)
    proxy = Proxy("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            operation = operation_of(self.command, self.path, self.headers, body)
            fault = proxy.plan_for(operation)
            if fault is None:
                self._relay(body)
            elif fault is Fault.SLOW:
                time.sleep(SLOW_SECONDS)
                self._relay(body)
            elif fault is Fault.SILENT:
                proxy.stopped.wait(30)
                self._reset()
            elif fault is Fault.RESET:
                self._reset()
            elif fault is Fault.CUT:
                self._relay(body, cut=True)
            else:
                self._answer(*error_answer(fault.name, operation, self.headers))

        do_POST = do_PUT = do_HEAD = do_DELETE = do_GET

        def _relay(self, body: bytes, *, cut: bool = False) -> None:
            link = HTTPConnection(target.hostname or "", target.port, timeout=30)
            try:
                headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
                link.request(self.command, self.path, body, headers | {"Content-Length": str(len(body))})
                answer = link.getresponse()
                told = answer.read()
                if cut and not told:
                    # Of an empty answer nothing can be cut off but all of it.
                    self._reset()
                else:
                    self._answer(answer.status, told, _kept(answer), cut=cut)
            finally:
                link.close()

        def _answer(self, status: int, body: bytes, headers: dict[str, str], *, cut: bool = False) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(OSError):
                if self.command != "HEAD":
                    self.wfile.write(body[: len(body) // 2] if cut else body)
                if cut:
                    self._reset()

        def _reset(self) -> None:
            # Closed with nothing waited for, a connection is reset.
            with suppress(OSError):
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            return

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Say nothing of clients that went away."""

        def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
            """Close without an orderly end, so that a reset stays one."""
            assert isinstance(request, socket.socket)
            self.close_request(request)

    server = Server(("127.0.0.1", 0), Handler)
    proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield proxy
    finally:
        proxy.stopped.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _kept(answer: HTTPResponse) -> dict[str, str]:
    return {name: value for name, value in answer.getheaders() if name.lower() not in _HOP}
