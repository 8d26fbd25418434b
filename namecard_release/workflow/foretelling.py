"""What a rollback would mean, told before a deploy: judged, rehearsed where the policy asks for it, recorded."""

from __future__ import annotations

from dataclasses import replace

from namecard_release.domain.compatibility import Reason, Safety
from namecard_release.domain.gates import GateResult, Phase, Verdict
from namecard_release.domain.promotion import Promotion
from namecard_release.domain.release import short
from namecard_release.ports import LineSink
from namecard_release.workflow.gating import VERDICT_GATE
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.rehearsing import rehearse_rollback
from namecard_release.workflow.watching import Fallback, find_fallback

_VERDICTS = {Safety.SAFE: Verdict.PASSED, Safety.UNSAFE: Verdict.FAILED, Safety.UNKNOWN: Verdict.UNKNOWN}


def foretell_rollback(pipeline: Pipeline, promotion: Promotion, run_id: str, on_line: LineSink) -> Fallback:
    """Find where a promotion could be rolled back to once it is deployed, rehearse that if asked for, record it."""
    fallback = find_fallback(pipeline, promotion)
    if fallback.last_good is not None:
        rehearsal = rehearse_rollback(pipeline, promotion, fallback.last_good, fallback.safety, run_id, on_line)
        if rehearsal is not None:
            fallback = replace(find_fallback(pipeline, promotion), rehearsal=rehearsal)
    record_verdict(pipeline, promotion, fallback, run_id)
    return fallback


def describe_fallback(fallback: Fallback) -> str:
    """Say before a deploy what a rollback would mean."""
    if fallback.last_good is None:
        return "if this goes wrong there is no verified release to roll back to"
    target, safety = fallback.last_good, fallback.safety
    return f"if this goes wrong, rollback to {short(target.release)} is {safety.safety}: {safety.reason}"


def record_verdict(pipeline: Pipeline, promotion: Promotion, fallback: Fallback, run_id: str) -> GateResult:
    """Record what a rollback of a promotion would mean as a gate result that admits and refuses nothing."""
    verdict = fallback.safety
    now = pipeline.clock.now()
    evidence = {"promotion": promotion.id, "schema": verdict.schema, "between": ", ".join(verdict.between)}
    if fallback.last_good is not None:
        evidence["to"] = fallback.last_good.release
    result = GateResult(
        gate=VERDICT_GATE,
        release=promotion.release,
        verdict=_VERDICTS[verdict.safety],
        reason=describe_fallback(fallback),
        started_at=now,
        ended_at=now,
        environment=promotion.environment,
        phases=tuple(_phase(reason, verdict.safety) for reason in verdict.reasons),
        evidence=evidence,
        run_id=run_id,
    )
    pipeline.ledger.record_gate(result)
    return result


def _phase(reason: Reason, safety: Safety) -> Phase:
    return Phase(f"{reason.file}:{reason.line}", _VERDICTS[safety], f"{reason.rule}: {reason.why}")
