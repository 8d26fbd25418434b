"""What dropping, renaming and moving objects means for code that still uses them."""

from __future__ import annotations

from namecard_release.domain.compatibility.catalogue import Space
from namecard_release.domain.compatibility.columns import weigh
from namecard_release.domain.compatibility.state import Origin, State, part, space_of
from namecard_release.domain.compatibility.verdict import FINE, Ruling, unknown, unsafe
from namecard_release.domain.compatibility.words import kind_of
from namecard_release.domain.sql import Effect, Trait

_PARTS = frozenset({"trigger", "policy", "rule"})
_UNSAFE_DROPS = frozenset(
    {"table", "view", "matview", "foreign_table", "sequence", "function", "procedure", "routine", "aggregate"}
    | {"type", "domain", "schema", "extension"}
)


def drop(effect: Effect, state: State) -> Ruling:
    """Rule on DROP of anything but columns and constraints."""
    told = f"the {kind_of(effect)} {effect.name or effect.relation}"
    # What a role owns is not in the file: it may be nothing.
    if effect.has(Trait.CASCADE) and effect.kind != "owned":
        return unsafe("drop-cascade", f"{told} is dropped with whatever depends on it (CASCADE)")
    origin = _forget(effect, state)
    if origin is Origin.OURS or (effect.has(Trait.IF_EXISTS) and _was_absent(effect, state)):
        return FINE
    if effect.kind == "index":
        return weigh(origin, _drop_index(effect, state))
    if effect.kind in _UNSAFE_DROPS:
        return weigh(
            origin,
            unsafe(f"drop-{kind_of(effect).replace(' ', '-')}", f"{told}, which the earlier code may use, is dropped"),
        )
    if effect.kind == "statistic_ext":
        return FINE
    where = f" of {effect.relation}" if effect.kind in _PARTS else ""
    return unknown(
        f"drop-{effect.kind.replace('_', '-')}", f"what the earlier code loses with {told}{where} is not known"
    )


def _rule(word: str, effect: Effect) -> str:
    return f"{word}-{kind_of(effect)}".replace(" ", "-").replace("_", "-")


def _was_absent(effect: Effect, state: State) -> bool:
    space = space_of(effect.kind)
    return space is not None and effect.kind not in _PARTS and state.was_absent(space, effect.relation)


def _forget(effect: Effect, state: State) -> Origin:
    """Tell where a dropped object came from; a routine's or a temporary table's name may mean another from here on."""
    space = space_of(effect.kind)
    if space is None:
        return state.table(effect.relation) if effect.kind in _PARTS else Origin.KNOWN
    if effect.kind in _PARTS:
        own = state.origin(space, part(effect.relation, effect.name))
        return max(state.table(effect.relation), own)
    name = effect.relation
    if space is Space.ROUTINE and "(" not in name:
        name = next((key[1] for key in state.made if key[0] is space and key[1].partition("(")[0] == name), name)
    origin = state.origin(space, name)
    if space is Space.ROUTINE or name.startswith("pg_temp."):
        state.made.pop((space, name), None)
    return origin


def _drop_index(effect: Effect, state: State) -> Ruling:
    index = state.before.indexes.get(effect.relation) if state.before and state.before.sure(effect.relation) else None
    if index is None:
        why = f"whether the index {effect.relation} was unique is not known: an upsert of the earlier code may need it"
        return unknown("drop-index", why)
    if index.unique:
        why = f"the unique index {effect.relation} of {index.table} is dropped: an upsert of the earlier code fails"
        return unsafe("drop-unique-index", why)
    return FINE


_UNSAFE_RENAMES = _UNSAFE_DROPS | {"column", "attribute"} - {"extension"}
_HARMLESS_RENAMES = frozenset({"index", "trigger", "policy", "statistic_ext"})


