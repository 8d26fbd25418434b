"""What new and dropped constraints and indexes mean for code that does not know of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from namecard_release.domain.compatibility.catalogue import Space
from namecard_release.domain.compatibility.columns import note_foreign_key, weigh
from namecard_release.domain.compatibility.state import Origin, OwnColumn, State, part
from namecard_release.domain.compatibility.verdict import FINE, Ruling, unknown, unsafe
from namecard_release.domain.compatibility.words import listed
from namecard_release.domain.sql import Effect, Trait

_KINDS = (Trait.PRIMARY, Trait.UNIQUE, Trait.CHECK, Trait.FOREIGN, Trait.EXCLUDE)


def add_constraint(effect: Effect, state: State) -> Ruling:
    """Rule on ADD CONSTRAINT; NOT VALID too, since new rows are checked."""
    ruling = weigh(state.table(effect.relation), _rule_constraint(effect, state))
    if effect.name:
        state.make(Space.CONSTRAINT, part(effect.relation, effect.name), effect, lacking=False)
    note_foreign_key(effect, state)
    guard(effect, state)
    return unknown("rows-hold-known-rows", _holds(effect)) if _holds_filled(effect, state) else ruling


def _holds(effect: Effect) -> str:
    return f"rows that these files put into {effect.relation} keep rows of {effect.target} from being deleted"


def _holds_filled(effect: Effect, state: State) -> bool:
    """Tell whether a foreign key is put on a new table's rows that may hold rows of a known table."""
    ours = state.table(effect.relation) is Origin.OURS
    return ours and effect.has(Trait.FOREIGN) and effect.relation in state.filled and effect.relation in state.holding


def _rule_constraint(effect: Effect, state: State) -> Ruling:
    kind = next((kind for kind in _KINDS if kind in effect.traits), None)
    if kind is None:
        return unknown("unknown-constraint", f"what is added to {effect.relation} is no constraint that is known here")
    if effect.has(Trait.USING_INDEX):
        return _rule_using_index(effect, kind)
    own = [state.column(effect.relation, name) for name in effect.columns]
    if kind in (Trait.PRIMARY, Trait.UNIQUE):
        return rule_unique(effect, own, primary=kind is Trait.PRIMARY)
    if kind is Trait.CHECK:
        return _rule_check(effect, own)
    if kind is Trait.FOREIGN:
        return _rule_foreign(effect, own, state)
    return unsafe("add-exclude", f"{effect.relation} now excludes rows that the earlier code may write")


def _rule_using_index(effect: Effect, kind: Trait) -> Ruling:
    if kind is Trait.PRIMARY:
        return unsafe("add-primary-key", f"the columns of {effect.relation}'s new primary key no longer take NULL")
    why = f"{effect.relation}'s unique index becomes a constraint, and ON CONFLICT cannot use one that is deferrable"
    return unknown("unique-using-index", why)


def rule_unique(effect: Effect, own: Sequence[OwnColumn | None], *, primary: bool = False) -> Ruling:
    """Rule on a unique constraint or index: safe when a new column makes every row of the earlier code differ."""
    rule = "add-primary-key" if primary else "add-unique"
    told = f"{listed(effect.columns)} of {effect.relation}"
    new = [column for column in own if column is not None and column.origin is not Origin.KNOWN]
    if primary and any(column is None or column.value in (None, Trait.UNPROVEN) for column in own):
        return _softened(new, unsafe(rule, f"{told} no longer takes NULL or a value that is there already"))
    differ = [
        column
        for column in new
        if column.value is Trait.DISTINCT
        or (column.value is None and not column.not_null and not effect.has(Trait.NULLS_NOT_DISTINCT))
    ]
    if effect.has(Trait.EXPRESSION) or not differ:
        why = f"{told} must be unique from now on, and the earlier code may write the same value twice"
        return _softened(new, unsafe(rule, why))
    if all(column.origin is Origin.MAYBE for column in differ):
        return unknown(rule, f"{told} must be unique, and whether these files added the column is not known")
    return FINE


def _softened(new: Sequence[OwnColumn], ruling: Ruling) -> Ruling:
    """A column that may have been there before may also be ours: then the unsafe case is not sure."""
    maybe = bool(new) and all(column.origin is Origin.MAYBE and column.value is None for column in new)
    return weigh(Origin.MAYBE, ruling) if maybe else ruling


def _least(own: Sequence[OwnColumn | None]) -> Origin:
    """Tell where the least new of some columns comes from; of none at all, nothing is new."""
    return min((column.origin if column else Origin.KNOWN for column in own), default=Origin.KNOWN)


