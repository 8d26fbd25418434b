"""The ledger over SQLAlchemy: every write is one transaction. What a row looks like is `rows`'."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, Engine, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from namecard_release.domain.gates import GateResult
from namecard_release.domain.promotion import IN_FLIGHT, Hold, Promotion, PromotionPhase, may_follow
from namecard_release.domain.rollback import Decision
from namecard_release.errors import PermanentError, RefusedError
from namecard_release.ledger.leases import SqlLease, take_lease
from namecard_release.ledger.rows import (
    PROMOTION_FIELDS,
    gate_row,
    promotion_row,
    read_decision,
    read_gate,
    read_hold,
    read_promotion,
)
from namecard_release.ledger.schema import decisions, gates, holds, promotion_moves, promotions

_END_REASONS = frozenset(
    {
        PromotionPhase.FAILED,
        PromotionPhase.HELD,
        PromotionPhase.ROLLED_BACK,
        PromotionPhase.SUPERSEDED,
        PromotionPhase.ABORTED,
    }
)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class SqlLedger:
    """Promotions, gates, decisions, holds and leases in one database."""

    def __init__(self, engine: Engine, now: Callable[[], datetime] = _utc_now) -> None:
        self._engine = engine
        self._now = now

    def open_promotion(self, promotion: Promotion) -> Promotion:
        """Record a promotion, or give the recorded one of the same id unchanged."""
        row = promotion_row({name: getattr(promotion, name) for name in PROMOTION_FIELDS})
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(promotions).values(**row))
                _note(connection, promotion.id, promotion.requested_at, promotion.phase, promotion.reason)
        except IntegrityError:
            return self._known(promotion.id)
        return promotion

    def promotion(self, promotion_id: str) -> Promotion | None:
        """Give one promotion."""
        with self._engine.connect() as connection:
            row = connection.execute(select(promotions).where(promotions.c.id == promotion_id)).mappings().first()
        return None if row is None else read_promotion(row)

    def _known(self, promotion_id: str) -> Promotion:
        found = self.promotion(promotion_id)
        if found is None:
            raise PermanentError(f"the ledger knows no promotion {promotion_id}")
        return found

    def history(self, environment: str | None = None, limit: int = 200) -> tuple[Promotion, ...]:
        """Give promotions, newest request first."""
        query = select(promotions).order_by(promotions.c.requested_at.desc(), promotions.c.id.desc()).limit(limit)
        if environment is not None:
            query = query.where(promotions.c.environment == environment)
        with self._engine.connect() as connection:
            return tuple(read_promotion(row) for row in connection.execute(query).mappings())

    def move(
        self, promotion_id: str, phase: PromotionPhase, at: datetime, reason: str | None = None, **changes: object
    ) -> Promotion:
        """Move a promotion to a phase with field changes, and note the move.

        A reason replaces the promotion's own at its end only. Raises RefusedError for a move that is not allowed.
        """
        unknown = set(changes) - PROMOTION_FIELDS
        if unknown:
            raise TypeError(f"a promotion has no field {', '.join(sorted(unknown))}")
        current = self._known(promotion_id)
        if not may_follow(current.phase, phase):
            raise RefusedError(f"promotion {promotion_id} is {current.phase} and cannot become {phase}")
        wanted = replace(current, phase=phase, updated_at=at, **_derived(phase, at, reason), **changes)  # type: ignore[arg-type]
        if replace(wanted, updated_at=current.updated_at) == current:
            return current
        unchanged = (promotions.c.id == promotion_id) & (promotions.c.phase == current.phase.value)
        row = promotion_row({name: getattr(wanted, name) for name in PROMOTION_FIELDS})
        with self._engine.begin() as connection:
            moved = connection.execute(update(promotions).where(unchanged).values(**row)).rowcount
            if moved and (phase is not current.phase or reason):
                _note(connection, promotion_id, at, phase, reason or "")
        # Somebody else moved it between the read and the write: judge the move anew.
        return wanted if moved else self.move(promotion_id, phase, at, reason, **changes)

    def moves(self, promotion_id: str) -> tuple[tuple[datetime, PromotionPhase, str], ...]:
        """Give every move of a promotion in order: when, to what, why."""
        query = select(promotion_moves).where(promotion_moves.c.promotion_id == promotion_id)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(promotion_moves.c.id)).all()
        return tuple((row.at, PromotionPhase(row.phase), row.reason) for row in rows)

    def record_gate(self, result: GateResult) -> None:
        """Record a gate's result."""
        with self._engine.begin() as connection:
            connection.execute(insert(gates).values(**gate_row(result)))

    def gates(self, release: str, environment: str | None = None) -> tuple[GateResult, ...]:
        """Give the results about a release, and about it in the environment; newest first."""
        about: list[ColumnElement[bool]] = [gates.c.environment.is_(None)]
        if environment is not None:
            about.append(gates.c.environment == environment)
        query = select(gates).where(gates.c.release == release, or_(*about)).order_by(gates.c.id.desc())
        with self._engine.connect() as connection:
            return tuple(read_gate(row) for row in connection.execute(query).mappings())

    def record_decision(self, promotion_id: str, decision: Decision, at: datetime) -> bool:
        """Record a decisive decision; False when one was recorded before."""
        values = {**asdict(decision), "action": decision.action.value, "arns": list(decision.arns)}
        values["to_release"] = values.pop("to")
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(decisions).values(promotion_id=promotion_id, at=at, **values))
        except IntegrityError:
            return False
        return True

    def decision(self, promotion_id: str) -> Decision | None:
        """Give the decisive decision about a promotion, if one was recorded."""
        query = select(decisions).where(decisions.c.promotion_id == promotion_id)
        with self._engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else read_decision(row)

    def hold(self, hold: Hold) -> None:
        """Hold a release in an environment; a hold already open stays as it is."""
        if any(known.release == hold.release for known in self.holds(hold.environment)):
            return
        with self._engine.begin() as connection:
            connection.execute(insert(holds).values(**asdict(hold)))

    def holds(self, environment: str | None = None) -> tuple[Hold, ...]:
        """Give the holds that are open."""
        query = select(holds).where(holds.c.released_at.is_(None)).order_by(holds.c.id)
        if environment is not None:
            query = query.where(holds.c.environment == environment)
        with self._engine.connect() as connection:
            return tuple(read_hold(row) for row in connection.execute(query).mappings())

    def release_hold(self, environment: str, release: str, actor: str, at: datetime) -> bool:
        """Release a hold; False when there is none open."""
        wanted = (holds.c.environment == environment) & (holds.c.release == release) & holds.c.released_at.is_(None)
        with self._engine.begin() as connection:
            query = update(holds).where(wanted).values(released_at=at, released_by=actor)
            return connection.execute(query).rowcount > 0

    def take_lease(self, environment: str, holder: str, seconds: float, *, force: bool = False) -> SqlLease:
        """Take the environment's lease. Raises RefusedError naming the holder and the moment it expires."""
        return take_lease(self._engine, environment, holder, seconds, self._now, force=force)


def _derived(phase: PromotionPhase, at: datetime, reason: str | None) -> dict[str, object]:
    if phase in IN_FLIGHT:
        return {"ended_at": None}
    return {"ended_at": at} | ({"reason": reason} if reason and phase in _END_REASONS else {})


def _note(connection: Connection, promotion_id: str, at: datetime, phase: PromotionPhase, reason: str) -> None:
    values = {"promotion_id": promotion_id, "at": at, "phase": phase.value, "reason": reason}
    connection.execute(insert(promotion_moves).values(**values))
