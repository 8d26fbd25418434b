"""What changes of columns mean for code that does not know of them. Constraints and objects are beside."""

from __future__ import annotations

from dataclasses import replace

from namecard_release.domain.compatibility.catalogue import Space
from namecard_release.domain.compatibility.state import Origin, OwnColumn, State
from namecard_release.domain.compatibility.types import holds, is_plain, widens
from namecard_release.domain.compatibility.verdict import FINE, Ruling, Safety, unknown, unsafe
from namecard_release.domain.compatibility.words import column_of
from namecard_release.domain.sql import Effect, Trait


def weigh(origin: Origin, ruling: Ruling) -> Ruling:
    """Rule on something by where it comes from: our own harms nobody, and what may be our own is not known to harm."""
    if origin is Origin.OURS:
        return FINE
    if origin is Origin.MAYBE and ruling.safety is Safety.UNSAFE:
        return unknown(ruling.rule, f"{ruling.why}; whether these files made it is not known")
    return ruling


# --- new columns


def add_column(effect: Effect, state: State) -> Ruling:
    """Rule on ADD COLUMN: the earlier code inserts rows without it, and reads rows that have it."""
    if state.table(effect.relation) is Origin.OURS:
        note_own_table(effect, state)
        return FINE
    before = state.before
    if effect.has(Trait.IF_NOT_EXISTS) and before is not None and before.column(effect.relation, effect.name):
        return FINE
    ruling = weigh(state.table(effect.relation), _rule_column(effect, state))
    _note_column(effect, state)
    return ruling


def _rule_column(effect: Effect, state: State) -> Ruling:
    rules = (_rule_value, _rule_generated, _rule_unique, _rule_check, _rule_foreign, _rule_type)
    found = [ruling for ruling in (rule(effect, state) for rule in rules) if ruling is not FINE]
    worst = [ruling for ruling in found if ruling.safety is Safety.UNSAFE]
    return next(iter((*worst, *found)), FINE)


def _rule_value(effect: Effect, state: State) -> Ruling:
    if effect.has(Trait.GENERATED):
        return FINE
    if effect.has(Trait.NOT_NULL, Trait.PRIMARY) and not effect.has(Trait.DEFAULT):
        why = f"{column_of(effect)} is new, NOT NULL and without a default: every insert of the earlier code fails"
        return unsafe("add-not-null-column", why)
    if effect.has(Trait.DEFAULT) and effect.has(Trait.UNPROVEN):
        why = (
            f"the default of {column_of(effect)} is not known to give a value to each row that the earlier code inserts"
        )
        return unknown("unproven-default", why)
    return FINE


def _rule_generated(effect: Effect, state: State) -> Ruling:
    if not effect.has(Trait.GENERATED):
        return FINE
    if effect.has(Trait.CASTS):
        why = f"{column_of(effect)} is computed by a cast: a row of the earlier code that cannot be cast is refused"
        return unsafe("generated-column-casts", why)
    if effect.has(Trait.UNIQUE, Trait.PRIMARY, Trait.FOREIGN):
        why = (
            f"{column_of(effect)} is computed from columns that the earlier code writes, and not every value is allowed"
        )
        return unsafe("constrained-generated-column", why)
    if effect.has(Trait.UNPROVEN, Trait.NOT_NULL, Trait.CHECK):
        why = f"{column_of(effect)} is computed from columns that the earlier code writes, and that may fail"
        return unknown("unproven-generated-column", why)
    return FINE


def _rule_unique(effect: Effect, state: State) -> Ruling:
    if not effect.has(Trait.UNIQUE, Trait.PRIMARY) or effect.has(Trait.GENERATED, Trait.DISTINCT):
        return FINE
    if effect.has(Trait.VOLATILE):
        why = f"{column_of(effect)} is unique, and its default may give the same value twice"
        return unknown("unique-column-default", why)
    if effect.has(Trait.DEFAULT):
        why = f"{column_of(effect)} is unique with one default for all: the earlier code's second insert fails"
        return unsafe("unique-column-default", why)
    if effect.has(Trait.NULLS_NOT_DISTINCT):
        why = f"{column_of(effect)} is unique and takes NULL once only: the earlier code's second insert fails"
        return unsafe("unique-column-nulls-not-distinct", why)
    return FINE


