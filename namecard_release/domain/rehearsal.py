"""The rehearsal: an earlier release's own tests on a newer schema, and what they may change in the rollback verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from namecard_release.domain.compatibility import Reason, Safety
from namecard_release.domain.gates import GateResult, Phase, Verdict
from namecard_release.domain.safety import SafetyVerdict

REHEARSAL_GATE = "rehearsal"
_TAIL_LINES = 3


class RehearsalMode(StrEnum):
    """When a rehearsal is held: on_doubt where reading the statements leaves the verdict UNKNOWN."""

    NEVER = "never"
    ON_DOUBT = "on_doubt"
    ALWAYS = "always"


@dataclass(frozen=True)
class RehearsalPolicy:
    """An environment's policy; `proves` lets a rehearsal that passed turn UNKNOWN into SAFE (docs/adr/0007)."""

    mode: RehearsalMode
    proves: bool


@dataclass(frozen=True)
class DatabaseAddress:
    """Where a database is and who may use it, as a platform's command is told."""

    host: str
    port: int
    user: str
    name: str
    password: str = field(default="", repr=False)


def is_wanted(policy: RehearsalPolicy, verdict: SafetyVerdict, schema: str) -> bool:
    """Tell whether to rehearse; `schema` digests the files that would be applied, which must be the schema judged.

    With nothing between, the earlier release's own gates have tested it on this very schema.
    """
    if policy.mode is RehearsalMode.NEVER or not verdict.between or verdict.unread or verdict.schema != schema:
        return False
    return policy.mode is RehearsalMode.ALWAYS or (verdict.safety is Safety.UNKNOWN and verdict.provable)


def judge_rehearsal(tests: Sequence[Phase], used: bool, control: Sequence[Phase] | None) -> tuple[Phase, ...]:
    """Judge the tests on the newer schema by whether they used it, and by the same tests on their own schema.

    `control` is None where it was not asked for. A failure that the control shares is not the schema's, and a success
    that never connected proves nothing: both are unknown.
    """
    phases = tuple(tests)
    if any(phase.verdict is Verdict.FAILED for phase in phases):
        told = _explain_control(control or ())
        if told is None:
            return phases
        return tuple(_doubt(phase, told) if _failed(phase) else phase for phase in phases)
    if phases and not used and all(phase.verdict is Verdict.PASSED for phase in phases):
        told = "no command connected to the rehearsal's database: do they read DB_HOST, DB_PORT and DB_NAME?"
        return (*phases, Phase("database", Verdict.UNKNOWN, told))
    return phases


def _doubt(phase: Phase, told: str) -> Phase:
    return replace(phase, verdict=Verdict.UNKNOWN, reason=f"{phase.reason}, {told}")


def _failed(phase: Phase) -> bool:
    return phase.verdict is Verdict.FAILED


def _explain_control(control: Sequence[Phase]) -> str | None:
    if any(_failed(phase) for phase in control):
        return "and on the release's own schema too, so that it says nothing about this one"
    if not control or any(phase.verdict is not Verdict.PASSED for phase in control):
        return "and the same on the release's own schema gave no result to compare with"
    return None


def find_rehearsal(
    results: Sequence[GateResult], to: str, schema: str, environment: str, commands: str | None = None
) -> GateResult | None:
    """Find the newest rehearsal of a release on a schema; with `commands` only one of these that passed or failed."""
    for result in sorted(results, key=lambda result: result.ended_at, reverse=True):
        told = (result.gate, result.environment, result.evidence.get("to"), result.evidence.get("schema"))
        decided = result.verdict in (Verdict.PASSED, Verdict.FAILED)
        same = commands is None or (decided and result.evidence.get("commands") == commands)
        if told == (REHEARSAL_GATE, environment, to, schema) and same:
            return result
    return None


def apply_rehearsal(verdict: SafetyVerdict, result: GateResult | None, policy: RehearsalPolicy) -> SafetyVerdict:
    """Let a rehearsal change a verdict: one that failed makes it UNSAFE, UNSAFE stays, and only policy makes it SAFE.

    Under ALWAYS a verdict without a rehearsal that passed is never SAFE.
    """
    if not verdict.between or verdict.unread:
        return verdict
    if result is not None and result.verdict is Verdict.FAILED:
        return _fail(verdict, result)
    if verdict.safety is Safety.UNSAFE:
        return verdict
    if result is not None and result.verdict is Verdict.PASSED:
        return _pass(verdict, policy)
    why = f"the rehearsal gave no result: {result.reason}" if result else "no rehearsal was held"
    if verdict.safety is Safety.SAFE and policy.mode is RehearsalMode.ALWAYS:
        return replace(verdict, safety=Safety.UNKNOWN, reason=f"the policy asks for a rehearsal, and {why}")
    return verdict if result is None else replace(verdict, reason=f"{verdict.reason}; {why}")


def _fail(verdict: SafetyVerdict, result: GateResult) -> SafetyVerdict:
    failed = [phase for phase in result.phases if _failed(phase)]
    said = " | ".join(line.strip() for phase in failed[:1] for line in phase.tail[-_TAIL_LINES:] if line.strip())
    file = failed[0].name if failed else REHEARSAL_GATE
    why = f"the earlier release's own tests fail on this schema: {said or result.reason}"
    reason = Reason(file, 1, "rehearsal-failed", why)
    return replace(verdict, safety=Safety.UNSAFE, reason=f"{file}: {why}", reasons=(reason, *verdict.reasons))


def _pass(verdict: SafetyVerdict, policy: RehearsalPolicy) -> SafetyVerdict:
    if verdict.safety is Safety.SAFE:
        return replace(verdict, reason=f"{verdict.reason}; its own tests passed on this schema")
    if policy.proves and verdict.provable:
        told = f"its own tests passed on this schema, which settles what reading left open: {verdict.reason}"
        return replace(verdict, safety=Safety.SAFE, reason=told)
    told = "its own tests passed on this schema, which the policy does not take for proof"
    return replace(verdict, reason=f"{verdict.reason}; {told}")
