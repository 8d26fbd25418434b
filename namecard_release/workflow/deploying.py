"""One assembly brought onto one environment, the same for a promotion and a rollback. Judging it is `verifying`."""

from __future__ import annotations

import threading
from collections.abc import Callable

from namecard_release.domain.alarms import AlarmReading
from namecard_release.domain.assembly import Assembly
from namecard_release.domain.deploys import is_deployed
from namecard_release.domain.gates import Phase, Verdict, judge_command
from namecard_release.domain.health import judge_probes
from namecard_release.domain.promotion import Promotion, PromotionKind, PromotionPhase
from namecard_release.domain.readiness import StackStatus
from namecard_release.errors import PermanentError, TransientError
from namecard_release.ports import LineSink
from namecard_release.workflow.leasing import Heartbeat
from namecard_release.workflow.pipeline import Pipeline, Site
from namecard_release.workflow.promoting import stop
from namecard_release.workflow.verifying import find_base_url

_SETTLE_SECONDS = 1800.0
_POLL_SECONDS = 1.0
# CloudFormation is asked each time for so many looks of the runner (four a second), then every so manyth.
_EAGER_LOOKS = 60
_CALM_LOOKS = 8


Wait = Callable[[float], object]


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

    `note` is told with the move to DEPLOYING.

    Raises StoppedError (FAILED) when cdk fails, with the end of its output; the stack keeps the old code then.
    """
    site = pipeline.site(promotion.environment)
    before = settle_stacks(site, wait or threading.Event().wait)
    if promotion.deploy_started_at is not None and _runs_already(pipeline, site, assembly):
        return _mark_deployed(pipeline, promotion), None
    promotion = _begin(pipeline, site, promotion, assembly, note)
    heartbeat.check()
    outcome = site.deployer.deploy(assembly, site.settings.stack_names, on_line, StackWatch(site, before).is_deployed)
    heartbeat.check()
    phase = judge_command("cdk deploy", outcome)
    site.cloud.forget_alarms()
    if phase.verdict is not Verdict.PASSED:
        _note_old_code(pipeline, site, promotion, wait or threading.Event().wait)
        told = " | ".join(line for line in phase.tail[-4:] if line.strip())
        stop(pipeline, promotion.id, PromotionPhase.FAILED, f"cdk deploy: {phase.reason}: {told}")
    return _mark_deployed(pipeline, promotion), phase


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
        except TransientError:
            return False
        return is_deployed(self._before, now, told)


def settle_stacks(site: Site, wait: Wait, limit_seconds: float = _SETTLE_SECONDS) -> tuple[StackStatus, ...]:
    """Wait until no stack is in progress: an earlier run may have died while CloudFormation works on.

    Raises TransientError when they do not settle in time.
    """
    waited = 0.0
    while True:
        statuses = site.cloud.stack_statuses(site.settings.stack_names)
        moving = [s for s in statuses if s.status and s.status.endswith("IN_PROGRESS")]
        if not moving:
            return statuses
        if waited >= limit_seconds:
            told = ", ".join(f"{s.name} is {s.status}" for s in moving)
            raise TransientError(f"{told} after {waited:.0f} s: wait for it to settle, then resume")
        wait(_POLL_SECONDS)
        waited += _POLL_SECONDS


def _runs_already(pipeline: Pipeline, site: Site, assembly: Assembly) -> bool:
    outputs = site.cloud.outputs(site.settings.stack_names)
    base = find_base_url(site, outputs)
    services = pipeline.settings.platform.services
    if base is None or not all(f.expected and f.expected == f.running for f in site.cloud.functions(assembly)):
        return False
    probes = judge_probes(services, assembly.release, pipeline.prober.probe(base, services))
    return all(phase.verdict is Verdict.PASSED for phase in probes)


def _begin(pipeline: Pipeline, site: Site, promotion: Promotion, assembly: Assembly, note: str | None) -> Promotion:
    now = pipeline.clock.now()
    history = pipeline.ledger.history(site.name)
    phase, digest = PromotionPhase.DEPLOYING, assembly.digest
    if promotion.deploy_started_at is not None:
        return pipeline.ledger.move(promotion.id, phase, now, note, assembly=digest, code_changed=True)
    baseline = read_baseline(site)
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


def _note_old_code(pipeline: Pipeline, site: Site, promotion: Promotion, wait: Wait) -> None:
    # CloudFormation put the old code back: what serves is what served before, and is watched as such.
    statuses = [stack.status or "" for stack in settle_stacks(site, wait)]
    if not any("FAILED" in status for status in statuses):
        pipeline.ledger.move(promotion.id, promotion.phase, pipeline.clock.now(), "old code kept", code_changed=False)


def _supersede_baking(pipeline: Pipeline, promotion: Promotion) -> None:
    for other in pipeline.ledger.history(promotion.environment):
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
