"""What a gate was made from, and whether an earlier result may stand for it. Reading inputs is elsewhere."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from namecard_release.domain.gates import WORSE, GateResult, Verdict

# Labels in a result's evidence: the digest of its inputs, why it was checked, and the check that stands for it.
INPUTS = "inputs"
CHECKED_ANEW = "checked anew"
REUSED_FROM = "reused_from"
_STEPS = ((48 * 3600, 86400, "d"), (3600, 3600, "h"), (60, 60, "min"), (0, 1, "s"))


@dataclass(frozen=True)
class Policy:
    """How long a gate's result stands (`max_age_seconds`, None without limit), and whether it may be waived at all."""

    max_age_seconds: float | None
    waivable: bool = True
    reuse: bool = True


@dataclass(frozen=True)
class Inputs:
    """What a gate is made from: a digest over all of it, what of it could not be read, and the tools, in words."""

    digest: str
    unread: str = ""
    tools: str = ""


@dataclass(frozen=True)
class Reuse:
    """An earlier result stands for the gate; `reason` is how that is told."""

    result: GateResult
    reason: str


@dataclass(frozen=True)
class RunAgain:
    """The gate is run, and why nothing earlier stands for it."""

    why: str


def digest_parts(parts: Mapping[str, object]) -> str:
    """Give the SHA-256 hex over plain values as canonical JSON: sorted keys, no spaces, UTF-8."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def digest_text(text: str) -> str:
    """Give the SHA-256 hex of a text, to compare what may be a secret without keeping it."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def decide_reuse(candidates: Sequence[GateResult], inputs: Inputs, policy: Policy, now: datetime) -> Reuse | RunAgain:
    """Decide whether the newest check of the same inputs stands for the gate at `now`.

    Only PASSED is re-used. A result that was itself re-used is no check: age counts from the check, so that no chain
    of renewals outlives the limit. A check from the future says that a clock is wrong, and proves nothing.
    """
    if not policy.reuse:
        return RunAgain("the policy of this gate re-uses nothing")
    if inputs.unread:
        return RunAgain(f"what it depends on is not fully known: {inputs.unread}")
    checks = [c for c in candidates if c.evidence.get(INPUTS) == inputs.digest and REUSED_FROM not in c.evidence]
    if not checks:
        return RunAgain("nothing with these inputs was checked before")
    newest = max(checks, key=lambda c: (c.ended_at, WORSE.index(c.verdict)))
    age = (now - newest.ended_at).total_seconds()
    why = _explain_doubt(newest, age, policy.max_age_seconds)
    if why is not None:
        return RunAgain(why)
    by = f" by run {newest.run_id[:8]}" if newest.run_id else ""
    return Reuse(newest, f"same tree, same tools, checked {describe_age(age)} ago{by}: {newest.reason}")


def _explain_doubt(check: GateResult, age: float, limit: float | None) -> str | None:
    if age < 0:
        return "the last check is from the future: compare the clocks"
    if check.verdict is not Verdict.PASSED:
        return f"the last check, {describe_age(age)} ago, was {check.verdict}"
    if limit is not None and age >= limit:
        return f"the last check is {describe_age(age)} old, and the limit is {describe_age(limit)}"
    return None


def stand_for(reuse: Reuse, release: str, environment: str | None, run_id: str, now: datetime) -> GateResult:
    """Make the result of a gate for which an earlier one stands: new for this release and run, with the old phases."""
    old = reuse.result
    kept = {label: text for label, text in old.evidence.items() if label != CHECKED_ANEW}
    return replace(
        old,
        release=release,
        environment=environment,
        reason=reuse.reason,
        started_at=now,
        ended_at=now,
        evidence={**kept, REUSED_FROM: describe_origin(old)},
        run_id=run_id,
        id=None,
    )


def describe_origin(result: GateResult) -> str:
    """Name a check: its run, its moment, its number in the ledger, and the commit it was made for."""
    run = f"run {result.run_id}" if result.run_id else "no run"
    number = "" if result.id is None else f", gate result {result.id}"
    return f"{run}, {result.ended_at.isoformat()}{number}, commit {result.release}"


def describe_age(seconds: float) -> str:
    """Tell a length of time to a person in one unit: 40 s, 12 min, 5 h, 3 d."""
    size, unit = next((size, unit) for least, size, unit in _STEPS if seconds >= least or least == 0)
    return f"{seconds // size:.0f} {unit}"
