"""Mitigations made and undone: read, decide, write the intent down, change, read again, write the outcome down.

A process that is killed anywhere leaves an unsettled mitigation, whose setting the next one reads before anything else.
Which setting a request is about is `mitigation_targets`'; whether it may be changed is the domain's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from namecard_release.domain.audit import AuditEvent
from namecard_release.domain.mitigation_bounds import (
    Apply,
    Decision,
    NothingToDo,
    Reading,
    Refused,
    decide,
    decide_undo,
)
from namecard_release.domain.mitigations import (
    LEVERS,
    UNSETTLED,
    Lever,
    Mitigation,
    MitigationState,
    Request,
    Settled,
    Target,
    give_up,
    judge_unsettled,
    tell_values,
)
from namecard_release.domain.pauses import explain_held
from namecard_release.errors import MisuseError, PermanentError, RefusedError, TransientError
from namecard_release.workflow.leasing import LEASE_SECONDS, Heartbeat
from namecard_release.workflow.mitigation_targets import (
    bounds_of,
    check_request,
    find_flag,
    find_target,
    lever_of,
    refusal,
)
from namecard_release.workflow.mitigation_telling import tell_untold
from namecard_release.workflow.pipeline import Pipeline

_S = MitigationState


@dataclass(frozen=True)
class Plan:
    """What would be done about one setting: the decision, and an earlier change whose end is not known yet."""

    target: Target
    decision: Decision
    unsettled: Mitigation | None = None


@dataclass(frozen=True)
class Done:
    """What was done: the mitigation as it is kept, or None where there was nothing to do, and why."""

    mitigation: Mitigation | None
    reason: str


@dataclass(frozen=True)
class Undo:
    """Which mitigation is undone, by whom and why; `forced` whatever the setting is now, `confirm` a writer's name."""

    number: int
    actor: str
    reason: str
    forced: bool = False
    confirm: str = ""
    despite_hold: bool = False
    run_id: str = ""


def plan_mitigation(pipeline: Pipeline, request: Request) -> Plan:
    """Read and decide; nothing is written. Raises MisuseError for a malformed request, and as every call of AWS."""
    request = check_request(pipeline, request, reasoned=False)
    target = find_target(pipeline, request)
    return Plan(target, _decide(pipeline, request, target), _unsettled(pipeline, target))


def run_mitigation(pipeline: Pipeline, request: Request) -> Done:
    """Change one setting under the environment's lease; one that was begun and not ended is settled first.

    Raises MisuseError for a malformed request or a value out of bounds, RefusedError for a state that forbids it
    (a hold, another's change under way), TransientError where something was not read: run the same again then.
    """
    request = check_request(pipeline, request)
    _refuse_held(pipeline, request.environment, despite_hold=request.despite_hold)
    target = find_target(pipeline, request)
    if _unsettled(pipeline, target) is None:
        # Refused before the lease is asked for; decided again under it.
        decision = _decide(pipeline, request, target)
        if isinstance(decision, Refused):
            raise refusal(decision)
        if isinstance(decision, NothingToDo):
            return Done(None, decision.reason)
    with _lease(pipeline, request.environment, request.run_id) as held:
        done = _run(held, request, target)
    tell_untold(pipeline, request.environment)
    return done


def _run(held: Heartbeat, request: Request, target: Target) -> Done:
    pipeline = held.pipeline
    begun = _unsettled(pipeline, target)
    settled = None if begun is None else _settle(pipeline, begun)
    decision = _decide(pipeline, request, target)
    resumed = begun if begun is not None and _is_same(begun, request, decision) else None
    if begun is not None and settled is None and resumed is None:
        _give_up(pipeline, begun)
    if isinstance(decision, Refused):
        raise refusal(decision)
    if isinstance(decision, NothingToDo):
        return Done(settled, f"{decision.reason}{_tell_settled(settled)}")
    one = resumed or _intend(pipeline, request, target, decision)
    held.confirm()
    return Done(_make(pipeline, one, one.before, one.after), decision.reason)


def _is_same(begun: Mitigation, request: Request, decision: Decision) -> bool:
    """Whether what was begun is what is asked for again; a failover is never taken up again by itself."""
    return (
        isinstance(decision, Apply)
        and begun.state is _S.INTENDED
        and begun.target.lever is not Lever.WRITER
        and (begun.kind, begun.before, begun.after) == (request.kind, decision.before, decision.after)
    )


def _tell_settled(settled: Mitigation | None) -> str:
    return "" if settled is None else f"; mitigation {settled.number} is {settled.state}: {settled.outcome}"


