"""The emulator's clockwork: alarms each second, queue depths, and a save now and then."""

from __future__ import annotations

import logging
import threading
import time

from ministack import app
from ministack.core import persistence
from ministack.services import cloudformation, cloudwatch

from namecard_release.sandbox.emulator import metrics, scopes

logger = logging.getLogger("namecard.emulator")

FORGET_EVERY_SECONDS = 60.0


def save() -> None:
    """Write every service's state to the state folder; a service that fails is logged and kept as it was."""
    persistence.save_all(app._build_persistence_save_dict())


def is_deploying() -> bool:
    """Tell whether any stack is being changed: a save then would be half a deployment."""
    return any(str(stack["StackStatus"]).endswith("_IN_PROGRESS") for _, stack in cloudformation._stacks.all_items())


def start(stop: threading.Event, tick_seconds: float, save_seconds: float) -> list[threading.Thread]:
    """Start the evaluation thread and, unless `save_seconds` is 0, the saving one; both end when `stop` is set."""
    threads = [threading.Thread(target=_evaluate_until, args=(stop, tick_seconds), name="alarms", daemon=True)]
    if save_seconds > 0:
        threads.append(threading.Thread(target=_save_until, args=(stop, save_seconds), name="saves", daemon=True))
    for thread in threads:
        thread.start()
    return threads


def tick(*, forget: bool) -> None:
    """Sample and evaluate every account and region once."""
    for scope in scopes.known():
        scopes.run_in(scope, _tick_scope)
        if forget:
            scopes.run_in(scope, metrics.forget_old_points)


def _tick_scope() -> None:
    metrics.sample_queues()
    cloudwatch._evaluate_all_alarms()


def _evaluate_until(stop: threading.Event, tick_seconds: float) -> None:
    forgotten = time.monotonic()
    while not stop.wait(tick_seconds):
        forget = time.monotonic() - forgotten >= FORGET_EVERY_SECONDS
        forgotten = time.monotonic() if forget else forgotten
        try:
            tick(forget=forget)
        except Exception:
            logger.exception("Alarm evaluation failed; trying again in %s s", tick_seconds)


def _save_until(stop: threading.Event, save_seconds: float) -> None:
    while not stop.wait(save_seconds):
        if not is_deploying():
            save()
