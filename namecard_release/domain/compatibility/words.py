"""How a reason speaks of tables and columns. No rule belongs here."""

from __future__ import annotations

from collections.abc import Iterable

from namecard_release.domain.sql import Effect

_KINDS = {"matview": "materialized view", "foreign_table": "foreign table", "tabconstraint": "constraint"}


def listed(names: Iterable[str]) -> str:
    """Name columns: `a`, `a and b`, `a, b and c`; `its columns` when none is named."""
    told = list(names)
    if not told:
        return "its columns"
    return told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}"


def kind_of(effect: Effect) -> str:
    """Call the kind of an object as a person does."""
    return _KINDS.get(effect.kind, effect.kind.replace("_", " ") or "object")


def column_of(effect: Effect) -> str:
    """Name a column with its table."""
    return f"{effect.relation}.{effect.name}"
