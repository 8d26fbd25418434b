"""One assembly brought onto one environment, the same for a promotion and a rollback. Judging it is `verifying`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import NoReturn

from namecard_release.domain.alarms import AlarmReading
from namecard_release.domain.assembly import Assembly
from namecard_release.domain.deploy_contact import explain_lost_contact
from namecard_release.domain.deploys import Ending, describe_stacks, is_deployed, judge_ending, may_go_on
from namecard_release.domain.gates import Phase, Verdict, judge_command
from namecard_release.domain.promotion import Promotion, PromotionKind, PromotionPhase
from namecard_release.domain.readiness import StackStatus
from namecard_release.domain.stuck_stacks import explain_blocked, explain_stuck, is_moving
from namecard_release.errors import PermanentError, ReleaseError, TransientError
from namecard_release.ports import LineSink
from namecard_release.workflow.leasing import Heartbeat, Wait
from namecard_release.workflow.partial import record_partial
from namecard_release.workflow.pipeline import Pipeline, Site
from namecard_release.workflow.promoting import stop
from namecard_release.workflow.verifying import find_base_url

_POLL_SECONDS = 1.0
_LOST_CONTACT = "lost AWS"
# CloudFormation is asked each time for so many looks of the runner (four a second), then every so manyth.
_EAGER_LOOKS = 60
_CALM_LOOKS = 8
# cdk that is killed again and again has a reason that another attempt does not mend.
_ATTEMPTS = 3


def deploy_release(
    pipeline: Pipeline,
    promotion: Promotion,
    assembly: Assembly,
    heartbeat: Heartbeat,
    on_line: LineSink,
    wait: Wait | None = None,
    note: str | None = None,
) -> tuple[Promotion, Phase | None]:
    """Deploy an assembly unless a killed run of the same promotion already did; gives the deploy's phase, if any.

    Every write is made under the lease, which is confirmed right before cdk starts; when it is lost cdk is ended.
    `note` is told with the move to DEPLOYING.

    Raises StoppedError: FAILED when cdk fails, with the end of its output (the stack keeps the old code then), HELD for
    a stack that is stuck, with the way out; RefusedError when the lease is lost.
    """
    pipeline = heartbeat.pipeline
    site = pipeline.site(promotion.environment)
    pause = held_wait(heartbeat, wait or threading.Event().wait)
    with _held_when_unread(pipeline, promotion, "nothing more was deployed"):
        before = settle_stacks(site, pause)
        blocked = explain_blocked(before)
        if blocked is not None:
            stop(pipeline, promotion.id, PromotionPhase.HELD, blocked)
        runs = promotion.deploy_started_at is not None and _runs_already(pipeline, site, promotion, assembly)
        baseline = () if promotion.deploy_started_at is not None else read_baseline(site)
    if runs:
        return _mark_deployed(pipeline, promotion), None
    promotion = _begin(pipeline, site, promotion, assembly, note, baseline)
    with _held_when_unread(pipeline, promotion, "what cdk left is not known"):
        phase, before, after = _run_cdk(site, assembly, heartbeat, on_line, pause, before)
    site.cloud.forget_alarms()
    if phase.verdict is not Verdict.PASSED:
        phase = _judge_unfinished(pipeline, promotion, phase, before, after)
    return _mark_deployed(pipeline, promotion), phase


@contextmanager
def _held_when_unread(pipeline: Pipeline, promotion: Promotion, what: str) -> Iterator[None]:
    """End a promotion as HELD, StoppedError, when AWS does not answer inside; what it refuses is raised as it is."""
    try:
        yield
    except TransientError as error:
        stop(pipeline, promotion.id, PromotionPhase.HELD, f"{error}; {what}")


def _run_cdk(
    site: Site,
    assembly: Assembly,
    heartbeat: Heartbeat,
    on_line: LineSink,
    pause: Wait,
    before: tuple[StackStatus, ...],
) -> tuple[Phase, tuple[StackStatus, ...], tuple[StackStatus, ...]]:
    """Run cdk, and again when it was killed or lost AWS before its work was done: what is deployed stays as it is.

    Gives the phase of the last attempt with the stacks before and after it; those after one that passed are not read.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        is_over = _over(heartbeat, StackWatch(site, before))
        heartbeat.confirm()
        outcome = site.deployer.deploy(assembly, site.settings.stack_names, on_line, is_over)
        heartbeat.check()
        phase = _without_contact(judge_command("cdk deploy", outcome))
        if phase.verdict is Verdict.PASSED:
            break
        after = settle_stacks(site, pause)
        is_done = judge_ending(before, after) is Ending.DEPLOYED
        may = outcome.was_killed or is_contact_lost(phase)
        if is_done or not may or not may_go_on(before, after) or attempt == _ATTEMPTS:
            return phase, before, after
        why = "was killed before it was done" if outcome.was_killed else phase.reason
        on_line(f"cdk {why}: again, attempt {attempt + 1} of {_ATTEMPTS}")
        before = after
    return phase, before, ()


