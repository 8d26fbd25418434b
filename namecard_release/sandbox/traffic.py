"""Real HTTP requests to the deployed platform at a steady rate, and what came of each."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle
from urllib.parse import urlsplit

from namecard_release.errors import MisuseError

_WORKERS = 16


@dataclass(frozen=True)
class Outcome:
    """One request: when it was sent (epoch seconds), to which service, what came back and how long it took.

    `status` is 0 when nothing came back; `version` is the body's, None when it has none.
    """

    at: float
    service: str
    status: int
    version: str | None
    seconds: float

    @property
    def ok(self) -> bool:
        """Tell whether the service answered as it should."""
        return 200 <= self.status < 300


@dataclass(frozen=True)
class Summary:
    """What a number of outcomes amount to; times are epoch seconds, None when there was none."""

    sent: int
    failed: int
    statuses: Mapping[int, int]
    versions: Mapping[str, int]
    first_failure: float | None
    first_success_after_failure: float | None
    median_seconds: float | None


def run_traffic(
    base_url: str,
    stage: str,
    services: Sequence[str],
    rate_per_second: float,
    seconds: float | None = None,
    *,
    stop: threading.Event | None = None,
    timeout: float = 10.0,
) -> Iterator[Outcome]:
    """Send GET <base>/<stage>/v1/<service> round-robin and yield each outcome in the order they were sent.

    Goes on for `seconds`, or until `stop` is set. A slow answer does not slow the rate down until 16 are open.
    Raises MisuseError for a rate that is not positive or no service.
    """
    if rate_per_second <= 0 or not services:
        raise MisuseError("traffic needs at least one service and a rate above 0 per second")
    halt = stop or threading.Event()
    started = time.monotonic()
    end = None if seconds is None else started + seconds
    with ThreadPoolExecutor(_WORKERS, thread_name_prefix="traffic") as pool:
        pending = []
        for number, service in enumerate(cycle(services)):
            due = started + number / rate_per_second
            if (end is not None and due >= end) or halt.wait(max(0.0, due - time.monotonic())):
                break
            pending.append(pool.submit(request_once, base_url, stage, service, timeout))
            while pending and (pending[0].done() or len(pending) >= _WORKERS):
                yield pending.pop(0).result()
        for future in pending:
            yield future.result()


def request_once(base_url: str, stage: str, service: str, timeout: float = 10.0) -> Outcome:
    """Send one request and tell what came of it; never raises for what the network does."""
    url = urlsplit(f"{base_url.rstrip('/')}/{stage}/v1/{service}")
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    at, begun = time.time(), time.perf_counter()
    connection = kind(url.hostname or "", url.port, timeout=timeout)
    try:
        connection.request("GET", url.path, headers={"Accept": "application/json"})
        answer = connection.getresponse()
        status, version = answer.status, _version(answer.read())
    except (OSError, http.client.HTTPException):
        status, version = 0, None
    finally:
        connection.close()
    return Outcome(at, service, status, version, time.perf_counter() - begun)


def summarise(outcomes: Sequence[Outcome]) -> Summary:
    """Count outcomes by status and version, and find when failing began and ended."""
    ordered = sorted(outcomes, key=lambda outcome: outcome.at)
    failures = [outcome.at for outcome in ordered if not outcome.ok]
    recovered = [outcome.at for outcome in ordered if outcome.ok and failures and outcome.at > failures[-1]]
    times = sorted(outcome.seconds for outcome in ordered)
    return Summary(
        sent=len(ordered),
        failed=len(failures),
        statuses=dict(Counter(outcome.status for outcome in ordered)),
        versions=dict(Counter(outcome.version for outcome in ordered if outcome.version)),
        first_failure=failures[0] if failures else None,
        first_success_after_failure=recovered[0] if recovered else None,
        median_seconds=times[len(times) // 2] if times else None,
    )


@dataclass
class BackgroundTraffic:
    """Traffic on a thread of its own: `start()`, look at `outcomes()`, `stop()`; also a context manager."""

    base_url: str
    stage: str
    services: Sequence[str]
    rate_per_second: float = 2.0
    on_outcome: Callable[[Outcome], None] | None = None
    _outcomes: list[Outcome] = field(default_factory=list, init=False)
    _stop: threading.Event = field(default_factory=threading.Event, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)

    def start(self) -> BackgroundTraffic:
        """Begin to send."""
        self._thread = threading.Thread(target=self._run, name="traffic", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> Summary:
        """Stop sending, wait for what is open, and sum up."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        return summarise(self.outcomes())

    def outcomes(self) -> tuple[Outcome, ...]:
        """Return what came back so far."""
        return tuple(self._outcomes)

    def __enter__(self) -> BackgroundTraffic:
        """Start."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def _run(self) -> None:
        for outcome in run_traffic(self.base_url, self.stage, self.services, self.rate_per_second, stop=self._stop):
            self._outcomes.append(outcome)
            if self.on_outcome is not None:
                self.on_outcome(outcome)


def _version(body: bytes) -> str | None:
    try:
        found = json.loads(body)
    except ValueError:
        return None
    version = found.get("version") if isinstance(found, dict) else None
    return None if version is None else str(version)
