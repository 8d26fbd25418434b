"""Promotions and their moves, read and written. Which move is allowed is the domain's rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Insert, insert, select, update

from namecard_release.domain.audit import AuditEvent
from namecard_release.domain.promotion import IN_FLIGHT, Promotion, PromotionPhase, may_follow
from namecard_release.errors import PermanentError, RefusedError
from namecard_release.ledger.audit import append_event
from namecard_release.ledger.rows import CHANGEABLE, PROMOTION_FIELDS, promotion_row, read_promotion
from namecard_release.ledger.schema import promotion_moves, promotions
from namecard_release.ledger.store import Store

# Fewer than the variables that a statement may have in any SQLite.
_PAGE = 500
Move = tuple[datetime, PromotionPhase, str]


class Promotions(Store):
    """The promotions' part of the ledger."""

    def open_promotion(self, promotion: Promotion) -> Promotion:
        """Record a promotion, or give the recorded one of the same id unchanged."""
        row = promotion_row({name: getattr(promotion, name) for name in PROMOTION_FIELDS})

        def _tell(connection: Connection) -> None:
            sealed = None
            for event in _tell_opening(promotion):
                sealed = append_event(connection, event)
            connection.execute(
                _note(promotion.id, promotion.requested_at, promotion.phase, promotion.reason, audit=sealed)
            )

        self.insert_new(insert(promotions).values(**row), then=_tell)
        with self.reading() as connection:
            return _read_known(connection, promotion.id)

    def promotion(self, promotion_id: str) -> Promotion | None:
        """Give one promotion."""
        with self.reading() as connection:
            return _read(connection, promotion_id)

    def history(self, environment: str | None = None, limit: int = 200) -> tuple[Promotion, ...]:
        """Give promotions, newest request first."""
        query = select(promotions).order_by(promotions.c.requested_at.desc(), promotions.c.id.desc()).limit(limit)
        if environment is not None:
            query = query.where(promotions.c.environment == environment)
        with self.reading() as connection:
            return tuple(read_promotion(row) for row in connection.execute(query).mappings())

    def standing(self, environment: str, limit: int = 1000) -> tuple[Promotion, ...]:
        """Give an environment's promotions under way and the newest `limit` whose deploy began, newest first."""
        own = select(promotions.c.id).where(promotions.c.environment == environment)
        begun = promotions.c.deploy_started_at.is_not(None) | promotions.c.code_changed
        deployed = own.where(begun).order_by(promotions.c.requested_at.desc(), promotions.c.id.desc()).limit(limit)
        moving = own.where(promotions.c.phase.in_([phase.value for phase in IN_FLIGHT]))
        # Each row once, for its baseline may be long: what is under way is among the newest as a rule.
        wanted = promotions.c.id.in_(deployed) | promotions.c.id.in_(moving)
        with self.reading() as connection:
            found = [read_promotion(row) for row in connection.execute(select(promotions).where(wanted)).mappings()]
        return tuple(sorted(found, key=lambda p: (p.requested_at, p.id), reverse=True))

    def move(
        self,
        promotion_id: str,
        phase: PromotionPhase,
        at: datetime,
        reason: str | None = None,
        *,
        by: str | None = None,
        events: Sequence[AuditEvent] = (),
        **changes: object,
    ) -> Promotion:
        """Move a promotion to a phase with field changes, and note the move; a repeat that changes nothing is silent.

        A reason replaces the promotion's own at its ends other than SUCCEEDED, until it is resumed. `by` is who moved
        it for the audit trail, which tells ends and what comes after them; the promotion's own actor by default.
        `events` are told along with a move that changes anything. Raises RefusedError for a move that is not allowed,
        PermanentError for an unknown promotion, TypeError for an unknown field.
        """
        _check_changes(changes)
        with self.writing() as connection:
            current = _read_known(connection, promotion_id, lock=True)
            _check_move(current, phase)
            derived = {"updated_at": at, **_derive(current, phase, at, reason)}
            if phase is PromotionPhase.REQUESTED and current.phase not in IN_FLIGHT:
                # Why it ended is in its moves; what is under way again has the reason that it was asked for.
                derived["reason"] = _first_reason(connection, promotion_id)
            wanted = replace(current, phase=phase, **{**derived, **changes})  # type: ignore[arg-type]
            changed = _difference(current, wanted)
            if not changed.keys() - {"updated_at"}:
                return current
            row = promotion_row(changed)
            connection.execute(update(promotions).where(promotions.c.id == promotion_id).values(**row))
            sealed = None
            for event in (*events, *_tell_move(current, wanted, by, reason or "")):
                sealed = append_event(connection, event)
            connection.execute(_note(promotion_id, at, phase, reason or "", audit=sealed))
        return wanted

    def moves(self, promotion_id: str) -> tuple[tuple[datetime, PromotionPhase, str], ...]:
        """Give every move of a promotion in order: when, to what, why."""
        query = select(promotion_moves).where(promotion_moves.c.promotion_id == promotion_id)
        with self.reading() as connection:
            rows = connection.execute(query.order_by(promotion_moves.c.id)).all()
        return tuple((row.at, PromotionPhase(row.phase), row.reason) for row in rows)

    def moves_of(self, promotion_ids: Sequence[str]) -> Mapping[str, tuple[Move, ...]]:
        """Give the moves of several promotions by id."""
        found: dict[str, list[Move]] = {one: [] for one in promotion_ids}
        with self.reading() as connection:
            for start in range(0, len(promotion_ids), _PAGE):
                wanted = promotion_moves.c.promotion_id.in_(promotion_ids[start : start + _PAGE])
                for row in connection.execute(select(promotion_moves).where(wanted).order_by(promotion_moves.c.id)):
                    found[row.promotion_id].append((row.at, PromotionPhase(row.phase), row.reason))
        return {one: tuple(moves) for one, moves in found.items()}


