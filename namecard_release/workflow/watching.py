"""Promotions watched after their deploy: values gathered, `decide` asked, the decision recorded. No waiting here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from namecard_release.domain.alarm_gaps import Past, explain_unread
from namecard_release.domain.alarms import AlarmAssessment, AlarmReading, AlarmVerdict, assess_alarms, settle_baseline
from namecard_release.domain.audit import AUTOMATION
from namecard_release.domain.compatibility import Safety
from namecard_release.domain.gates import GateResult, Verdict
from namecard_release.domain.post_bake import is_watched
from namecard_release.domain.promotion import Promotion, PromotionPhase
from namecard_release.domain.rollback import Action, Decision, Watched, decide, decide_in_order, find_last_good
from namecard_release.domain.safety import SafetyVerdict
from namecard_release.errors import ReleaseError
from namecard_release.workflow.catching_up import note_read, read_past
from namecard_release.workflow.judging import find_way, judge_schema
from namecard_release.workflow.paging import page_after_bake, page_alarms, page_stopped
from namecard_release.workflow.partial import read_partial
from namecard_release.workflow.people import why_held
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.recovering import find_relapse
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


@dataclass(frozen=True)
class Signals:
    """What was read about a promotion at a moment; its baseline is settled by what was read.

    `assessment` is what the alarms say now, or the breach of a span in which nobody looked, which `past` tells.
    """

    promotion: Promotion
    readings: tuple[AlarmReading, ...]
    assessment: AlarmAssessment
    health: Verdict | None
    now: datetime
    past: Past

    @property
    def breaches(self) -> bool:
        """Whether an alarm that decides is breached, or the probes failed."""
        return self.assessment.verdict is AlarmVerdict.BREACHED or self.health is Verdict.FAILED

    @property
    def page_by(self) -> tuple[AlarmReading, ...]:
        """The alarms that ask for people, or did while nobody looked."""
        asking = {reading.arn: reading for reading in (*self.past.page_by, *self.assessment.page_by)}
        return tuple(asking.values())

    def understood_until(self, decision: Decision, at: datetime) -> datetime | None:
        """Give the moment up to which nothing is open once `decision` was made for `at`; None where that does not move.

        A breach that waits, for a schema that is not read, stays open though its alarm may be OK by the next look.
        """
        if not self.readings or self.past.unread is not None or self.past.breach is not None:
            return None
        waits = decision.action is Action.WAIT and self.assessment.verdict is AlarmVerdict.BREACHED
        return min(reading.since for reading in self.assessment.roll_back_by) if waits else at


def find_serving(pipeline: Pipeline) -> tuple[Promotion, ...]:
    """List what serves or may serve: of each environment the newest promotion that began to deploy."""
    standing = (pipeline.ledger.standing(name, limit=1) for name in pipeline.settings.environments)
    newest = [next((one for one in found if one.code_changed), None) for found in standing]
    return tuple(promotion for promotion in newest if promotion is not None)


def find_watched(pipeline: Pipeline, serving: Sequence[Promotion] | None = None) -> tuple[Promotion, ...]:
    """List the promotions that need a look: baking ones, and those that ended badly while their code serves.

    `serving` is what `find_serving` gave a moment ago, to read it once for both lists.
    """
    return tuple(p for p in (find_serving(pipeline) if serving is None else serving) if _needs_a_look(pipeline, p))


def _needs_a_look(pipeline: Pipeline, promotion: Promotion) -> bool:
    if promotion.phase is PromotionPhase.BAKING:
        return True
    if promotion.phase not in _ENDED_SERVING:
        return False
    # A rollback that was decided is asked for until it has begun: whoever decided it may have died before that.
    decision = pipeline.ledger.decision(promotion.id)
    return decision is None or decision.action is Action.ROLL_BACK


def find_watched_after_bake(pipeline: Pipeline, serving: Sequence[Promotion] | None = None) -> tuple[Promotion, ...]:
    """List the promotions that succeeded and are watched on: what serves, for as long as the policy says."""
    found = find_serving(pipeline) if serving is None else serving
    return tuple(promotion for promotion in found if _is_watched_after_bake(pipeline, promotion))


def _is_watched_after_bake(pipeline: Pipeline, promotion: Promotion) -> bool:
    policy = pipeline.settings.environment(promotion.environment).post_bake.policy()
    if not is_watched(promotion, policy, pipeline.clock.now()):
        return False
    decision = pipeline.ledger.post_bake_decision(promotion.id)
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
    recorded = pipeline.ledger.decision(promotion.id)
    if recorded is not None:
        # Whoever recorded it may have died before it was carried out.
        _apply(pipeline, promotion, recorded)
        return Watch(promotion, recorded, (), fresh=False)
    seen = read_signals(pipeline, promotion)
    quiet = [(one.at, one.assessment) for one in seen.past.quiet]
    decision, at = decide_in_order(gather(pipeline, seen, fallback), quiet, seen.now)
    page_alarms(pipeline, seen.promotion, seen.page_by)
    _note_read(pipeline, seen, decision, at)
    fresh = decision.action is not Action.WAIT and pipeline.ledger.record_decision(promotion.id, decision, seen.now)
    if fresh:
        _apply(pipeline, seen.promotion, decision)
    return Watch(seen.promotion, decision, seen.readings, fresh)


def look_after_bake(pipeline: Pipeline, promotion: Promotion) -> Watch:
    """Look at one promotion that succeeded, as `look` does at one that bakes; its phase stays whatever is decided.

    Where it could go back to is found when something breaches, for this watch is long.
    """
    recorded = pipeline.ledger.post_bake_decision(promotion.id)
    if recorded is not None:
        return Watch(promotion, recorded, (), fresh=False)
    seen = read_signals(pipeline, promotion)
    page_alarms(pipeline, seen.promotion, seen.page_by)
    if not seen.breaches:
        quiet = Decision(Action.WAIT, f"watched after its bake: {seen.assessment.reason}")
        _note_read(pipeline, seen, quiet, seen.now)
        return Watch(seen.promotion, quiet, seen.readings, fresh=False)
    decision = decide(gather(pipeline, seen, find_fallback(pipeline, seen.promotion)), seen.now)
    _note_read(pipeline, seen, decision, seen.now)
    fresh = decision.action is not Action.WAIT and pipeline.ledger.record_post_bake(promotion.id, decision, seen.now)
    if fresh and decision.action is Action.HALT:
        page_after_bake(pipeline, seen.promotion, decision.reason)
    return Watch(seen.promotion, decision, seen.readings, fresh)


def _note_read(pipeline: Pipeline, seen: Signals, decision: Decision, at: datetime) -> None:
    until = seen.understood_until(decision, at)
    if until is not None:
        note_read(pipeline, seen.promotion.environment, until)


def read_signals(pipeline: Pipeline, promotion: Promotion) -> Signals:
    """Read a promotion's alarms, what they did unseen, and the verdict of its probes; assess the alarms."""
    site = pipeline.site(promotion.environment)
    now = pipeline.clock.now()
    unread: str | None = None
    readings: tuple[AlarmReading, ...] = ()
    try:
        # Another process deployed it: the names that this one remembers may be those of the release before.
        readings = site.cloud.alarms(site.settings.stack_names, promotion.deployed_at or promotion.deploy_started_at)
    except ReleaseError as error:
        # Whatever kept them from being read, credentials that expired for instance, says nothing about the release.
        unread = str(error)
    past = Past(promotion.baseline) if unread is not None else read_past(pipeline, promotion, readings, now)
    promotion = _settle(pipeline, promotion, settle_baseline(past.baseline, readings))
    assessment = assess_alarms(promotion.baseline, readings, site.settings.alarm_rules(), now, unread)
    told = explain_unread(assessment, past) if past.breach is None else past.breach.assessment
    if told.verdict is not AlarmVerdict.BREACHED and (relapse := find_relapse(pipeline, promotion, readings)):
        told = replace(told, verdict=AlarmVerdict.BREACHED, reason=relapse[1], roll_back_by=relapse[0])
    return Signals(promotion, readings, told, read_health(pipeline, promotion), now, past)


