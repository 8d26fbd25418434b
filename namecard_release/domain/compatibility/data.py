"""What changes of rows, queries and calls mean for code that does not know of them."""

from __future__ import annotations

from namecard_release.domain.compatibility.columns import weigh
from namecard_release.domain.compatibility.state import Origin, State
from namecard_release.domain.compatibility.types import HARMLESS_FUNCTIONS
from namecard_release.domain.compatibility.verdict import FINE, Ruling, unknown, unsafe
from namecard_release.domain.compatibility.words import listed
from namecard_release.domain.sql import SETVAL_TO_CONSTANT, Effect, Trait


def insert(effect: Effect, state: State) -> Ruling:
    """Rule on INSERT: rows more are nothing that earlier code does not meet every day; DO UPDATE changes rows."""
    state.filled.add(effect.relation)
    if effect.has(Trait.UPSERT) and not state.may_write(effect.relation):
        why = f"rows of {effect.relation} that are there already are changed (ON CONFLICT DO UPDATE)"
        return unknown("upsert", why)
    if _is_ours(effect, state) and not state.may_write(effect.relation):
        return _written_through(effect)
    return _held(effect, state) or FINE


def _is_ours(effect: Effect, state: State) -> bool:
    return state.table(effect.relation) is Origin.OURS


def _written_through(effect: Effect) -> Ruling:
    why = f"writing to {effect.relation} may write elsewhere: it is a view, or triggers or keys hang on it"
    return unknown("write-through", why)


def _held(effect: Effect, state: State) -> Ruling | None:
    """Rule on rows with a foreign key to a known table: the earlier code can then not delete the rows they point to."""
    keys = {(effect.relation, name) for name in effect.columns or ("*",)}
    all_columns = not effect.columns or _is_ours(effect, state)
    holds = effect.relation in state.holding if all_columns else not state.holding_columns.isdisjoint(keys)
    state.filled_columns |= keys
    if not holds:
        return None
    why = f"rows of {effect.relation} now point to rows of another table, which the earlier code then cannot delete"
    return unknown("rows-hold-known-rows", why)


def update(effect: Effect, state: State) -> Ruling:
    """Rule on UPDATE: the earlier code does not see what is written to columns added between."""
    if _is_ours(effect, state):
        return _held(effect, state) or FINE if state.may_write(effect.relation) else _written_through(effect)
    held = _held(effect, state)
    new = [state.column_origin(effect.relation, name) for name in effect.columns]
    if new and all(origin is Origin.OURS for origin in new):
        return held or FINE
    told = listed(effect.columns)
    return unknown("update", f"{told} of rows of {effect.relation} are changed, and the earlier code reads them")


def delete(effect: Effect, state: State) -> Ruling:
    """Rule on DELETE: without a WHERE that says anything, everything is gone."""
    if _is_ours(effect, state):
        return FINE if state.may_write(effect.relation) else _written_through(effect)
    if effect.has(Trait.WHERE):
        return unknown("delete", f"rows of {effect.relation} are deleted that the earlier code may need")
    why = f"every row of {effect.relation} is deleted"
    return weigh(state.table(effect.relation), unsafe("delete-all", why))


def truncate(effect: Effect, state: State) -> Ruling:
    """Rule on TRUNCATE; CASCADE empties the tables that point to it as well."""
    if effect.has(Trait.CASCADE):
        return unsafe("truncate", f"{effect.relation} is emptied, with every table that points to it (CASCADE)")
    if _is_ours(effect, state):
        return FINE if state.may_write(effect.relation) else _written_through(effect)
    return weigh(state.table(effect.relation), unsafe("truncate", f"every row of {effect.relation} is deleted"))


def merge(effect: Effect, state: State) -> Ruling:
    """Rule on MERGE."""
    if state.may_write(effect.relation):
        return _held(effect, state) or FINE
    return unknown("merge", f"rows of {effect.relation} are changed or deleted (MERGE)")


def copy_in(effect: Effect, state: State) -> Ruling:
    """Rule on COPY FROM: its rows are not in the file that is read."""
    return unknown("copy", f"what COPY puts into {effect.relation} is not in this file, or not read")


def query(effect: Effect, state: State) -> Ruling:
    """Rule on a query by the functions that it calls, the one thing by which it can change anything."""
    for name in effect.columns:
        if name == SETVAL_TO_CONSTANT:
            why = "a sequence is not shown to be set past its rows: the earlier code may get numbers that are taken"
            return unknown("set-sequence", why)
        if name not in HARMLESS_FUNCTIONS or name in state.routines:
            return unknown("unknown-function", f"what the function {name} does is not known")
    return FINE


def call(effect: Effect, state: State) -> Ruling:
    """Rule on CALL."""
    return unknown("call", f"what the procedure {effect.name} does is not read")


def dynamic(effect: Effect, state: State) -> Ruling:
    """Rule on SQL that is put together when it runs."""
    return unknown(
        "dynamic-sql", f"this SQL is put together when it runs ({effect.name}), so nobody can read it before"
    )