def _without_contact(phase: Phase) -> Phase:
    """Give the phase as UNKNOWN where cdk failed for want of an answer: CloudFormation tells what was done."""
    lost = explain_lost_contact(phase.tail) if phase.verdict is Verdict.FAILED else None
    return phase if lost is None else replace(phase, verdict=Verdict.UNKNOWN, reason=f"{_LOST_CONTACT}: {lost}")


def is_contact_lost(phase: Phase) -> bool:
    """Tell whether cdk failed only because AWS did not answer it."""
    return phase.verdict is Verdict.UNKNOWN and phase.reason.startswith(_LOST_CONTACT)


def _over(heartbeat: Heartbeat, watch: StackWatch) -> Callable[[frozenset[str]], bool]:
    return lambda told: heartbeat.is_lost or watch.is_deployed(told)


def held_wait(heartbeat: Heartbeat, wait: Wait) -> Wait:
    """Give a wait that raises RefusedError, like the heart-beat's `check`, once the lease is lost."""

    def _wait(seconds: float) -> None:
        heartbeat.check()
        wait(seconds)

    return _wait


def _judge_unfinished(
    pipeline: Pipeline,
    promotion: Promotion,
    phase: Phase,
    before: tuple[StackStatus, ...],
    after: tuple[StackStatus, ...],
) -> Phase:
    """Judge a deploy whose cdk failed or was killed; one that CloudFormation finished without cdk goes on.

    Raises StoppedError (FAILED) otherwise.
    """
    ending = judge_ending(before, after)
    if ending is not Ending.DEPLOYED or phase.verdict is not Verdict.UNKNOWN:
        _stop_failed(pipeline, promotion, phase, ending, before, after)
    return replace(phase, reason=f"{phase.reason}; CloudFormation finished it")


def _stop_failed(
    pipeline: Pipeline,
    promotion: Promotion,
    phase: Phase,
    ending: Ending,
    before: tuple[StackStatus, ...],
    after: tuple[StackStatus, ...],
) -> NoReturn:
    told = " | ".join(line for line in phase.tail[-4:] if line.strip())
    where, stuck = describe_stacks(before, after), explain_stuck(after)
    if ending is Ending.PARTIAL:
        record_partial(pipeline, promotion, where)
    if ending is Ending.OLD:
        # CloudFormation put the old code back: what serves is what served before, and is watched as such.
        pipeline.ledger.move(promotion.id, promotion.phase, pipeline.clock.now(), "old code kept", code_changed=False)
    why = f"cdk deploy: {phase.reason}: {told}; {where}"
    phase_after = PromotionPhase.HELD if is_contact_lost(phase) else PromotionPhase.FAILED
    stop(pipeline, promotion.id, phase_after, why if stuck is None else f"{why}; {stuck}")


class StackWatch:
    """Watches CloudFormation while the deploying tool runs, which itself looks every five seconds only."""

    def __init__(self, site: Site, before: tuple[StackStatus, ...]) -> None:
        self._site = site
        self._before = before
        self._looks = 0

    def is_deployed(self, told: frozenset[str]) -> bool:
        """Tell whether every stack is deployed; a look that fails leaves the tool to find out by itself."""
        self._looks += 1
        if self._looks > _EAGER_LOOKS and self._looks % _CALM_LOOKS:
            return False
        try:
            now = self._site.cloud.stack_statuses(self._site.settings.stack_names)
        except ReleaseError:
            return False
        return is_deployed(self._before, now, told)