def rename(effect: Effect, state: State) -> Ruling:
    """Rule on RENAME; what is renamed within these files keeps its origin under its new name."""
    if effect.kind in ("column", "attribute"):
        return _rename_column(effect, state)
    if effect.kind in ("tabconstraint", "trigger", "policy", "rule"):
        return _rename_part(effect, state)
    space = space_of(effect.kind)
    origin = Origin.KNOWN if space is None else state.move(space, effect.relation, _renamed(effect, space))
    told = f"the {kind_of(effect)} {effect.relation} is now called {effect.name}"
    if effect.kind == "index":
        return weigh(origin, _rename_index(effect, state, told))
    if effect.kind in _UNSAFE_RENAMES:
        return weigh(
            origin,
            unsafe(f"rename-{kind_of(effect).replace(' ', '-')}", f"{told}, and the earlier code uses the old name"),
        )
    if effect.kind in _HARMLESS_RENAMES:
        return FINE
    return unknown("rename", f"{told}: whether the earlier code uses the old name is not known")


def _rename_index(effect: Effect, state: State, told: str) -> Ruling:
    """PostgreSQL renames a table too when ALTER INDEX names one (documentation, "ALTER INDEX")."""
    catalogue = state.before
    is_table = effect.relation in state.kinds and state.kinds[effect.relation] != "index"
    if is_table or (catalogue is not None and effect.relation in catalogue.tables):
        return unsafe("rename-table", f"{told}: it is a table")
    index = catalogue.indexes.get(effect.relation) if catalogue else None
    if index is not None and index.of_constraint:
        return unknown("rename-constraint", f"{told}, and its constraint with it: an upsert may name the constraint")
    if index is None:
        return unknown("rename-index", f"{told}: whether it has a constraint, which an upsert may name, is not known")
    return FINE


def _rename_column(effect: Effect, state: State) -> Ruling:
    old = effect.columns[0] if effect.columns else ""
    why = f"{effect.relation}.{old} is now called {effect.name}, and the earlier code uses the old name"
    rule = f"rename-{effect.kind}"
    if effect.kind == "attribute":
        return weigh(state.origin(Space.TYPE, effect.relation), unsafe(rule, why))
    origin = state.column_origin(effect.relation, old)
    own = state.columns.pop((effect.relation, old), None)
    if own is not None:
        state.columns[effect.relation, effect.name] = own
    return weigh(origin, unsafe(rule, why))


def _rename_part(effect: Effect, state: State) -> Ruling:
    space, old = space_of(effect.kind), effect.columns[0] if effect.columns else ""
    if effect.kind in _HARMLESS_RENAMES or space is None:
        harmless = effect.kind in _HARMLESS_RENAMES
        return FINE if harmless else unknown("rename", f"{effect.relation}'s {effect.kind} {old} has another name")
    origin = state.made.pop((space, part(effect.relation, old)), Origin.KNOWN)
    state.made[space, part(effect.relation, effect.name)] = origin
    why = f"the constraint {old} of {effect.relation} is now called {effect.name}: an upsert may name it"
    return weigh(max(origin, state.table(effect.relation)), unknown("rename-constraint", why))


def _renamed(effect: Effect, space: Space) -> str:
    """Give the full new name of an object, a routine's arguments kept."""
    schema, dot, rest = effect.relation.partition(".")
    _, bracket, arguments = rest.partition("(")
    return f"{schema}.{effect.name}{bracket}{arguments}" if dot and space is not Space.SCHEMA else effect.name


def set_schema(effect: Effect, state: State) -> Ruling:
    """Rule on SET SCHEMA."""
    space = space_of(effect.kind)
    origin = Origin.KNOWN if space is None else state.move(space, effect.relation, _in_schema(effect))
    told = f"the {kind_of(effect)} {effect.relation} is now in the schema {effect.name}"
    return weigh(origin, unsafe("set-schema", f"{told}, and the earlier code looks in the old one"))


def _in_schema(effect: Effect) -> str:
    return f"{effect.name}.{effect.relation.partition('.')[2]}"
