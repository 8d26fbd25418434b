"""Calls of the ledger made again when the database kept nothing of them. Transactions themselves are in `store`."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from time import monotonic, sleep
from typing import ParamSpec, TypeVar

from namecard_release.errors import TransientError
from namecard_release.time_limits import is_spent

P = ParamSpec("P")
R = TypeVar("R")
# A restart of the database, a deadlock, a lock: over within seconds, or something that people must see.
_PAUSES = (0.1, 0.3, 0.8, 1.8)
_LONGEST_SECONDS = 15.0
_inside = threading.local()


class OutcomeUnknownError(TransientError):
    """A commit whose answer was lost and cannot be read back: it is not known whether anything was kept."""


def kept_trying(method: Callable[P, R]) -> Callable[P, R]:
    """Make a method that calls itself again after a TransientError, up to four times in three seconds or so.

    Each transaction of the ledger tells by its error that it was not kept, or `OutcomeUnknownError`, after which
    nothing is repeated. A method called by such a method is not repeated by itself.
    """

    @wraps(method)
    def tried(*words: P.args, **named: P.kwargs) -> R:
        if getattr(_inside, "trying", False):
            return method(*words, **named)
        _inside.trying = True
        try:
            return _try(lambda: method(*words, **named))
        finally:
            _inside.trying = False

    return tried


def _try(call: Callable[[], R]) -> R:
    end = monotonic() + _LONGEST_SECONDS
    for pause in _PAUSES:
        try:
            return call()
        except OutcomeUnknownError:
            raise
        except TransientError:
            if is_spent() or monotonic() + pause > end:
                raise
            sleep(pause)
    return call()
