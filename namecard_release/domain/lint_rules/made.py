"""What a file has made itself so far: tables, columns and other objects. What that excuses is each rule's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from namecard_release.domain.sql import Effect, Statement, Trait, Verb

_OBJECTS = frozenset({Verb.CREATE_VIEW, Verb.CREATE_TYPE, Verb.CREATE_ROUTINE, Verb.CREATE_OBJECT, Verb.CREATE_INDEX})
# All that anything is learnt of.
_TOLD = _OBJECTS | {Verb.SAVEPOINT, Verb.DROP, Verb.RENAME, Verb.CREATE_TABLE, Verb.ADD_COLUMN}
# With these a statement may find the thing there already; in a DO block it may not have run at all.
_UNPROVEN = (Trait.IF_NOT_EXISTS, Trait.REPLACE, Trait.NESTED)


def acts(statement: Statement) -> Sequence[Effect]:
    """Give a statement's effects without the columns and constraints that a CREATE TABLE tells of its own table."""
    if len(statement.effects) == 1:
        return statement.effects
    created: set[str] = set()
    found: list[Effect] = []
    for effect in statement.effects:
        if effect.verb is Verb.CREATE_TABLE:
            created.add(effect.relation)
        if effect.relation not in created or effect.verb not in (Verb.ADD_COLUMN, Verb.ADD_CONSTRAINT):
            found.append(effect)
    return found


@dataclass
class Made:
    """The things that exist because this file made them, by full name; columns by table and name.

    `routines` are all that it makes, proven new or not, by name alone.

    IF NOT EXISTS, OR REPLACE and a DO block do not prove it.
    """

    tables: set[str] = field(default_factory=set)
    columns: set[tuple[str, str]] = field(default_factory=set)
    objects: set[str] = field(default_factory=set)
    routines: set[str] = field(default_factory=set)

    def learn(self, effect: Effect) -> None:
        """Take an effect into account, in the order of the file."""
        if effect.verb not in _TOLD:
            return
        if effect.verb is Verb.SAVEPOINT and effect.name == "rollback to":
            # What was made since the savepoint is gone; which that is would need the savepoint's place.
            self._forget()
        elif effect.verb is Verb.DROP:
            self.tables.discard(effect.relation)
            self.objects.discard(effect.relation)
        elif effect.verb is Verb.RENAME and effect.kind == "table" and effect.relation in self.tables:
            self.tables.add(f"{effect.relation.rpartition('.')[0]}.{effect.name}")
            self.tables.discard(effect.relation)
        if effect.verb is Verb.CREATE_ROUTINE:
            self.routines.add(effect.relation.partition("(")[0].rpartition(".")[2])
        if not effect.has(*_UNPROVEN):
            self._add(effect)

    def _add(self, effect: Effect) -> None:
        if effect.verb is Verb.CREATE_TABLE:
            self.tables.add(effect.relation)
        elif effect.verb is Verb.ADD_COLUMN:
            self.columns.add((effect.relation, effect.name))
        elif effect.verb in _OBJECTS:
            self.objects.add(effect.name if effect.verb is Verb.CREATE_INDEX else effect.relation)

    def _forget(self) -> None:
        self.tables.clear()
        self.columns.clear()
        self.objects.clear()

    def table(self, name: str) -> bool:
        """Tell whether the file made a table, or it is a temporary one."""
        return name in self.tables or name.startswith("pg_temp.")

    def column(self, table: str, name: str) -> bool:
        """Tell whether the file made a column, or its table."""
        return self.table(table) or (table, name) in self.columns

    def thing(self, name: str) -> bool:
        """Tell whether the file made a table or another object."""
        return self.table(name) or name in self.objects