def undo_mitigation(pipeline: Pipeline, undo: Undo) -> Done:
    """Restore the value from before. Raises RefusedError where somebody changed it since, unless `forced`."""
    one = find_mitigation(pipeline, undo.number)
    if not undo.actor.strip() or not undo.reason.strip():
        raise MisuseError("an undo has a name and a reason: they are kept in the audit trail")
    environment = one.target.environment
    _refuse_held(pipeline, environment, despite_hold=undo.despite_hold)
    with _lease(pipeline, environment, undo.run_id) as held:
        done = _undo(held, undo, one)
    tell_untold(pipeline, environment)
    return done


def plan_undo(pipeline: Pipeline, undo: Undo) -> Plan:
    """Read and decide about an undo; nothing is written."""
    one = find_mitigation(pipeline, undo.number)
    reading = _read(pipeline, one.target)
    decision = decide_undo(one, reading, bounds_of(pipeline), forced=undo.forced, confirm=undo.confirm)
    return Plan(one.target, decision, _unsettled(pipeline, one.target))


def _undo(held: Heartbeat, undo: Undo, one: Mitigation) -> Done:
    pipeline = held.pipeline
    begun = _unsettled(pipeline, one.target)
    if begun is not None:
        settled = _settle(pipeline, begun)
        if settled is None:
            settled = _give_up(pipeline, begun)
        one = settled if settled.number == one.number else one
    if one.state is not _S.APPLIED:
        return Done(one, f"mitigation {one.number} is {one.state}: {one.outcome}")
    reading = _read(pipeline, one.target)
    decision = decide_undo(one, reading, bounds_of(pipeline), forced=undo.forced, confirm=undo.confirm)
    if isinstance(decision, Refused):
        raise refusal(decision)
    now = pipeline.clock.now()
    event = _event(one, "undo intended", undo.actor, undo.reason, now)
    if not pipeline.ledger.intend_undo(one.number, undo.actor, undo.reason, now, event):
        raise RefusedError(f"{one.target} is being changed by somebody else right now; look with 'playbook show'")
    begun = replace(one, state=_S.UNDOING, undo_actor=undo.actor, undo_reason=undo.reason, undo_at=now)
    if isinstance(decision, NothingToDo):
        return Done(_end(pipeline, begun, Settled(_S.UNDONE, decision.reason)), decision.reason)
    held.confirm()
    return Done(_make(pipeline, begun, decision.before, one.before), decision.reason)


def settle_all(pipeline: Pipeline, environment: str) -> tuple[Mitigation, ...]:
    """Settle every mitigation of an environment whose end was not recorded; what is not in force is not made again.

    Raises RefusedError while somebody holds the environment's lease.
    """
    pipeline.settings.environment(environment)
    ended = []
    if pipeline.ledger.mitigations(environment, UNSETTLED):
        with _lease(pipeline, environment, "") as held:
            for one in held.pipeline.ledger.mitigations(environment, UNSETTLED):
                ended.append(_settle(held.pipeline, one) or _give_up(held.pipeline, one))
    tell_untold(pipeline, environment)
    return tuple(ended)


def find_mitigation(pipeline: Pipeline, number: int) -> Mitigation:
    """Give a mitigation by its number. Raises MisuseError for an unknown one."""
    found = pipeline.ledger.mitigation(number)
    if found is None:
        raise MisuseError(f"the ledger knows no mitigation {number}: see 'namecard-release playbook show'")
    return found


def _read(pipeline: Pipeline, target: Target) -> Reading:
    return lever_of(pipeline.levers(target.environment), target.lever).read(target)


def _decide(pipeline: Pipeline, request: Request, target: Target) -> Decision:
    lever = LEVERS[request.kind]
    flag = find_flag(pipeline.settings, request) if lever is Lever.FLAG else None
    # The alias may have been found, not named.
    asked = replace(request, alias=target.qualifier) if lever is Lever.PROVISIONED else request
    return decide(asked, lever, _read(pipeline, target), bounds_of(pipeline), flag)


def _unsettled(pipeline: Pipeline, target: Target) -> Mitigation | None:
    known = pipeline.ledger.mitigations(target.environment, UNSETTLED)
    return next((one for one in known if one.target.key == target.key), None)


def _settle(pipeline: Pipeline, one: Mitigation) -> Mitigation | None:
    """Settle by the setting's value of now; None where it is not in force. Raises RefusedError while it still moves."""
    reading = _read(pipeline, one.target)
    if reading.moving:
        raise RefusedError(f"mitigation {one.number}: {reading.moving}; wait, then run the same again")
    found = judge_unsettled(one, reading.value)
    return None if found is None else _end(pipeline, one, found)


def _give_up(pipeline: Pipeline, one: Mitigation) -> Mitigation:
    """Settle one that is not in force; what a part of it was changed to already is taken back."""
    serving = one.after if one.state is _S.UNDOING else one.before
    if _read(pipeline, one.target).half:
        lever_of(pipeline.levers(one.target.environment), one.target.lever).write(one.target, serving, serving)
    return _end(pipeline, one, give_up(one))


