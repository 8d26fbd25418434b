"""Promotions watched after their deploy: values gathered, `decide` asked, the decision recorded. No waiting here."""

from __future__ import annotations

from dataclasses import dataclass

from namecard_release.domain.alarms import AlarmAssessment, AlarmReading, assess_alarms, settle_baseline
from namecard_release.domain.audit import AUTOMATION
from namecard_release.domain.compatibility import Safety
from namecard_release.domain.gates import GateResult, Verdict
from namecard_release.domain.promotion import Promotion, PromotionPhase
from namecard_release.domain.rollback import Action, Decision, Watched, decide, find_last_good
from namecard_release.domain.safety import SafetyVerdict
from namecard_release.errors import TransientError
from namecard_release.workflow.judging import find_way, judge_schema
from namecard_release.workflow.people import why_held
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.verifying import PROBES_GATE

_ENDED_SERVING = frozenset({PromotionPhase.FAILED, PromotionPhase.HELD, PromotionPhase.ABORTED})


@dataclass(frozen=True)
class Watch:
    """One look at one promotion and what was decided; `fresh` is True when this look recorded the decision."""

    promotion: Promotion
    decision: Decision
    readings: tuple[AlarmReading, ...]
    fresh: bool


@dataclass(frozen=True)
class Fallback:
    """Where a promotion could be rolled back to, whether the schema allows it, and the rehearsal just held, if any."""

    last_good: Promotion | None
    safety: SafetyVerdict
    rehearsal: GateResult | None = None


def find_watched(pipeline: Pipeline) -> tuple[Promotion, ...]:
    """List the promotions that need a look: baking ones, and those that ended badly while their code serves."""
    newest = [_find_newest(pipeline, name) for name in pipeline.settings.environments]
    return tuple(p for p in newest if p is not None and _needs_a_look(pipeline, p))


def _find_newest(pipeline: Pipeline, environment: str) -> Promotion | None:
    return next((p for p in pipeline.ledger.standing(environment, limit=1) if p.code_changed), None)


def _needs_a_look(pipeline: Pipeline, promotion: Promotion) -> bool:
    if promotion.phase is PromotionPhase.BAKING:
        return True
    if promotion.phase not in _ENDED_SERVING:
        return False
    # A rollback that was decided is asked for until it has begun: whoever decided it may have died before that.
    decision = pipeline.ledger.decision(promotion.id)
    return decision is None or decision.action is Action.ROLL_BACK


def read_health(pipeline: Pipeline, promotion: Promotion) -> Verdict | None:
    """Give the verdict of a promotion's probes after its deploy, None before there is one."""
    results = pipeline.ledger.gates(promotion.release, promotion.environment)
    own = [r for r in results if r.gate == PROBES_GATE and r.evidence.get("promotion") == promotion.id]
    return own[0].verdict if own else None


def find_fallback(pipeline: Pipeline, promotion: Promotion) -> Fallback:
    """Find the last good release of a promotion's environment and judge its code against the schema that this one
    leaves behind: the one applied, and before the deploy has ended its own files as well.
    """
    held = {hold.release for hold in pipeline.ledger.holds(promotion.environment)}
    history = [p for p in pipeline.ledger.standing(promotion.environment) if p.release not in held]
    last_good = find_last_good(history, promotion.environment, promotion.release)
    if last_good is None:
        return Fallback(None, SafetyVerdict(Safety.UNKNOWN, "there is no release to judge"))
    verdict = judge_schema(pipeline, find_way(promotion.environment, promotion, last_good))
    return Fallback(last_good, verdict)


def look(pipeline: Pipeline, promotion: Promotion, fallback: Fallback) -> Watch:
    """Look at one promotion: read its alarms, decide, and record a decision that is more than waiting."""
    site = pipeline.site(promotion.environment)
    recorded = pipeline.ledger.decision(promotion.id)
    if recorded is not None:
        # Whoever recorded it may have died before it was carried out.
        _apply(pipeline, promotion, recorded)
        return Watch(promotion, recorded, (), fresh=False)
    now = pipeline.clock.now()
    unread: str | None = None
    readings: tuple[AlarmReading, ...] = ()
    try:
        readings = site.cloud.alarms(site.settings.stack_names)
    except TransientError as error:
        unread = str(error)
    promotion = _settle(pipeline, promotion, readings)
    assessment = assess_alarms(promotion.baseline, readings, site.settings.alarm_rules(), now, unread)
    decision = decide(_gather(pipeline, promotion, assessment, fallback), now)
    fresh = decision.action is not Action.WAIT and pipeline.ledger.record_decision(promotion.id, decision, now)
    if fresh:
        _apply(pipeline, promotion, decision)
    return Watch(promotion, decision, readings, fresh)


def _settle(pipeline: Pipeline, promotion: Promotion, readings: tuple[AlarmReading, ...]) -> Promotion:
    # Kept in the ledger: whoever looks next must know which alarms of the baseline have been OK since.
    baseline = settle_baseline(promotion.baseline, readings)
    if baseline == promotion.baseline:
        return promotion
    told = "an alarm that was in ALARM before the deploy is OK and counts from now on"
    return pipeline.ledger.move(promotion.id, promotion.phase, pipeline.clock.now(), told, baseline=baseline)


def _gather(pipeline: Pipeline, promotion: Promotion, assessment: AlarmAssessment, fallback: Fallback) -> Watched:
    return Watched(
        promotion=promotion,
        assessment=assessment,
        health=read_health(pipeline, promotion),
        last_good=fallback.last_good,
        safety=fallback.safety,
        decided=False,
        held=why_held(pipeline.ledger, promotion.environment, pipeline.clock.now()),
        unknown_deadline_seconds=pipeline.settings.environment(promotion.environment).unknown_deadline_seconds,
    )


def _apply(pipeline: Pipeline, promotion: Promotion, decision: Decision) -> None:
    now = pipeline.clock.now()
    if decision.action is Action.PROCEED:
        pipeline.ledger.move(promotion.id, PromotionPhase.SUCCEEDED, now, decision.reason, by=AUTOMATION)
    elif decision.action is Action.HALT:
        pipeline.ledger.move(promotion.id, PromotionPhase.HELD, now, decision.reason, by=AUTOMATION)