def _rule_check(effect: Effect, state: State) -> Ruling:
    if not effect.has(Trait.CHECK) or effect.has(Trait.CHECK_PASSES, Trait.GENERATED):
        return FINE
    if effect.has(Trait.CHECK_FAILS):
        given = "its default" if effect.has(Trait.DEFAULT) else "NULL"
        why = f"the CHECK on {column_of(effect)} refuses {given}, which every insert of the earlier code gives it"
        return unsafe("check-fails-for-new-column", why)
    why = f"whether the CHECK on {column_of(effect)} takes a row of the earlier code cannot be shown"
    return unknown("check-on-new-column", why)


def _rule_foreign(effect: Effect, state: State) -> Ruling:
    if not effect.has(Trait.FOREIGN) or not effect.has(Trait.DEFAULT):
        return FINE
    why = f"{column_of(effect)} has a foreign key and a default: nothing shows that the row it points to is there"
    return unknown("foreign-key-default", why)


def _rule_type(effect: Effect, state: State) -> Ruling:
    """Rule on the type: a domain may refuse NULL, as no other type does."""
    kind = effect.kind
    if is_plain(kind) or (effect.has(Trait.DEFAULT) and not effect.has(Trait.VOLATILE)):
        return FINE
    bare = kind.removesuffix("[]").partition("(")[0]
    own = state.type_traits(bare)
    if own is not None:
        if Trait.NOT_NULL in own:
            why = f"{column_of(effect)} is of the domain {bare}, which takes no NULL: inserts of the earlier code fail"
            return unsafe("domain-not-null", why)
        return FINE if Trait.CHECK not in own else _unknown_type(effect, bare)
    told = state.catalogue.kind_of(bare) if state.catalogue else None
    return FINE if told in ("enum", "composite", "range", "base") else _unknown_type(effect, bare)


def _unknown_type(effect: Effect, kind: str) -> Ruling:
    why = f"whether the type {kind} of {column_of(effect)} takes NULL is not known: it may be a domain"
    return unknown("unknown-type", why)


def _note_column(effect: Effect, state: State) -> None:
    key = (effect.relation, effect.name)
    absent = state.before is not None and state.before.lacks_column(*key)
    skipped = effect.has(Trait.IF_NOT_EXISTS, Trait.CONDITIONAL) or state.may_mean_another(effect.relation)
    proven = absent or not skipped
    traits = (Trait.UNIQUE, Trait.PRIMARY, Trait.CHECK, Trait.FOREIGN, Trait.GENERATED)
    added = OwnColumn(
        Origin.OURS if proven else Origin.MAYBE,
        effect.has(Trait.NOT_NULL, Trait.PRIMARY),
        _sure(effect, value_of(effect)),
        effect.has(*traits) or not is_plain(effect.kind),
        effect.kind,
    )
    there = state.columns.get(key)
    state.columns[key] = _either(there, added) if there and effect.has(Trait.IF_NOT_EXISTS) else added
    note_foreign_key(effect, state)


def _either(one: OwnColumn, other: OwnColumn) -> OwnColumn:
    """Give what holds of a column that two statements may have added."""
    value = one.value if one.value is other.value else Trait.UNPROVEN
    return OwnColumn(one.origin, one.not_null or other.not_null, value, one.guarded or other.guarded, one.kind)


def _sure(effect: Effect, value: Trait | None) -> Trait | None:
    """Give the value that a column has after an effect; one that may have been skipped leaves it open."""
    return Trait.UNPROVEN if effect.has(Trait.CONDITIONAL) else value


def note_own_table(effect: Effect, state: State) -> None:
    """Note of a new table's column or constraint what a write to the table then sets off."""
    note_foreign_key(effect, state, within=True)
    if effect.has(Trait.UNPROVEN):
        state.tied.add(effect.relation)


