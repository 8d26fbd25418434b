"""Slow endpoints, ranked, with what each depends on (runbook 5.4). Reading access logs does not belong here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from namecard_release.domain.durations import Durations
from namecard_release.domain.log_events import Access
from namecard_release.domain.paths import service_of_path, template_path
from namecard_release.domain.triage import PathTimes

MOST_ENDPOINTS = 500
OTHER_ENDPOINTS = "(other endpoints)"


@dataclass(frozen=True)
class Endpoint:
    """One endpoint: requests, those that failed with 5xx, and percentiles in milliseconds, None where nothing timed it.

    `timed_by` is `access log`, `function log` (the service's own time, without API Gateway's) or empty; `failed` is
    None where only the function log told of it. `dependencies` are the settings' for its service.
    """

    route: str
    service: str
    count: int
    failed: int | None
    p50_ms: float | None
    p95_ms: float | None
    max_ms: float | None
    timed_by: str
    dependencies: tuple[str, ...]


@dataclass
class _Counted:
    requests: int = 0
    failed: int = 0
    times: Durations = field(default_factory=Durations)


@dataclass
class AccessTable:
    """Takes access log entries one by one and counts them by method and path, in bounded memory."""

    clean: Callable[[str], str] = str
    _routes: dict[tuple[str, str], _Counted] = field(default_factory=dict)

    def add(self, entry: Access) -> None:
        """Count one request."""
        key = (entry.method, entry.path if "{" in entry.path else template_path(entry.path))
        if key not in self._routes and len(self._routes) >= MOST_ENDPOINTS:
            key = ("", OTHER_ENDPOINTS)
        counted = self._routes.setdefault(key, _Counted())
        counted.requests += 1
        counted.failed += entry.status >= 500
        if entry.latency_ms is not None:
            counted.times.add(entry.latency_ms)

    def endpoints(
        self, functions: Sequence[PathTimes], dependencies: Mapping[str, Sequence[str]]
    ) -> tuple[Endpoint, ...]:
        """Rank the endpoints, the slowest p95 first and those without a time last.

        A route without a latency in the access log takes the times of its paths in the functions' own logs; paths that
        no route covers stand for themselves.
        """
        ranked, covered = [], set[PathTimes]()
        for (method, path), counted in self._routes.items():
            own = [times for times in functions if _covers(path, times.path)]
            covered |= set(own)
            ranked.append(self._endpoint(method, path, counted, own, dependencies))
        ranked += [_of_function(times, dependencies) for times in functions if times not in covered]
        return tuple(sorted(ranked, key=_rank))

    def _endpoint(
        self,
        method: str,
        path: str,
        counted: _Counted,
        functions: Sequence[PathTimes],
        dependencies: Mapping[str, Sequence[str]],
    ) -> Endpoint:
        times, service = counted.times, service_of_path(path)
        by, p50, p95, longest = "", None, None, None
        if times.count:
            by, p50, p95, longest = "access log", times.percentile(0.5), times.percentile(0.95), times.longest
        elif functions:
            # Percentiles of several paths do not add up: the slowest of them is told.
            worst = max(functions, key=lambda one: one.p95_ms)
            by, p50, p95, longest = "function log", worst.p50_ms, worst.p95_ms, worst.max_ms
        return Endpoint(
            route=self.clean(f"{method} {path}".strip()),
            service=service,
            count=counted.requests,
            failed=counted.failed,
            p50_ms=p50,
            p95_ms=p95,
            max_ms=longest,
            timed_by=by,
            dependencies=tuple(dependencies.get(service, ())),
        )


def _covers(route: str, path: str) -> bool:
    """Tell whether a request's path belongs to a route: equal, or below its `{proxy+}`."""
    stem, greedy, _ = route.partition("/{proxy+}")
    return path.startswith(f"{stem}/") if greedy else path == route


def _of_function(times: PathTimes, dependencies: Mapping[str, Sequence[str]]) -> Endpoint:
    return Endpoint(
        route=times.path,
        service=times.service,
        count=times.count,
        failed=None,
        p50_ms=times.p50_ms,
        p95_ms=times.p95_ms,
        max_ms=times.max_ms,
        timed_by="function log",
        dependencies=tuple(dependencies.get(times.service, ())),
    )


def _rank(endpoint: Endpoint) -> tuple[bool, float, str]:
    return (endpoint.p95_ms is None, -(endpoint.p95_ms or 0.0), endpoint.route)