def _settle(pipeline: Pipeline, promotion: Promotion, baseline: tuple[AlarmReading, ...]) -> Promotion:
    # Kept in the ledger: whoever looks next must know which alarms of the baseline have been OK since.
    if baseline == promotion.baseline:
        return promotion
    told = "an alarm that was in ALARM before the deploy is OK and counts from now on"
    return pipeline.ledger.move(promotion.id, promotion.phase, pipeline.clock.now(), told, baseline=baseline)


def gather(pipeline: Pipeline, seen: Signals, fallback: Fallback) -> Watched:
    """Put together what the decision about a promotion looks at."""
    own = pipeline.settings.environment(seen.promotion.environment)
    partial = read_partial(pipeline, seen.promotion) if seen.promotion.phase in _ENDED_SERVING else None
    return Watched(
        promotion=seen.promotion,
        assessment=seen.assessment,
        health=seen.health,
        last_good=fallback.last_good,
        safety=fallback.safety,
        decided=False,
        held=why_held(pipeline.ledger, seen.promotion.environment, seen.now),
        unknown_deadline_seconds=own.unknown_deadline_seconds,
        unread_since=_find_unread_since(pipeline, seen, fallback, partial),
        after_bake=own.post_bake.policy().action,
        partial=partial,
    )


def _find_unread_since(pipeline: Pipeline, seen: Signals, fallback: Fallback, partial: str | None) -> datetime | None:
    """Give the moment since which this breach waits for the schema: kept in the ledger, or a restart would renew it."""
    if not ((seen.breaches or partial is not None) and fallback.safety.unread):
        return None
    by = seen.assessment.roll_back_by
    first = min(by, key=lambda reading: (reading.since, reading.arn), default=None)
    what = ("the stacks" if partial else "the probes") if first is None else f"{first.arn} {first.since.isoformat()}"
    return pipeline.ledger.mark(seen.promotion.id, f"schema unread for {what}", seen.now) or seen.now


def _apply(pipeline: Pipeline, promotion: Promotion, decision: Decision) -> None:
    now = pipeline.clock.now()
    if decision.action is Action.PROCEED:
        pipeline.ledger.move(promotion.id, PromotionPhase.SUCCEEDED, now, decision.reason, by=AUTOMATION)
    elif decision.action is Action.HALT:
        pipeline.ledger.move(promotion.id, PromotionPhase.HELD, now, decision.reason, by=AUTOMATION)
        page_stopped(pipeline, replace(promotion, phase=PromotionPhase.HELD, reason=decision.reason))
