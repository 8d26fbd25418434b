"""What an HTTP API's answer, or its silence, means for a message. What each channel's own words mean is not here."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from namecard_release.domain.delivery import Answer, Outcome

_Result = TypeVar("_Result")
_QUICK_TRIES = 2
# Exceptions of httpx, httpx2 and urllib that come before anything was sent.
_UNSENT = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol", "ProxyError"})
_UNSENT_TYPES = (ConnectionRefusedError, socket.gaierror)


def connecting(call: Callable[[], _Result]) -> _Result:
    """Call, and at once again when no connection came about: nothing was sent then. What else failed waits its time."""
    import stamina

    tries = stamina.retry_context(on=is_unsent, attempts=_QUICK_TRIES, wait_initial=0.1, wait_max=0.3, timeout=None)
    for attempt in tries:
        with attempt:
            return call()
    raise AssertionError("stamina ends with a result or an error")


def is_unsent(error: Exception) -> bool:
    """Tell whether an exception, or what it wraps, came before anything was sent."""
    return any(isinstance(one, _UNSENT_TYPES) or type(one).__name__ in _UNSENT for one in _chain(error))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        inner = getattr(error, "reason", None)
        if isinstance(inner, BaseException):
            yield inner
        error = error.__cause__


def tell_connection(whom: str, error: Exception) -> Answer:
    """Judge a call without an answer: NOT_TAKEN when nothing was sent, else UNSURE."""
    root = list(_chain(error))[-1]
    told = cut(" ".join(str(root).split()) or type(root).__name__, 200)
    if is_unsent(error):
        return Answer(Outcome.NOT_TAKEN, f"{whom} cannot be reached: {told}", closed=True)
    return Answer(Outcome.UNSURE, f"{whom} did not answer: {told}")


def tell_status(whom: str, status: int, told: str, wait_seconds: float | None) -> Answer:
    """Judge an HTTP status: 429 closes the channel, 5xx may have taken it, other 4xx refuse it."""
    reason = f"{whom} answered {status}: {told}"
    if status == 429:
        return Answer(Outcome.NOT_TAKEN, reason, wait_seconds=wait_seconds, closed=True)
    if status >= 500 or status in (408, 409, 425):
        return Answer(Outcome.UNSURE, reason, wait_seconds=wait_seconds)
    return Answer(Outcome.REFUSED, reason)


def read_wait(headers: Mapping[str, str]) -> float | None:
    """Read Retry-After in seconds, also where it is a date; None without one that can be read."""
    told = headers.get("retry-after") or headers.get("Retry-After") or ""
    try:
        return max(0.0, float(told))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def cut(text: str, most: int) -> str:
    """Shorten a text to so many characters, saying so."""
    return text if len(text) <= most else text[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"