def settle_stacks(site: Site, wait: Wait) -> tuple[StackStatus, ...]:
    """Wait until no stack is in progress: an earlier run may have died while CloudFormation works on.

    Gives the statuses as they are after the environment's `settling_seconds` at the latest; one in progress hangs then.
    """
    limit, waited = site.settings.deadlines.settling_seconds, 0.0
    while True:
        statuses = site.cloud.stack_statuses(site.settings.stack_names)
        if waited >= limit or not any(is_moving(stack) for stack in statuses):
            return statuses
        wait(_POLL_SECONDS)
        waited += _POLL_SECONDS


def _runs_already(pipeline: Pipeline, site: Site, promotion: Promotion, assembly: Assembly) -> bool:
    """Tell whether what serves is this release; whether it is healthy is judged later, and mended by no second deploy.

    The code alone does not tell two releases apart that differ in their migrations: a service has to say which it is.
    What a fast path switched serves without CloudFormation knowing: then its templates have to say it as well.
    """
    if pipeline.ledger.steps(promotion.id) and not site.switch.holds_code(assembly):
        return False
    outputs = site.cloud.outputs(site.settings.stack_names)
    base = find_base_url(site, outputs)
    if base is None or not all(function.is_expected for function in site.cloud.functions(assembly)):
        return False
    probes = pipeline.prober.probe(base, pipeline.settings.platform.services)
    return {probe.version for probe in probes if probe.version is not None} == {assembly.release}


def _begin(
    pipeline: Pipeline,
    site: Site,
    promotion: Promotion,
    assembly: Assembly,
    note: str | None,
    baseline: tuple[AlarmReading, ...],
) -> Promotion:
    now = pipeline.clock.now()
    history = pipeline.ledger.standing(site.name)
    phase, digest = PromotionPhase.DEPLOYING, assembly.digest
    if promotion.deploy_started_at is not None:
        return pipeline.ledger.move(promotion.id, phase, now, note, assembly=digest, code_changed=True)
    return pipeline.ledger.move(
        promotion.id,
        phase,
        now,
        note,
        assembly=digest,
        deploy_started_at=now,
        code_changed=True,
        previous_release=next((p.release for p in history if p.code_changed and p.id != promotion.id), None),
        baseline=baseline,
    )


def read_baseline(site: Site) -> tuple[AlarmReading, ...]:
    """Read the alarms as they are before a deploy; a first deploy has none."""
    there = [s.name for s in site.cloud.stack_statuses(site.settings.stack_names) if s.status is not None]
    return site.cloud.alarms(there) if there else ()


def _supersede_baking(pipeline: Pipeline, promotion: Promotion) -> None:
    for other in pipeline.ledger.standing(promotion.environment):
        if other.id != promotion.id and other.phase is PromotionPhase.BAKING:
            why = f"superseded by {promotion.id} before its bake ended"
            pipeline.ledger.move(other.id, PromotionPhase.SUPERSEDED, pipeline.clock.now(), why, by=promotion.actor)


def _mark_deployed(pipeline: Pipeline, promotion: Promotion) -> Promotion:
    now = pipeline.clock.now()
    if promotion.kind is PromotionKind.PROMOTION:
        _supersede_baking(pipeline, promotion)
    if promotion.phase in (PromotionPhase.REQUESTED, PromotionPhase.GATED):
        promotion = pipeline.ledger.move(promotion.id, PromotionPhase.DEPLOYING, now, "found deployed")
    return pipeline.ledger.move(
        promotion.id, PromotionPhase.VERIFYING, now, code_changed=True, deployed_at=promotion.deployed_at or now
    )


def find_assembly(pipeline: Pipeline, promotion: Promotion, environment: str) -> Assembly:
    """Find the assembly that this release's gate recorded. Raises PermanentError when there is none."""
    for result in pipeline.ledger.gates(promotion.release, environment):
        if result.gate == "assembly" and result.evidence.get("digest"):
            return pipeline.store.get(result.evidence["digest"])
    raise PermanentError(f"no assembly of {promotion.release[:8]} for {environment}: run its assembly again")
