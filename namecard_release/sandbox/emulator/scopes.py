"""Account and region of the code that runs: the emulator keeps every store per account and region."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterator

from ministack.core import responses
from ministack.services import cloudwatch, sqs

Scope = tuple[str, str]


def current() -> Scope:
    """Return the account and the region of the request being served."""
    return responses.get_account_id(), responses.get_region()


def known() -> Iterator[Scope]:
    """Yield each account and region that has an alarm or a queue."""
    yield from {key[:2] for store in (cloudwatch._alarms, sqs._queues) for key, _ in store.all_items()}


def run_in(scope: Scope, work: Callable[[], None]) -> None:
    """Run `work` as if a request of that account and region asked for it."""

    def scoped() -> None:
        responses._request_account_id.set(scope[0])
        responses._request_region.set(scope[1])
        work()

    contextvars.copy_context().run(scoped)
