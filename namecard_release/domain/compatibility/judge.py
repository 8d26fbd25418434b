"""The judge: files in order, each effect ruled on, what is made carried along. The rules are beside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from namecard_release.domain.compatibility.catalogue import Catalogue
from namecard_release.domain.compatibility.columns import note_own_table
from namecard_release.domain.compatibility.rules import rule_on
from namecard_release.domain.compatibility.state import State
from namecard_release.domain.compatibility.verdict import FINE, Compatibility, Reason, Ruling, Safety, combine, unknown
from namecard_release.domain.sql import Effect, Obstacle, SqlFile, Statement, Trait, Unreadable, Verb

_OBSTACLES = {
    Obstacle.SYNTAX: "PostgreSQL's parser refuses this",
    Obstacle.PSQL: "only psql knows this, and what it runs is not read",
    Obstacle.BODY: "this block cannot be read",
}


def judge_changes(
    files: Sequence[SqlFile], catalogue: Catalogue | None = None, *, catalogue_is_after: bool = False
) -> Compatibility:
    """Judge whether code that knows nothing of these files runs on the schema they leave; files in applied order.

    `catalogue` is the schema before the files. With `catalogue_is_after` it is the one that they left: that proves
    nothing about what was there before, so only kinds of types and constraints still there are taken from it.
    """
    state = State(catalogue, None if catalogue_is_after else catalogue)
    reasons: list[Reason] = []
    found: set[Safety] = set()
    for file in files:
        for line, ruling in _rule_file(file, state):
            if ruling is not FINE:
                found.add(ruling.safety)
                reasons.append(Reason(file.name, line, ruling.rule, ruling.why))
    return Compatibility(combine(frozenset(found)), tuple(reasons))


def _rule_file(file: SqlFile, state: State) -> Iterator[tuple[int, Ruling]]:
    state.start_file()
    for statement in file.statements:
        yield from _rule_statement(statement, state)
    for piece in file.unreadable:
        yield piece.line, _rule_unreadable(piece)


def _rule_unreadable(piece: Unreadable) -> Ruling:
    return unknown("unreadable", f"{_OBSTACLES.get(piece.obstacle, 'this cannot be read')}: {piece.message}")


def _rule_statement(statement: Statement, state: State) -> Iterator[tuple[int, Ruling]]:
    if not statement.effects:
        yield statement.line, unknown("unknown-statement", "what this statement does is not known")
        return
    table: Effect | None = None
    left: list[str] = []
    for effect in _in_order([effect for effect in statement.effects if not _is_guess(effect)]):
        if table is not None and _is_within(effect, table, left):
            note_own_table(effect, state)
            continue
        table = effect if effect.verb is Verb.CREATE_TABLE else None
        left = list(effect.columns) if table is not None else []
        ruling = rule_on(effect, state)
        if ruling is not FINE:
            yield effect.line, ruling


def _is_guess(effect: Effect) -> bool:
    """Tell whether an effect is read from a text that may run as another one; that it is run is UNKNOWN by itself."""
    return effect.has(Trait.DYNAMIC)


_DROPS = frozenset({Verb.DROP_COLUMN, Verb.DROP_CONSTRAINT})
_ADDS = frozenset({Verb.ADD_COLUMN, Verb.ADD_CONSTRAINT})


def _in_order(effects: Sequence[Effect]) -> Sequence[Effect]:
    """Give effects in PostgreSQL's order: one ALTER TABLE drops first, whatever stands first in it.

    So `add column a, drop column a` drops the column that was there (PostgreSQL documentation, "ALTER TABLE").
    """
    verbs = {effect.verb for effect in effects}
    if verbs.isdisjoint(_DROPS) or verbs.isdisjoint(_ADDS):
        return effects
    places: dict[tuple[int, str], int] = {}
    for number, effect in enumerate(effects):
        if effect.verb in _ADDS:
            places.setdefault((effect.line, effect.relation), number)

    def place(item: tuple[int, Effect]) -> tuple[int, bool, int]:
        number, effect = item
        first = places.get((effect.line, effect.relation), number) if effect.verb in _DROPS else number
        return (min(first, number), effect.verb not in _DROPS, number)

    return [effect for _, effect in sorted(enumerate(effects), key=place)]


def _is_within(effect: Effect, table: Effect, left: list[str]) -> bool:
    """Tell whether an effect is a part of the CREATE TABLE before it; `left` are the columns still to come.

    In a DO block an ALTER TABLE may follow in the same place: there, only what stands before the last column is sure.
    """
    if effect.relation != table.relation or effect.line != table.line:
        return False
    if effect.verb is Verb.ADD_COLUMN and left and left[0] == effect.name:
        left.pop(0)
        return True
    return effect.verb is Verb.ADD_CONSTRAINT and (bool(left) or not effect.has(Trait.NESTED))