def value_of(effect: Effect) -> Trait | None:
    """Tell what a default gives: DISTINCT, DEFAULT, UNPROVEN, or None for NULL."""
    if effect.has(Trait.UNPROVEN, Trait.GENERATED):
        return Trait.UNPROVEN
    if effect.has(Trait.DISTINCT):
        return Trait.DISTINCT
    if effect.has(Trait.DEFAULT):
        return Trait.UNPROVEN if effect.has(Trait.VOLATILE) else Trait.DEFAULT
    return None


def note_foreign_key(effect: Effect, state: State, *, within: bool = False) -> None:
    """Note a foreign key: whose rows it may keep from being deleted, and which writes it carries on.

    One `within` a CREATE TABLE is the new table's, or nothing when IF NOT EXISTS finds one.
    """
    if not effect.has(Trait.FOREIGN):
        return
    ours = within or state.table(effect.relation) is Origin.OURS
    if not ours:
        state.tied.add(effect.target)
    holds = effect.has(Trait.HOLDS) or (effect.has(Trait.FOLLOWS) and not ours)
    if holds and state.table(effect.target) is not Origin.OURS:
        state.holding.add(effect.relation)
        state.holding_columns.update((effect.relation, name) for name in effect.columns)


# --- columns there already


def drop_column(effect: Effect, state: State) -> Ruling:
    """Rule on DROP COLUMN, and DROP ATTRIBUTE of a composite type."""
    told = f"{column_of(effect)} is dropped, and the earlier code may still read and write it"
    if effect.has(Trait.CASCADE):
        return unsafe("drop-cascade", f"{told}; CASCADE drops whatever depends on it as well")
    if effect.kind == "type":
        return weigh(state.origin(Space.TYPE, effect.relation), unsafe("drop-attribute", told))
    absent = state.before is not None and state.before.lacks_column(effect.relation, effect.name)
    if effect.has(Trait.IF_EXISTS) and absent:
        return FINE
    return weigh(state.column_origin(effect.relation, effect.name), unsafe("drop-column", told))


def _is_new(own: OwnColumn | None) -> bool:
    return own is not None and own.origin is not Origin.KNOWN


def set_type(effect: Effect, state: State) -> Ruling:
    """Rule on ALTER COLUMN TYPE: safe where the catalogue of the schema before proves a widening."""
    origin = state.column_origin(effect.relation, effect.name)
    own = state.column(effect.relation, effect.name)
    if origin is Origin.OURS and own is not None and (own.guarded or own.value or not is_plain(effect.kind)):
        why = f"{column_of(effect)} becomes {effect.kind}, and a default, a constraint or its type may now refuse rows"
        return unknown("alter-new-column-type", why)
    if own is not None:
        state.columns[effect.relation, effect.name] = replace(own, kind=effect.kind)
    known = state.before.column(effect.relation, effect.name) if state.before and not _is_new(own) else None
    if known is not None and not effect.has(Trait.CASTS) and widens(known.kind, effect.kind):
        return FINE
    was = f"from {known.kind} " if known else ""
    why = f"{column_of(effect)} changes {was}to {effect.kind}: nothing proves that the earlier code's values still fit"
    return weigh(origin, unsafe("alter-column-type", why))


def set_not_null(effect: Effect, state: State) -> Ruling:
    """Rule on SET NOT NULL: a row that the earlier code inserts without the column must get a value."""
    origin, own = state.column_origin(effect.relation, effect.name), state.column(effect.relation, effect.name)
    table = state.table(effect.relation)
    why = f"{column_of(effect)} no longer takes NULL, which the earlier code may write"
    if own is None or table is Origin.OURS:
        return weigh(origin, unsafe("set-not-null", why))
    state.columns[effect.relation, effect.name] = replace(own, not_null=True)
    if origin is not Origin.OURS:
        return unsafe("set-not-null", why)
    if own.value in (Trait.DEFAULT, Trait.DISTINCT):
        return FINE
    if own.value is None:
        why = f"{column_of(effect)} is new, becomes NOT NULL and has no default: every insert of the earlier code fails"
        return unsafe("set-not-null", why)
    return unknown(
        "set-not-null", f"{column_of(effect)} becomes NOT NULL, and its default is not known to give a value"
    )


