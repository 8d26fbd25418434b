"""Gates' results, read and written. What they admit is the domain's rule."""

from __future__ import annotations

from sqlalchemy import ColumnElement, insert, or_, select

from namecard_release.domain.gates import GateResult
from namecard_release.ledger.rows import gate_row, read_gate
from namecard_release.ledger.schema import gates
from namecard_release.ledger.store import Store


class Gates(Store):
    """The gates' part of the ledger."""

    def record_gate(self, result: GateResult) -> None:
        """Record a gate's result."""
        with self.writing() as connection:
            connection.execute(insert(gates).values(**gate_row(result)))

    def gates(self, release: str, environment: str | None = None) -> tuple[GateResult, ...]:
        """Give the results about a release, and about it in the environment; newest first."""
        about: list[ColumnElement[bool]] = [gates.c.environment.is_(None)]
        if environment is not None:
            about.append(gates.c.environment == environment)
        query = select(gates).where(gates.c.release == release, or_(*about))
        with self.reading() as connection:
            rows = connection.execute(query.order_by(gates.c.ended_at.desc(), gates.c.id.desc())).mappings()
            return tuple(read_gate(row) for row in rows)

    def checks(self, gate: str, inputs: str, limit: int = 10) -> tuple[GateResult, ...]:
        """Give the checks of a gate made from the same inputs, whatever release they were for; newest first.

        Results for which an earlier check stands are not among them.
        """
        query = select(gates).where(gates.c.inputs == inputs, gates.c.gate == gate)
        newest = query.order_by(gates.c.ended_at.desc(), gates.c.id.desc()).limit(limit)
        with self.reading() as connection:
            return tuple(read_gate(row) for row in connection.execute(newest).mappings())