def _read(connection: Connection, promotion_id: str, *, lock: bool = False) -> Promotion | None:
    query = select(promotions).where(promotions.c.id == promotion_id)
    # SQLite has no row locks and needs none: its writing transaction has the whole file.
    row = connection.execute(query.with_for_update() if lock else query).mappings().first()
    return None if row is None else read_promotion(row)


def _read_known(connection: Connection, promotion_id: str, *, lock: bool = False) -> Promotion:
    found = _read(connection, promotion_id, lock=lock)
    if found is None:
        raise PermanentError(f"the ledger knows no promotion {promotion_id}: see 'namecard-release history'")
    return found


def _first_reason(connection: Connection, promotion_id: str) -> str:
    own = promotion_moves.c.promotion_id == promotion_id
    return str(connection.execute(select(promotion_moves.c.reason).where(own).order_by(promotion_moves.c.id)).scalar())


def _check_changes(changes: dict[str, object]) -> None:
    unknown = sorted(set(changes) - CHANGEABLE)
    if unknown:
        raise TypeError(f"not a field of a promotion that a move may change: {', '.join(unknown)}")


def _check_move(current: Promotion, phase: PromotionPhase) -> None:
    if may_follow(current.phase, phase):
        return
    since = f"{current.updated_at:%Y-%m-%d %H:%M:%S} UTC"
    raise RefusedError(
        f"promotion {current.id} cannot go from {current.phase} to {phase}: that phase does not follow\n"
        f"it is {current.phase} since {since}: {current.reason}"
    )


def _derive(current: Promotion, phase: PromotionPhase, at: datetime, reason: str | None) -> dict[str, object]:
    if phase in IN_FLIGHT:
        return {"ended_at": None}
    ended: dict[str, object] = {"waiting": None} if phase is current.phase else {"waiting": None, "ended_at": at}
    return {**ended, "reason": reason} if reason and phase is not PromotionPhase.SUCCEEDED else ended


def _difference(current: Promotion, wanted: Promotion) -> dict[str, Any]:
    both = ((name, getattr(current, name), getattr(wanted, name)) for name in CHANGEABLE | {"phase", "reason"})
    return {name: new for name, old, new in both if new != old}


def _note(promotion_id: str, at: datetime, phase: PromotionPhase, reason: str, *, audit: str | None) -> Insert:
    values = {"promotion_id": promotion_id, "at": at, "phase": phase.value, "reason": reason, "audit": audit}
    return insert(promotion_moves).values(**values)


def _tell_opening(promotion: Promotion) -> Iterator[AuditEvent]:
    yield _event(promotion, promotion.actor, "requested", promotion.reason)
    if promotion.freeze_override is not None:
        yield _event(promotion, promotion.actor, "freeze overridden", promotion.freeze_override)


def _tell_move(before: Promotion, after: Promotion, by: str | None, reason: str) -> Iterator[AuditEvent]:
    actor = by or after.actor
    if after.freeze_override is not None and after.freeze_override != before.freeze_override:
        yield _event(after, actor, "freeze overridden", after.freeze_override)
    if after.waiting is not None and after.waiting != before.waiting:
        yield _event(after, actor, "waits", after.waiting)
    if before.phase is after.phase:
        return
    if after.phase not in IN_FLIGHT:
        yield _event(after, actor, after.phase.value, reason or after.reason)
    elif before.phase not in IN_FLIGHT:
        yield _event(after, actor, "resumed", reason)


def _event(promotion: Promotion, actor: str, what: str, reason: str) -> AuditEvent:
    told = {"release": promotion.release, "run": promotion.run_id}
    action = f"{promotion.kind} {what}"
    return AuditEvent(promotion.updated_at, actor, action, promotion.id, promotion.environment, reason, told)