def _rule_check(effect: Effect, own: Sequence[OwnColumn | None]) -> Ruling:
    told = listed(effect.columns)
    if not effect.columns and effect.has(Trait.CHECK_PASSES):
        return FINE
    if _least(own) is not Origin.OURS:
        why = f"{effect.relation} now checks {told}, and the earlier code may write what the CHECK refuses"
        return weigh(_least(own), unsafe("add-check", why))
    if any(column is None or column.value is not None for column in own):
        return unknown(
            "add-check", f"whether the CHECK takes the defaults of {told} in {effect.relation} cannot be shown"
        )
    if effect.has(Trait.CHECK_PASSES):
        return FINE
    if effect.has(Trait.CHECK_FAILS):
        why = f"the CHECK refuses NULL in {told} of {effect.relation}, which every insert of the earlier code gives"
        return unsafe("add-check", why)
    return unknown("add-check", f"whether the CHECK takes NULL in {told} of {effect.relation} cannot be shown")


def _rule_foreign(effect: Effect, own: Sequence[OwnColumn | None], state: State) -> Ruling:
    told = listed(effect.columns)
    if _least(own) is not Origin.OURS:
        why = (
            f"{told} of {effect.relation} must point to a row of {effect.target}, and the earlier code may write others"
        )
        return weigh(_least(own), unsafe("add-foreign-key", why))
    if any(column is None or column.value is not None for column in own):
        why = f"{told} of {effect.relation} has a default, and nothing shows that the row it points to is there"
        return unknown("foreign-key-default", why)
    written = any((effect.relation, name) in state.filled_columns for name in (*effect.columns, "*"))
    if written and _may_hold(effect, state):
        return unknown("rows-hold-known-rows", _holds(effect))
    return FINE


def _may_hold(effect: Effect, state: State) -> bool:
    return effect.has(Trait.HOLDS, Trait.FOLLOWS) and state.table(effect.target) is not Origin.OURS


def guard(effect: Effect, state: State) -> None:
    """Note that a constraint or a unique index looks at columns, which a later default must then pass."""
    for name in effect.columns:
        key = (effect.relation, name)
        own = state.columns.get(key)
        state.columns[key] = replace(own, guarded=True) if own else OwnColumn(Origin.KNOWN, guarded=True)


def create_index(effect: Effect, state: State) -> Ruling:
    """Rule on CREATE INDEX: a unique one refuses rows, and one over an expression refuses rows it cannot compute."""
    if effect.name:
        state.make(Space.RELATION, effect.name, effect)
        state.kinds[effect.name] = "index"
    ruling = weigh(state.table(effect.relation), _rule_index(effect, state))
    if effect.has(Trait.UNIQUE):
        guard(effect, state)
    return ruling


def _rule_index(effect: Effect, state: State) -> Ruling:
    if effect.has(Trait.CASTS):
        why = f"the index on {effect.relation} casts what the earlier code writes: what cannot be cast is refused"
        return unsafe("index-casts", why)
    if effect.has(Trait.UNIQUE):
        ruling = rule_unique(effect, [state.column(effect.relation, name) for name in effect.columns])
        if ruling is not FINE:
            return ruling
    if effect.has(Trait.UNPROVEN):
        why = f"the index on {effect.relation} computes something that may fail for a row of the earlier code"
        return unknown("index-expression", why)
    return FINE


def drop_constraint(effect: Effect, state: State) -> Ruling:
    """Rule on DROP CONSTRAINT: ON CONFLICT needs the unique ones, and rows since may break what the others kept."""
    told = f"{effect.relation} loses the constraint {effect.name}"
    if effect.has(Trait.CASCADE):
        return unsafe("drop-cascade", f"{told}; CASCADE drops whatever depends on it as well")
    origin = max(state.table(effect.relation), state.origin(Space.CONSTRAINT, part(effect.relation, effect.name)))
    if origin is Origin.OURS:
        return FINE
    known = state.before.constraint(effect.relation, effect.name) if state.before else None
    if known is not None and known.kind in ("unique", "primary key"):
        return weigh(origin, unsafe("drop-unique", f"{told} ({known.kind}): an upsert of the earlier code fails"))
    absent = state.before is not None and state.before.lacks_constraint(effect.relation, effect.name)
    if effect.has(Trait.IF_EXISTS) and absent:
        return FINE
    return unknown(
        "drop-constraint", f"{told}: rows since may hold what the earlier code never met, or an upsert fails"
    )
