"""A TCP proxy on loopback between the pipeline and the emulator, whose connections can be cut at a named moment.

Nothing in here knows HTTP: a cut connection is reset, as by a dead peer or a firewall that restarts.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from typing import Any

from namecard_release.sandbox.processes import LOOPBACK

_CHUNK = 65536
_RESET = struct.pack("ii", 1, 0)


class CuttingProxy:
    """Passes connections on to a port of loopback until they are cut."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._open: set[asyncio.StreamWriter] = set()
        # The loop itself holds its tasks weakly, and a cut connection drops the last other hold on them.
        self._serving: set[asyncio.Task[None] | None] = set()
        self._refuse_until = 0.0
        self._answers_to_lose = 0
        self.cut_count = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="cutting-proxy", daemon=True)
        self._thread.start()
        self._server = self._do(asyncio.start_server(self._serve, LOOPBACK, 0))
        self.port = int(self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Stop and cut what is open."""
        self._server.close()
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)
        self._loop.close()

    def cut(self, refuse_seconds: float = 0.0) -> None:
        """Reset every connection, and for some seconds every new one."""
        self._do(self._cut(refuse_seconds))

    def lose_answer(self, count: int = 1) -> None:
        """Reset the next connections on which an answer comes back: the request was heard, its answer is lost."""
        self._answers_to_lose = count

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    async def _end(self) -> None:
        own = asyncio.current_task()
        tasks = [task for task in asyncio.all_tasks() if task is not own]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _cut(self, refuse_seconds: float) -> None:
        self._refuse_until = self._loop.time() + refuse_seconds
        for writer in tuple(self._open):
            self._reset(writer)

    def _reset(self, writer: asyncio.StreamWriter) -> None:
        self.cut_count += 1
        own: socket.socket | None = writer.get_extra_info("socket")
        if own is not None and own.fileno() >= 0:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._loop.time() < self._refuse_until:
            self._reset(writer)
            return
        try:
            there, back = await asyncio.open_connection(LOOPBACK, self._target)
        except OSError:
            self._reset(writer)
            return
        self._open.add(writer)
        self._serving.add(asyncio.current_task())
        try:
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer, answers=True))
        finally:
            self._open.discard(writer)
            self._serving.discard(asyncio.current_task())
            for one in (writer, back):
                one.transport.abort()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, answers: bool = False) -> None:
        try:
            while chunk := await source.read(_CHUNK):
                if answers and self._answers_to_lose > 0:
                    self._answers_to_lose -= 1
                    self._reset(sink)
                    return
                sink.write(chunk)
                await sink.drain()
            if sink.can_write_eof():
                sink.write_eof()
        except (OSError, RuntimeError):
            sink.transport.abort()