def _intend(pipeline: Pipeline, request: Request, target: Target, decision: Apply) -> Mitigation:
    now = pipeline.clock.now()
    one = Mitigation(
        number=0,
        target=target,
        kind=request.kind,
        playbook=request.playbook,
        before=decision.before,
        after=decision.after,
        state=_S.INTENDED,
        actor=request.actor.strip(),
        reason=request.reason.strip(),
        incident=request.incident,
        run_id=request.run_id,
        intended_at=now,
    )
    event = replace(_event(one, "mitigation intended", one.actor, one.reason, now), subject="mitigation")
    kept = pipeline.ledger.intend_mitigation(one, event)
    if kept is None:
        raise RefusedError(f"{target} is being changed by somebody else right now; look with 'playbook show'")
    return kept


def _make(pipeline: Pipeline, one: Mitigation, before: str, after: str) -> Mitigation:
    """Change the setting from `before` to `after`, read it again, and write down what became of it."""
    lever = lever_of(pipeline.levers(one.target.environment), one.target.lever)
    try:
        lever.write(one.target, before, after)
    except PermanentError as error:
        # Refused whole: what is in force is what was.
        _end(pipeline, one, Settled(_failed(one), f"refused: {error}"))
        raise
    except TransientError as error:
        if _read_quietly(pipeline, one.target) != after:
            raise TransientError(f"{error}\nmitigation {one.number} is {one.state}: run the same again") from error
    found = _read(pipeline, one.target).value
    if found == after:
        state = _S.UNDONE if one.state is _S.UNDOING else _S.APPLIED
        return _end(pipeline, one, Settled(state, tell_values(one.target.lever, before, after)))
    _end(pipeline, one, Settled(_failed(one), f"read as {found} after it was changed to {after}"))
    raise PermanentError(
        f"{one.target} reads as {found} after it was changed to {after}: somebody else changes it, too"
    )


def _failed(one: Mitigation) -> MitigationState:
    return _S.APPLIED if one.state is _S.UNDOING else _S.FAILED


def _read_quietly(pipeline: Pipeline, target: Target) -> str | None:
    try:
        return _read(pipeline, target).value
    except (TransientError, PermanentError):
        return None


def _end(pipeline: Pipeline, one: Mitigation, found: Settled) -> Mitigation:
    now, undoing = pipeline.clock.now(), one.state is _S.UNDOING
    actor, reason = (one.undo_actor, one.undo_reason) if undoing else (one.actor, one.reason)
    action = f"{'undo' if undoing else 'mitigation'} ended {found.state}"
    event = _event(one, action, actor, f"{reason}; {found.outcome}", now)
    write = pipeline.ledger.settle_undo if undoing else pipeline.ledger.settle_mitigation
    if not write(one.number, found.state, found.outcome, now, event):
        raise RefusedError(f"mitigation {one.number} was settled by somebody else meanwhile; look with 'playbook show'")
    ended = {"undone_at": now if found.state is _S.UNDONE else None} if undoing else {"ended_at": now}
    return replace(one, state=found.state, outcome=found.outcome, **ended)


def _event(one: Mitigation, action: str, actor: str, reason: str, at: datetime) -> AuditEvent:
    told = {"setting": str(one.target), "resource": one.target.resource, "before": one.before, "after": one.after}
    told |= {"playbook": one.playbook, "incident": one.incident or ""}
    return AuditEvent(at, actor, action, f"mitigation {one.number}", one.target.environment, reason, told)


def _refuse_held(pipeline: Pipeline, environment: str, *, despite_hold: bool) -> None:
    """Refuse in an environment that people hold as a whole; a pause is for automation, and this is a person's word."""
    held = explain_held((), pipeline.ledger.holds(environment), environment, pipeline.clock.now())
    if held is not None and not despite_hold:
        raise RefusedError(f"{environment} is not changed: {held}\nrelease the hold, or say --despite-hold")


@contextmanager
def _lease(pipeline: Pipeline, environment: str, holder: str) -> Iterator[Heartbeat]:
    """Hold the environment's lease, or be refused at once: nobody waits at night without knowing for what.

    A run that is begun again has the same `holder`, and takes its own lease back; without one nobody else's is alike.
    """
    name = holder or f"{pipeline.clock.now().timestamp()}"
    lease = pipeline.ledger.take_lease(environment, f"mitigation-{name}"[:120], LEASE_SECONDS)
    heartbeat = Heartbeat(pipeline, lease)
    heartbeat.start()
    try:
        yield heartbeat
    finally:
        heartbeat.close()
