"""A health address that answers byte by byte, and never to its end."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

import pytest

from namecard_release.adapters.probes import HttpProber


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n"], ids=["header", "body"])
def test_an_answer_that_drips_is_no_answer_in_time(head: bytes) -> None:
    stopped = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        with listener.accept()[0] as client, suppress(OSError):
            client.recv(4096)
            client.sendall(head or b"HTTP/1.1 200 OK\r\nX: ")
            while not stopped.wait(0.02):
                client.sendall(b"x")

    thread = threading.Thread(target=drip)
    thread.start()
    started = time.monotonic()
    (probe,) = HttpProber(timeout_seconds=0.3).probe(f"http://127.0.0.1:{listener.getsockname()[1]}", ["auth"])
    stopped.set()
    thread.join()
    listener.close()
    assert probe.status is None and probe.error
    assert time.monotonic() - started < 3
