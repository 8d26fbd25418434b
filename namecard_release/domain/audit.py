"""The audit trail: what people and automation decided, sealed entry by entry. Keeping it is the ledger's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from namecard_release.domain.gates import Verdict

# What the first entry follows on.
START = "0" * 64
# Who is told as the actor when no person was.
AUTOMATION = "automation"
_SEALED = ("n", "at", "actor", "action", "subject", "environment", "reason", "details", "previous")
_TEXTS = tuple(name for name in (*_SEALED, "hash") if name not in ("n", "environment"))


@dataclass(frozen=True)
class AuditEvent:
    """What was decided, before it has its place in the trail.

    `action` is a short name such as `hold placed`, `subject` what it is about (a promotion's id, a release),
    `environment` None when it is about all; `details` holds texts and numbers that JSON can hold.
    """

    at: datetime
    actor: str
    action: str
    subject: str
    environment: str | None
    reason: str
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class AuditEntry:
    """One entry as it is kept: `at` in ISO 8601 (UTC), `details` as canonical JSON, hashes as 64 hex digits."""

    n: int
    at: str
    actor: str
    action: str
    subject: str
    environment: str | None
    reason: str
    details: str
    previous: str
    hash: str


@dataclass(frozen=True)
class Head:
    """The trail's newest entry, as it is noted outside of the trail; an empty trail's is 0 and `START`."""

    n: int = 0
    hash: str = START


@dataclass(frozen=True)
class TrailVerdict:
    """PASSED or FAILED, the entries that were read, and the first that is not as it was written, where one is named."""

    verdict: Verdict
    entries: int
    first_bad: int | None
    reason: str
    head: str


def seal_entry(event: AuditEvent, head: Head) -> AuditEntry:
    """Give an event its place after the head. Raises ValueError for a moment without a time zone."""
    if event.at.tzinfo is None:
        raise ValueError(f"a moment in the audit trail needs a time zone: {event.at.isoformat()}")
    n, at = head.n + 1, event.at.astimezone(UTC).isoformat()
    entry = AuditEntry(
        n=n,
        at=at,
        actor=clean_text(event.actor),
        action=clean_text(event.action),
        subject=clean_text(event.subject),
        environment=None if event.environment is None else clean_text(event.environment),
        reason=clean_text(event.reason),
        details=_canonical(dict(event.details)),
        previous=head.hash,
        hash="",
    )
    return replace(entry, hash=_digest(entry))


def clean_text(text: str) -> str:
    """Replace what no database keeps (NUL, half a surrogate), so that what is sealed is what comes back."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode("utf-8")


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def _digest(entry: AuditEntry) -> str:
    # A JSON array keeps its elements apart, whatever is in them, and null apart from an empty text.
    told = [getattr(entry, name) for name in _SEALED]
    return hashlib.sha256(_canonical(told).encode("ascii")).hexdigest()


def verify_trail(
    entries: Iterable[AuditEntry], head: Head | None, noted: Mapping[str, str], expected: str | None = None
) -> TrailVerdict:
    """Verify a trail read in the order of its numbers.

    `head` is the newest entry as the ledger notes it beside the trail, `noted` the hashes that other rows of the
    ledger keep with what each is of, `expected` a hash that somebody kept elsewhere: it must be in the trail.
    """
    missing = dict(noted) if expected is None else {expected: "the head that was expected", **noted}
    count, last = 0, Head()
    missing.pop(last.hash, None)
    for entry in entries:
        wrong = _explain_bad(entry, last)
        if wrong is not None:
            bad = min(entry.n, last.n + 1) if isinstance(entry.n, int) else last.n + 1
            return TrailVerdict(Verdict.FAILED, count, bad, wrong, last.hash)
        count, last = count + 1, Head(entry.n, entry.hash)
        missing.pop(entry.hash, None)
    return _judge_end(count, last, head, missing)


def _explain_bad(entry: AuditEntry, last: Head) -> str | None:
    texts = [getattr(entry, name) for name in _TEXTS]
    if not all(isinstance(text, str) for text in texts) or not isinstance(entry.environment, str | None):
        return f"entry {last.n + 1} holds what is no text: it was changed"
    if entry.n != last.n + 1:
        return f"entry {last.n + 1} is not there: {entry.n} follows on {last.n}"
    if entry.previous != last.hash:
        return f"entry {entry.n} does not follow on the one before it: it was changed, moved or inserted"
    if _digest(entry) != entry.hash:
        return f"entry {entry.n} is not what was sealed: it was changed"
    return None


def _judge_end(count: int, last: Head, head: Head | None, missing: Mapping[str, str]) -> TrailVerdict:
    def _fail(first_bad: int | None, reason: str) -> TrailVerdict:
        return TrailVerdict(Verdict.FAILED, count, first_bad, reason, last.hash)

    if head is None:
        return _fail(last.n + 1, "the ledger notes no newest entry: the note was removed")
    if head.n > last.n:
        return _fail(last.n + 1, f"entry {last.n + 1} is not there: {head.n} was the newest")
    if head.n < last.n:
        return _fail(head.n + 1, f"entry {head.n + 1} was inserted: {head.n} is the newest")
    if head.hash != last.hash:
        return _fail(last.n, f"entry {last.n} is not the one that was noted as the newest")
    if missing:
        digest, what = next(iter(missing.items()))
        return _fail(None, f"{what} is no longer in the trail: {digest[:16]}")
    return TrailVerdict(Verdict.PASSED, count, None, f"{count} entries, each as it was sealed", last.hash)
