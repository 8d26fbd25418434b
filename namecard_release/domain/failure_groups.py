"""Failed invocations in groups of one service, error and path, whom they touched, and the cause that most point to.

All in bounded memory. Other lines of a log belong to `triage`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from namecard_release.domain.causes import Cause, Diagnosis
from namecard_release.domain.log_events import Failure

MOST_GROUPS, MOST_SAMPLES, MOST_IDS = 200, 5, 100_000
_LONGEST_NAME, _LONGEST_MESSAGE, _LONGEST_VALUE, _MOST_KEYS = 120, 500, 200, 10
_NO_NAME = "(no name)"


@dataclass(frozen=True)
class FailureSample:
    """One failed invocation of a group, enough to find it again in logs and traces."""

    at: datetime | None
    request_id: str
    invocation_id: str
    path: str
    message: str
    correlation_ids: tuple[tuple[str, str], ...]
    duration_ms: float | None = None


@dataclass(frozen=True)
class FailureGroup:
    """Failed invocations with the same service, error name and path, and what they point to.

    `samples` are the first few and the last one, in the order of the log.
    """

    service: str
    error: str
    path: str
    count: int
    first: datetime | None
    last: datetime | None
    message: str
    cause: Cause
    why: str
    samples: tuple[FailureSample, ...]


@dataclass(frozen=True)
class Impact:
    """Whom the failures touched: failed invocations, distinct correlation ids and distinct client addresses.

    With `at_least` there were more ids than are counted exactly. Addresses are counted, never kept.
    """

    requests_failed: int = 0
    correlation_ids: int = 0
    clients: int = 0
    at_least: bool = False


@dataclass
class OpenGroup:
    """A group that still grows; `raw_message` is the first one's, for the rules alone and never shown."""

    service: str
    error: str
    path: str
    raw_message: str
    count: int = 0
    first: datetime | None = None
    last: datetime | None = None
    samples: list[Failure] = field(default_factory=list)

    def add(self, failure: Failure) -> None:
        """Count one failure; the last sample gives way once there are enough."""
        self.count += 1
        if failure.at is not None:
            self.first = failure.at if self.first is None else min(self.first, failure.at)
            self.last = failure.at if self.last is None else max(self.last, failure.at)
        if len(self.samples) >= MOST_SAMPLES:
            self.samples.pop()
        self.samples.append(failure)


@dataclass
class GroupTable:
    """Every group by service, error and path; once there are `MOST_GROUPS`, a new one's failures count as other."""

    clean: Callable[[str], str]
    count: int = 0
    other: int = 0
    _groups: dict[tuple[str, str, str], OpenGroup] = field(default_factory=dict)

    def add(self, failure: Failure, path: str) -> None:
        """Count one failure under the path that its request's path is grouped by."""
        self.count += 1
        error = failure.error[:_LONGEST_NAME] or _NO_NAME
        key = (failure.service, error, path)
        group = self._groups.get(key)
        if group is None:
            if len(self._groups) >= MOST_GROUPS:
                self.other += 1
                return
            group = self._groups[key] = OpenGroup(*key, failure.message)
        group.add(failure)

    def ranked(self, judge: Callable[[OpenGroup], Diagnosis]) -> tuple[FailureGroup, ...]:
        """Give the groups, the largest first, each with the cause that it is judged to have."""
        closed = [self._close(group, judge(group)) for group in self._groups.values()]
        return tuple(sorted(closed, key=lambda one: (-one.count, one.service, one.error, one.path)))

    def _close(self, group: OpenGroup, told: Diagnosis) -> FailureGroup:
        return FailureGroup(
            service=group.service,
            error=self.clean(group.error),
            path=self.clean(group.path),
            count=group.count,
            first=group.first,
            last=group.last,
            message=self.clean(group.raw_message)[:_LONGEST_MESSAGE],
            cause=told.cause,
            why=self.clean(told.reason),
            samples=tuple(_sample(failure, self.clean) for failure in group.samples),
        )


@dataclass
class ImpactCounter:
    """Counts distinct ids of the failed, up to a bound."""

    _correlations: set[str] = field(default_factory=set)
    _clients: set[str] = field(default_factory=set)
    _more: bool = False

    def add(self, failure: Failure) -> None:
        """Take one failure; without a correlation id its request stands for itself."""
        ids = dict(failure.correlation)
        own = ids.get("x-correlation-id") or failure.request_id or failure.invocation_id
        self._keep(self._correlations, own)
        # The first hop is the client; what follows are proxies.
        self._keep(self._clients, ids.get("x-forwarded-for", "").partition(",")[0].strip())

    def _keep(self, known: set[str], value: str) -> None:
        if not value or value in known:
            return
        if len(known) >= MOST_IDS:
            self._more = True
            return
        known.add(value[:_LONGEST_VALUE])

    def result(self, failed: int) -> Impact:
        """Give the counts."""
        return Impact(failed, len(self._correlations), len(self._clients), self._more)


def judge_cause(groups: Sequence[FailureGroup], failed: int, memory_exhausted: int = 0) -> Diagnosis:
    """Name the cause that more than half of all failures point to; UNKNOWN where none does, with what there is.

    A runtime that exited is out of memory where Lambda reported invocations that used all they had.
    """
    if failed == 0:
        return Diagnosis(Cause.UNKNOWN, "no failed invocation was found in this log and window")
    shares: Counter[Cause] = Counter()
    for group in groups:
        shares[_with_memory(group, memory_exhausted)] += group.count
    cause, count = shares.most_common(1)[0]
    if cause is Cause.UNKNOWN or 2 * count <= failed:
        parts = ", ".join(f"{n} {one}" for one, n in shares.most_common())
        return Diagnosis(Cause.UNKNOWN, f"no known cause explains most of the {failed} failed invocations: {parts}")
    largest = next(group for group in groups if _with_memory(group, memory_exhausted) is cause)
    return Diagnosis(cause, _tell(largest, cause, count, failed, memory_exhausted))


def _tell(largest: FailureGroup, cause: Cause, count: int, failed: int, memory_exhausted: int) -> str:
    where = f" at {largest.path}" if largest.path else ""
    why = largest.why
    if cause is Cause.OUT_OF_MEMORY and largest.cause is not cause:
        why = f"Lambda reported {memory_exhausted} invocations that used all their memory"
    plural = "invocation points" if failed == 1 else "invocations point"
    return (
        f"{count} of {failed} failed {plural} to {cause}; most are {largest.error} of "
        f"{largest.service or 'an unnamed service'}{where}: {why}"
    )


def _with_memory(group: FailureGroup, memory_exhausted: int) -> Cause:
    if memory_exhausted and group.error.endswith("ExitError"):
        return Cause.OUT_OF_MEMORY
    return group.cause


def _sample(failure: Failure, clean: Callable[[str], str]) -> FailureSample:
    # Secrets go first: one that is cut in two would not be known for what it is.
    def short(text: str) -> str:
        return clean(text)[:_LONGEST_VALUE]

    return FailureSample(
        at=failure.at,
        request_id=short(failure.request_id),
        invocation_id=short(failure.invocation_id),
        path=short(failure.path.partition("?")[0]),
        message=clean(failure.message)[:_LONGEST_MESSAGE],
        correlation_ids=tuple((short(key), short(value)) for key, value in failure.correlation[:_MOST_KEYS]),
        duration_ms=failure.duration_ms,
    )
