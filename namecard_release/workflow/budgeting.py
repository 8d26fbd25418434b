"""Latency compared with the release's budgets when its bake ends. It informs: no promotion waits for it."""

from __future__ import annotations

from namecard_release.domain.budgets import Expected, read_budgets
from namecard_release.domain.gates import GateResult, Phase, Verdict
from namecard_release.domain.latency import judge_latency, measured_window
from namecard_release.domain.launch import BUDGETS
from namecard_release.domain.promotion import Promotion
from namecard_release.errors import ReleaseError
from namecard_release.workflow.gating import conclude
from namecard_release.workflow.pipeline import Pipeline

LATENCY_GATE = "latency_budget"


def compare_latency(pipeline: Pipeline, promotion: Promotion) -> GateResult:
    """Compare each service's p95 since the deploy with its target and record the result as the gate `latency_budget`.

    What cannot be read makes it UNKNOWN; it raises nothing for that, since the release has already succeeded.
    """
    started = pipeline.clock.now()
    since, until = measured_window(promotion.deployed_at or started, started)
    try:
        phases = _judge(pipeline, promotion)
    except ReleaseError as error:
        phases = (Phase("latencies", Verdict.UNKNOWN, f"not read: {error}"),)
    evidence = {"promotion": promotion.id, "since": since.isoformat(), "until": until.isoformat()}
    own = promotion.environment
    return conclude(pipeline, LATENCY_GATE, promotion.release, phases, started, promotion.run_id, evidence, own)


def _judge(pipeline: Pipeline, promotion: Promotion) -> tuple[Phase, ...]:
    site = pipeline.site(promotion.environment)
    services, names = pipeline.settings.platform.services, pipeline.settings.environment_names()
    text = pipeline.repository.read_text(promotion.release, BUDGETS)
    if text is None:
        return (Phase("budgets", Verdict.UNKNOWN, f"the release has no {BUDGETS}"),)
    budgets = read_budgets(BUDGETS, text, Expected(services, names)).budgets
    now = pipeline.clock.now()
    since, until = measured_window(promotion.deployed_at or now, now)
    read = site.cloud.latencies(site.settings.stack_names, since, until)
    own = frozenset(alias for alias, key in names.items() if key == site.settings.key)
    return judge_latency(services, budgets, own, read)
