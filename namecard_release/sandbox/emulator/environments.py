"""Execution environments that outlive a failed invocation, as on AWS.

The emulator ends a function's worker process after every error, so each failing request pays a cold start and
trips the latency alarms as well. Only a worker that died or timed out is to be ended.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from ministack.core import lambda_runtime


class _Deferred(threading.local):
    """The processes this thread was told to end while it ran an invocation; None outside of one."""

    processes: list[Any] | None = None


_deferred = _Deferred()


def install() -> None:
    """Hold back the end of worker processes until it is known why they should end."""
    invoke, signal, collect = (
        lambda_runtime.Worker.invoke,
        lambda_runtime._signal,
        lambda_runtime._collect,
    )

    def held_signal(proc: Any) -> None:
        if _deferred.processes is None:
            signal(proc)
        elif proc is not None:
            _deferred.processes.append(proc)

    def held_collect(proc: Any, deadline: float) -> None:
        if _deferred.processes is None:
            collect(proc, deadline)

    def surviving(self: Any, *args: Any, **kwargs: Any) -> Any:
        ended: list[Any] = []
        _deferred.processes = ended
        result: Any = {}
        try:
            result = invoke(self, *args, **kwargs)
        finally:
            _deferred.processes = None
            for proc in ended:
                if _is_handlers_own_error(result) and proc.poll() is None and self._proc is None:
                    self._proc = proc
                else:
                    signal(proc)
                    collect(proc, time.monotonic() + lambda_runtime._REAP_GRACE)
        return result

    lambda_runtime._signal = held_signal
    lambda_runtime._collect = held_collect
    lambda_runtime.Worker.invoke = surviving


def _is_handlers_own_error(result: dict[str, Any]) -> bool:
    """Only the worker itself sends a stack trace; what the emulator says about a lost worker has none."""
    return result.get("status") == "error" and "trace" in result