def drop_not_null(effect: Effect, state: State) -> Ruling:
    """Rule on DROP NOT NULL: the earlier code may read a NULL that it never met."""
    why = f"{column_of(effect)} may hold NULL since, which the earlier code never met"
    return weigh(state.column_origin(effect.relation, effect.name), unknown("drop-not-null", why))


def set_default(effect: Effect, state: State) -> Ruling:
    """Rule on SET DEFAULT: harmless, unless a constraint that looks at the column may refuse it."""
    if state.table(effect.relation) is Origin.OURS:
        return FINE
    own = state.column(effect.relation, effect.name)
    if own is not None:
        state.columns[effect.relation, effect.name] = replace(own, value=_sure(effect, value_of(_with_default(effect))))
    why = f"the new default of {column_of(effect)} "
    if effect.has(Trait.UNPROVEN):
        return unknown("unproven-default", f"{why}is not known to give a value to each row of the earlier code")
    if (own is not None and own.guarded) or _is_constrained(effect, state):
        return unknown("default-of-constrained-column", f"{why}may be refused by a constraint that looks at the column")
    if not holds(_kind_of(effect, state), effect.kind):
        return unknown("default-too-wide", f"{why}is not known to fit the column's type")
    return FINE


def _kind_of(effect: Effect, state: State) -> str:
    own = state.column(effect.relation, effect.name)
    if own is not None and own.kind:
        return own.kind
    known = state.catalogue.column(effect.relation, effect.name) if state.catalogue else None
    return known.kind if known else ""


def _with_default(effect: Effect) -> Effect:
    return replace(effect, traits=effect.traits | {Trait.DEFAULT})


def _is_constrained(effect: Effect, state: State) -> bool:
    return state.catalogue is not None and state.catalogue.constrains(effect.relation, effect.name)


def drop_default(effect: Effect, state: State) -> Ruling:
    """Rule on DROP DEFAULT, DROP IDENTITY and DROP EXPRESSION: rows without the column get NULL from now on."""
    own = state.column(effect.relation, effect.name)
    origin = state.column_origin(effect.relation, effect.name)
    rule = effect.verb.value.replace(" ", "-")
    if own is None or not _is_new(own) or state.table(effect.relation) is Origin.OURS:
        why = f"{column_of(effect)} is no longer filled when the earlier code inserts a row without it"
        return weigh(origin, unsafe(rule, why))
    state.columns[effect.relation, effect.name] = replace(own, value=_sure(effect, None))
    if own.not_null:
        why = f"{column_of(effect)} is NOT NULL and is no longer filled: every insert of the earlier code fails"
        return unsafe(rule, why)
    if own.guarded:
        return unknown(rule, f"{column_of(effect)} is NULL in new rows, which a constraint on it may refuse")
    return weigh(origin, unsafe(rule, f"{column_of(effect)} is no longer filled in rows that do not name it"))


def add_identity(effect: Effect, state: State) -> Ruling:
    """Rule on ADD GENERATED and SET GENERATED: ALWAYS refuses the values that the earlier code gives."""
    origin = state.column_origin(effect.relation, effect.name)
    if effect.has(Trait.ALWAYS):
        why = f"{column_of(effect)} is always generated: inserts of the earlier code that give it a value fail"
        return weigh(origin, unsafe("identity-always", why))
    own = state.column(effect.relation, effect.name)
    if own is not None:
        state.columns[effect.relation, effect.name] = replace(own, value=_sure(effect, Trait.DISTINCT))
    why = f"{column_of(effect)} is numbered by a sequence that may meet numbers which the earlier code gave"
    return weigh(origin, unknown("identity", why))
