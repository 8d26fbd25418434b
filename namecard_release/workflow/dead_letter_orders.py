"""Orders about dead letters as people and schedules give them: checked first, carried out, told in the audit trail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from namecard_release.domain.approvals import is_named
from namecard_release.domain.audit import AuditEvent
from namecard_release.domain.gates import Verdict
from namecard_release.domain.promotion import Promotion
from namecard_release.domain.release import short
from namecard_release.errors import MisuseError
from namecard_release.ledger_port import ReleaseLedger
from namecard_release.workflow.archived_letters import look_into, replay_archived
from namecard_release.workflow.dead_letters import (
    Desk,
    Order,
    Sample,
    explain_not_fixed,
    find_released,
    sample,
)
from namecard_release.workflow.draining import Done, Drainer
from namecard_release.workflow.people import Word

_HISTORY = 50


@dataclass(frozen=True)
class Ask:
    """An order with who gives it and why; `fix` is a ref that must be deployed and good before anything is sent.

    `archived` names an object of the archive whose letters are meant, instead of the queue's.
    """

    order: Order
    word: Word
    fix: str = ""
    archived: str = ""


def look(desk: Desk, ledger: ReleaseLedger, ask: Ask) -> Sample:
    """Show what an order would do; nothing is changed, nobody needs to be named.

    Raises MisuseError for a bad expression or reference.
    """
    return sample(desk, ask.order, _released_at(_find(ledger, desk)))


def carry_out(desk: Desk, ledger: ReleaseLedger, ask: Ask) -> Done:
    """Carry an order out and tell it in the audit trail, before and after.

    Letters that wait for a fix are left where they are: the verdict is UNKNOWN then. Raises MisuseError without a name
    or a reason and for a bad expression, before anything is touched; else what the ports raise.
    """
    if not is_named(ask.word.actor):
        raise MisuseError("nobody is named: say who this is by actor, or launch it with the tag namecard/actor")
    if not ask.word.reason.strip():
        raise MisuseError("a reason is needed: it is kept in the audit trail")
    released = _find(ledger, desk)
    held = _why_held(desk, released, ask.fix)
    if held is not None:
        ledger.record_event(_event(desk, ask, "dead letters held", {"why": held}))
        return Done(Verdict.UNKNOWN, held, {}, desk.ports.queue.depth().total, (), (), 0.0)
    run = _make_run(desk, ask, released)
    ledger.record_event(_event(desk, ask, f"dead letters: {ask.order.mode} begun", {"limit": ask.order.limit}))
    done = run()
    ended = _event(desk, ask, f"dead letters: {ask.order.mode} ended", {**done.counts, "left": done.left})
    ledger.record_event(replace(ended, at=desk.clock.now()))
    return done


def _make_run(desk: Desk, ask: Ask, released: Promotion | None) -> Callable[[], Done]:
    """Check an order; gives what carries it out. Raises what makes the order impossible."""
    if not ask.archived:
        return Drainer(desk, ask.order, _released_at(released)).run
    look_into(desk, ask.order, ask.archived)
    return partial(replay_archived, desk, ask.order, ask.archived)


def _find(ledger: ReleaseLedger, desk: Desk) -> Promotion | None:
    return find_released(ledger.history(desk.name, _HISTORY), desk.name)


def _released_at(released: Promotion | None) -> datetime | None:
    return None if released is None else released.deployed_at


def _why_held(desk: Desk, released: Promotion | None, fix: str) -> str | None:
    if not fix:
        return None
    contains: Callable[[str, str], bool] = desk.ports.contains
    return explain_not_fixed(released, desk.ports.resolve(fix), contains)


def _event(desk: Desk, ask: Ask, action: str, details: dict[str, object]) -> AuditEvent:
    told: dict[str, object] = {
        "filtered": ask.order.expression is not None,
        "insist": ask.order.insist,
        "run": ask.order.run_id,
        **details,
    }
    if ask.archived:
        told["object"] = ask.archived
    if ask.fix:
        told["fix"] = short(ask.fix)
    return AuditEvent(ask.word.at, ask.word.actor, action, desk.ports.queue.name, desk.name, ask.word.reason, told)
