"""Traffic healed before a full rollback, and what differs mended after it. When and how is decided in the domain.

Neither ever stops the rollback: what cannot be read or done is recorded, and CloudFormation is asked all the same.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from datetime import datetime

from namecard_release.domain.assembly import Assembly
from namecard_release.domain.audit import AUTOMATION, AuditEvent
from namecard_release.domain.compatibility import Safety
from namecard_release.domain.fast_path import (
    FAST_PATH_GATE,
    FastPathPlan,
    Ground,
    Purpose,
    StepRecord,
    StepState,
    is_done,
    judge_steps,
    plan_fast_path,
    plan_mending,
    undo_command,
)
from namecard_release.domain.gates import GateResult, Phase, Verdict
from namecard_release.domain.migrations import MigrationFile
from namecard_release.domain.promotion import Promotion, PromotionPhase
from namecard_release.domain.serving import Serving
from namecard_release.domain.stuck_stacks import is_moving
from namecard_release.errors import PermanentError, ReleaseError, TransientError
from namecard_release.workflow.deploying import held_wait, settle_stacks
from namecard_release.workflow.gating import conclude
from namecard_release.workflow.leasing import Heartbeat, Wait
from namecard_release.workflow.pipeline import Pipeline, Site
from namecard_release.workflow.rolling_back import RollbackPlan
from namecard_release.workflow.verifying import Deployment, verify_release

_THREADS = 8


def heal_traffic(
    heartbeat: Heartbeat,
    rollback: Promotion,
    plan: RollbackPlan,
    assembly: Assembly,
    run_id: str,
    wait: Wait | None = None,
) -> tuple[Promotion, GateResult]:
    """Heal traffic before the full rollback where that applies, under the lease, and record what was done.

    The steps are in the ledger as intended before the first is taken; a run that was killed among them asks AWS first
    what is there. Raises RefusedError when the lease is lost, and nothing for what AWS does not do.
    """
    pipeline, started = heartbeat.pipeline, heartbeat.pipeline.clock.now()
    site = pipeline.site(rollback.environment)
    pause = held_wait(heartbeat, wait or threading.Event().wait)
    try:
        decided = _decide(pipeline, site, rollback, plan, assembly, pause)
    except (TransientError, PermanentError) as error:
        unread = Phase("fast path", Verdict.UNKNOWN, f"not decided: {error}")
        return rollback, _record(pipeline, rollback, (unread,), started, run_id, ())
    if decided.applies and decided.steps:
        rollback = _begin(pipeline, rollback, decided)
        heartbeat.confirm()
        _take(heartbeat, site, rollback, decided, Purpose.HEAL)
    records = pipeline.ledger.steps(rollback.id)
    return rollback, _record(pipeline, rollback, judge_steps(decided, records), started, run_id, records)


def _decide(
    pipeline: Pipeline, site: Site, rollback: Promotion, plan: RollbackPlan, assembly: Assembly, wait: Wait
) -> FastPathPlan:
    if not site.settings.fast_path or plan.safety.safety is not Safety.SAFE:
        # Nothing is read for what is not going to happen.
        return plan_fast_path(_ground(site, plan, assembly, (), Serving((), (), ())))
    moving = tuple(stack.name for stack in settle_stacks(site, wait) if is_moving(stack))
    serving = site.switch.read(assembly, site.settings.stack_names)
    _close_interrupted(pipeline, rollback, serving)
    return plan_fast_path(_ground(site, plan, assembly, moving, serving))


def _ground(site: Site, plan: RollbackPlan, assembly: Assembly, moving: tuple[str, ...], serving: Serving) -> Ground:
    source = None if plan.source is None else plan.source.release
    return Ground(site.settings.fast_path, plan.safety.safety, source, assembly.release, moving, serving)


def _close_interrupted(pipeline: Pipeline, rollback: Promotion, serving: Serving) -> None:
    # A killed run said what it was about to do and not how it ended: what is there tells.
    now = pipeline.clock.now()
    for record in pipeline.ledger.steps(rollback.id):
        if record.state is StepState.INTENDED:
            done = is_done(record.step, serving.functions)
            why = "found done by a run that was killed" if done else "its run was killed before it was done"
            pipeline.ledger.end_step(record.number, StepState.DONE if done else StepState.FAILED, why, now)


def _begin(pipeline: Pipeline, rollback: Promotion, plan: FastPathPlan) -> Promotion:
    now, why = pipeline.clock.now(), f"fast path: {plan.reason}"
    told = {"steps": [step.told for step in plan.steps], "undo": [undo_command(step) for step in plan.steps]}
    event = AuditEvent(now, AUTOMATION, "fast path", rollback.id, rollback.environment, why, told)
    return pipeline.ledger.move(rollback.id, PromotionPhase.DEPLOYING, now, why, events=(event,), code_changed=True)


def _take(heartbeat: Heartbeat, site: Site, rollback: Promotion, plan: FastPathPlan, purpose: Purpose) -> None:
    """Take all steps side by side; each outcome is recorded as it comes, by this thread alone."""
    pipeline = heartbeat.pipeline
    intended = pipeline.ledger.intend_steps(rollback.id, purpose, plan.steps, pipeline.clock.now())
    with ThreadPoolExecutor(min(_THREADS, len(intended)), thread_name_prefix="fast-path") as pool:
        running = {pool.submit(site.switch.take, record.step): record for record in intended}
        for future in as_completed(running):
            state, reason = _outcome(future, running[future])
            pipeline.ledger.end_step(running[future].number, state, reason, pipeline.clock.now())


def _outcome(future: Future[None], record: StepRecord) -> tuple[StepState, str]:
    error = future.exception()
    if error is None:
        return StepState.DONE, record.step.told
    if isinstance(error, ReleaseError):
        return StepState.FAILED, str(error)
    raise error


def _record(
    pipeline: Pipeline,
    rollback: Promotion,
    phases: tuple[Phase, ...],
    started: datetime,
    run_id: str,
    records: Sequence[StepRecord],
) -> GateResult:
    undo = "\n".join(undo_command(r.step) for r in records if r.state is StepState.DONE)
    evidence = {"promotion": rollback.id, **({"undo": undo} if undo else {})}
    told, where = phases[0].reason, rollback.environment
    return conclude(pipeline, FAST_PATH_GATE, rollback.release, phases, started, run_id, evidence, where, told)


def verify_mended(
    heartbeat: Heartbeat, deployed: Deployment, assembly: Assembly, files: tuple[MigrationFile, ...]
) -> Deployment:
    """Mend what runs other code than the release's after its full rollback, and verify it once more.

    What cannot be mended keeps the verification as it was. Raises RefusedError for a lost lease.
    """
    if not any(phase.name == "code" and phase.verdict is Verdict.FAILED for phase in deployed.verification):
        return deployed
    try:
        if not mend_code(heartbeat, deployed.promotion, assembly):
            return deployed
    except (TransientError, PermanentError):
        return deployed
    return verify_release(heartbeat.pipeline, deployed.promotion, assembly, files)


def mend_code(heartbeat: Heartbeat, rollback: Promotion, assembly: Assembly) -> tuple[StepRecord, ...]:
    """Bring functions to the assembly's code after CloudFormation has ended and some still run another.

    CloudFormation does not touch a function whose template did not change, whatever it really runs. Gives the steps
    that were taken, none where the settings do not allow it or nothing differs. Raises RefusedError for a lost lease,
    TransientError or PermanentError when it cannot be read.
    """
    pipeline = heartbeat.pipeline
    site = pipeline.site(rollback.environment)
    if not site.settings.fast_path:
        return ()
    plan = plan_mending(site.switch.read(assembly, site.settings.stack_names))
    if plan.steps:
        heartbeat.confirm()
        _take(heartbeat, site, rollback, plan, Purpose.MEND)
    return tuple(r for r in pipeline.ledger.steps(rollback.id) if r.purpose is Purpose.MEND)
