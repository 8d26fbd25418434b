"""Serving the emulator on one loopback port until it is told to stop, and leaving no child behind."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time

from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config
from ministack import app
from ministack.core import lambda_runtime

from namecard_release.sandbox.emulator import (
    alarms,
    background,
    cloudformation,
    environments,
    internals,
    lambdas,
    metrics,
)

GRACE_SECONDS = 2.0
# A stop in the middle of a deployment waits for it, so that what is saved is whole.
DEPLOYMENT_PATIENCE_SECONDS = 12.0


def run(port: int, *, tick_seconds: float, save_seconds: float) -> None:
    """Serve until SIGTERM or SIGINT; then save, end every function's worker process and return.

    Raises PermanentError when the emulator is not the pinned one, OSError when the port is taken.
    """
    internals.check()
    for module in (metrics, lambdas, environments, alarms, cloudformation):
        module.install()
    stopped = threading.Event()
    threads = background.start(stopped, tick_seconds, save_seconds)
    try:
        asyncio.run(_serve(port))
    finally:
        stopped.set()
        for thread in threads:
            thread.join(timeout=GRACE_SECONDS)
        lambda_runtime.reset()


async def _serve(port: int) -> None:
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = GRACE_SECONDS
    config.loglevel = os.environ.get("LOG_LEVEL", "INFO").upper()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await hypercorn_serve(app.app, config, shutdown_trigger=lambda: _between_deployments(stop))


async def _between_deployments(stop: asyncio.Event) -> None:
    await stop.wait()
    deadline = time.monotonic() + DEPLOYMENT_PATIENCE_SECONDS
    while background.is_deploying() and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
