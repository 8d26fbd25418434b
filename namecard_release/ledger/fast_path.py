"""The steps of fast paths: writing them down before and after each. What they mean is the domain's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, insert, select, update

from namecard_release.domain.fast_path import Purpose, Step, StepAction, StepRecord, StepState
from namecard_release.ledger.fast_path_tables import fast_path_steps
from namecard_release.ledger.store import Store


class FastPaths(Store):
    """The fast paths' part of the ledger. Keeps the port `StepLedger`."""

    def intend_steps(
        self, promotion_id: str, purpose: Purpose, steps: Sequence[Step], at: datetime
    ) -> tuple[StepRecord, ...]:
        """Keep steps as INTENDED, all or none, and give them with their numbers."""
        kept: list[StepRecord] = []
        with self.writing() as connection:
            for step in steps:
                row = {"promotion_id": promotion_id, "purpose": purpose.value, "step": asdict(step), "reason": ""}
                statement = insert(fast_path_steps).values(**row, state=StepState.INTENDED.value, intended_at=at)
                (number,) = connection.execute(statement).inserted_primary_key or (0,)
                kept.append(StepRecord(int(number), promotion_id, purpose, step, StepState.INTENDED, "", at))
        return tuple(kept)

    def end_step(self, number: int, state: StepState, reason: str, at: datetime) -> None:
        """Record how a step ended; one that has ended stays as it is."""
        open_one = (fast_path_steps.c.number == number) & (fast_path_steps.c.ended_at.is_(None))
        values = {"state": state.value, "reason": reason, "ended_at": at}
        with self.writing() as connection:
            connection.execute(update(fast_path_steps).where(open_one).values(**values))

    def steps(self, promotion_id: str) -> tuple[StepRecord, ...]:
        """Give a promotion's steps in the order in which they were intended."""
        query = select(fast_path_steps).where(fast_path_steps.c.promotion_id == promotion_id)
        with self.reading() as connection:
            rows = connection.execute(query.order_by(fast_path_steps.c.number)).mappings().all()
        return tuple(_read(row) for row in rows)


def _read(row: RowMapping) -> StepRecord:
    raw: dict[str, Any] = dict(row["step"])
    step = Step(**{**raw, "action": StepAction(raw["action"])})
    purpose, state = Purpose(row["purpose"]), StepState(row["state"])
    return StepRecord(
        row["number"],
        row["promotion_id"],
        purpose,
        step,
        state,
        row["reason"],
        row["intended_at"],
        row["ended_at"],
    )
