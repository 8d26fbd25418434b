"""HTTP requests by urllib that end in time as a whole; urllib's own time-out is for each part of an answer.

Import it where it is used: urllib.request takes a moment to load.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.request import BaseHandler, HTTPHandler, HTTPSHandler, ProxyHandler, Request, build_opener

from namecard_release.time_limits import Cut, seconds_left


def fetch(request: Request, timeout_seconds: float, *, proxied: bool = True) -> bytes:
    """Give the whole answer to a request, from connecting to its last byte within about `timeout_seconds`.

    Raises TimeoutError when it is not whole by then, and what urllib raises: HTTPError, OSError, HTTPException.
    """
    with _Watch(timeout_seconds) as watch:
        handlers: list[BaseHandler] = [_Http(watch), _Https(watch), *([] if proxied else [ProxyHandler({})])]
        try:
            with build_opener(*handlers).open(request, timeout=seconds_left(timeout_seconds)) as answer:
                text = bytes(answer.read())
        except (OSError, HTTPException) as error:
            if not watch.has_cut:
                raise
            raise TimeoutError(watch.told) from error
        if watch.has_cut:
            raise TimeoutError(watch.told)
        return text


class _Watch:
    """Cuts every connection that is made for a request once its time is over."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._stack = ExitStack()
        self._cuts: list[Cut] = []
        self.told = f"no whole answer within {seconds_left(seconds):.1f} s"

    def __enter__(self) -> _Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def has_cut(self) -> bool:
        return any(cut.was_made for cut in self._cuts)

    def connection(self, kind: type[HTTPConnection]) -> Callable[..., HTTPConnection]:
        """Give what makes connections of a kind, watched from the moment they stand."""

        def _made(host: str, **named: Any) -> HTTPConnection:
            made = kind(host, **named)
            connect = made.connect

            def _connect() -> None:
                connect()
                self._hold(made.sock.fileno())

            made.connect = _connect  # type: ignore[method-assign]
            return made

        return _made

    def _hold(self, file_number: int) -> None:
        # A copy of our own: urllib closes the connection when it likes.
        held = os.dup(file_number)
        self._stack.callback(os.close, held)
        self._cuts.append(self._stack.enter_context(Cut(held, seconds_left(self._seconds))))


class _Http(HTTPHandler):
    def __init__(self, watch: _Watch) -> None:
        super().__init__()
        self._watch = watch

    def http_open(self, request: Request) -> HTTPResponse:
        return self.do_open(self._watch.connection(HTTPConnection), request)


class _Https(HTTPSHandler):
    def __init__(self, watch: _Watch) -> None:
        super().__init__()
        self._watch = watch

    def https_open(self, request: Request) -> HTTPResponse:
        return self.do_open(self._watch.connection(HTTPSConnection), request)
