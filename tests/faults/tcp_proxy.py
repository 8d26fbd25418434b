"""A proxy on loopback before PostgreSQL that does harm to what a client sends, told by words in it."""

from __future__ import annotations

import select
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum

SLOW_SECONDS = 0.2


class Harm(StrEnum):
    """What is done to a message of the client."""

    REFUSED = "connection refused"
    RESET_BEFORE = "reset before the server had it"
    RESET_AFTER = "reset after the server had done it"
    SILENT = "no answer"
    SLOW = "slow answer"


@dataclass
class Tap:
    """A running proxy; the next `times` messages with `word` meet `harm`."""

    port: int = 0
    harm: Harm | None = None
    word: bytes = b""
    times: int = 0
    met: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def plan(self, harm: Harm, word: bytes = b"", times: int = 1_000) -> None:
        """Plan harm; a refusal is of connections and needs no word."""
        with self._lock:
            self.harm, self.word, self.times, self.met = harm, word, times, 0

    def heal(self) -> None:
        """Let everything through."""
        with self._lock:
            self.harm = None

    def take(self, message: bytes | None) -> Harm | None:
        """Give the harm that a message, or None for a connection, meets now."""
        with self._lock:
            if self.harm is None or self.met >= self.times:
                return None
            if (message is None) != (self.harm is Harm.REFUSED) or (message is not None and self.word not in message):
                return None
            self.met += 1
            return self.harm


@contextmanager
def tap_before(port: int) -> Iterator[Tap]:
    """Run a proxy before a server on this machine."""
    tap, listener = Tap(), socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)
    tap.port = listener.getsockname()[1]

    def serve() -> None:
        while not tap.stopped.is_set():
            with suppress(TimeoutError):
                client, _ = listener.accept()
                threading.Thread(target=_pair, args=(tap, client, port), daemon=True).start()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield tap
    finally:
        tap.stopped.set()
        thread.join()
        listener.close()


def _pair(tap: Tap, client: socket.socket, port: int) -> None:
    if tap.take(None) is not None:
        _reset(client)
        return
    server = socket.create_connection(("127.0.0.1", port))
    muted = threading.Event()
    back = threading.Thread(target=_back, args=(server, client, muted), daemon=True)
    back.start()
    with suppress(OSError):
        while message := client.recv(1 << 16):
            harm = tap.take(message)
            if harm is Harm.SILENT:
                _wait_for_end(tap, client)
                break
            if harm is Harm.SLOW:
                time.sleep(SLOW_SECONDS)
            if harm is Harm.RESET_AFTER:
                muted.set()
                server.sendall(message)
                back.join(5)
                break
            if harm is Harm.RESET_BEFORE:
                break
            server.sendall(message)
    _reset(client)
    _reset(server)


def _wait_for_end(tap: Tap, client: socket.socket) -> None:
    while not tap.stopped.is_set():
        if select.select([client], [], [], 0.02)[0] and not client.recv(1 << 16):
            return


def _back(server: socket.socket, client: socket.socket, muted: threading.Event) -> None:
    with suppress(OSError):
        while message := server.recv(1 << 16):
            if muted.is_set():
                # The server has answered: it is done, and nobody is told.
                return
            client.sendall(message)


def _reset(link: socket.socket) -> None:
    # Closed with nothing waited for, a connection is reset; a thread that reads it is woken first.
    with suppress(OSError):
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with suppress(OSError):
        link.shutdown(socket.SHUT_RD)
    link.close()
