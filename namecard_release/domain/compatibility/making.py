"""What new objects mean for code that does not know of them; new columns and constraints are beside."""

from __future__ import annotations

from namecard_release.domain.compatibility.catalogue import Space
from namecard_release.domain.compatibility.columns import weigh
from namecard_release.domain.compatibility.state import Origin, State, part, space_of
from namecard_release.domain.compatibility.types import is_plain
from namecard_release.domain.compatibility.verdict import FINE, Ruling, unknown, unsafe
from namecard_release.domain.compatibility.words import kind_of
from namecard_release.domain.sql import Effect, Trait


def create_table(effect: Effect, state: State) -> Ruling:
    """Rule on CREATE TABLE: nobody misses what is new; a child of a known table is part of that."""
    if effect.target and state.table(effect.target) is not Origin.OURS:
        if effect.has(Trait.INHERITS):
            why = f"{effect.relation} becomes part of {effect.target}: the earlier code reads its rows, too"
            return unknown("child-of-known-table", why)
        if effect.kind:
            why = f"rows that the earlier code writes to {effect.target} may go to another server now"
            return unknown("foreign-partition", why)
        # A partition holds rows that the earlier code writes to its parent, so it is never our own alone.
        return FINE
    state.make(Space.RELATION, effect.relation, effect)
    state.kinds[effect.relation] = effect.kind or "table"
    if not effect.columns:
        # Made from a query, perhaps: then it has rows.
        state.filled.add(effect.relation)
    return FINE


def create_view(effect: Effect, state: State) -> Ruling:
    """Rule on CREATE VIEW: OR REPLACE may change what the earlier code reads."""
    state.kinds[effect.relation] = "view"
    return _made(effect, state, Space.RELATION, "replace-view", "view")


def create_routine(effect: Effect, state: State) -> Ruling:
    """Rule on CREATE FUNCTION and PROCEDURE: OR REPLACE may change what the earlier code calls."""
    state.routines.add(effect.relation.partition("(")[0].rpartition(".")[2])
    return _made(effect, state, Space.ROUTINE, "replace-routine", kind_of(effect))


def _made(effect: Effect, state: State, space: Space, rule: str, kind: str) -> Ruling:
    if state.make(space, effect.relation, effect) is Origin.OURS or not effect.has(Trait.REPLACE):
        return FINE
    return unknown(rule, f"the {kind} {effect.relation} may have been there before, and is now another")


def create_type(effect: Effect, state: State) -> Ruling:
    """Rule on CREATE TYPE and DOMAIN."""
    if state.make(Space.TYPE, effect.relation, effect) is Origin.OURS:
        # A domain of a domain has the rules of both.
        more = {Trait.CHECK} if effect.target and not is_plain(effect.target) else set()
        state.types[effect.relation] = effect.traits | more
    return FINE


def create_object(effect: Effect, state: State) -> Ruling:
    """Rule on CREATE SCHEMA, SEQUENCE, EXTENSION."""
    space = space_of(effect.kind)
    if space is None:
        return unknown("unknown-object", f"what a new {kind_of(effect)} does to the earlier code is not known")
    state.make(space, effect.relation, effect)
    if space is Space.RELATION:
        state.kinds[effect.relation] = effect.kind
    return FINE


def create_trigger(effect: Effect, state: State) -> Ruling:
    """Rule on CREATE TRIGGER: it runs on every write of the earlier code."""
    state.tied.add(effect.relation)
    state.make(Space.TRIGGER, part(effect.relation, effect.name), effect, lacking=False)
    why = f"the trigger {effect.name} runs when the earlier code writes to {effect.relation}; what it does is not read"
    return weigh(state.table(effect.relation), unknown("create-trigger", why))


def create_policy(effect: Effect, state: State) -> Ruling:
    """Rule on CREATE POLICY: it narrows or widens the rows that the earlier code sees."""
    state.make(Space.POLICY, part(effect.relation, effect.name), effect, lacking=False)
    why = f"the policy {effect.name} decides which rows of {effect.relation} the earlier code sees and writes"
    return weigh(state.table(effect.relation), unsafe("create-policy", why))
