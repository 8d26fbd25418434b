"""What a rollback would mean, told before a deploy: judged, rehearsed where the policy asks for it, recorded."""

from __future__ import annotations

from dataclasses import replace

from namecard_release.domain.promotion import Promotion
from namecard_release.domain.release import short
from namecard_release.ports import LineSink
from namecard_release.workflow.judging import record_verdict
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.rehearsing import rehearse_rollback
from namecard_release.workflow.watching import Fallback, find_fallback


def foretell_rollback(pipeline: Pipeline, promotion: Promotion, run_id: str, on_line: LineSink) -> Fallback:
    """Find where a promotion could be rolled back to once it is deployed, rehearse that if asked for, record it."""
    fallback = find_fallback(pipeline, promotion)
    if fallback.last_good is not None:
        rehearsal = rehearse_rollback(pipeline, promotion, fallback.last_good, fallback.safety, run_id, on_line)
        if rehearsal is not None:
            fallback = replace(find_fallback(pipeline, promotion), rehearsal=rehearsal)
    told = describe_fallback(fallback)
    record_verdict(pipeline, promotion, fallback.last_good, fallback.safety, told, run_id)
    return fallback


def describe_fallback(fallback: Fallback) -> str:
    """Say before a deploy what a rollback would mean."""
    if fallback.last_good is None:
        return "if this goes wrong there is no verified release to roll back to"
    target, safety = fallback.last_good, fallback.safety
    return f"if this goes wrong, rollback to {short(target.release)} is {safety.safety}: {safety.reason}"
