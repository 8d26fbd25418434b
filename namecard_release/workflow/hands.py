"""Threads that carry out the calls of several who wait for them. What is called, and what follows, is theirs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from types import TracebackType
from typing import TypeVar

P = TypeVar("P")
R = TypeVar("R")


class Hands:
    """So many threads, shared by everybody who asks: no more calls than that are under way. A context manager."""

    def __init__(self, number: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(number, thread_name_prefix=name)

    def each(self, work: Callable[[P], R], parts: Sequence[P]) -> list[R]:
        """Do the work for each part, side by side; gives the results in the parts' order once all have ended.

        Raises what the first of them raised, in that order. Not to be called by one of the threads: it would wait for
        itself.
        """
        futures = [self._pool.submit(work, part) for part in parts]
        wait(futures)
        return [future.result() for future in futures]

    def __enter__(self) -> Hands:
        """Give itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for what is under way, and end the threads."""
        self._pool.shutdown()
