"""What a database's catalogue says, and what it proves. Reading it is an adapter's.

A name that a file does not qualify may be another schema's, so nothing is proven about a bare name that two schemas
have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property


class Space(StrEnum):
    """Names of one space are unique in it: tables, views, indexes and sequences share one."""

    RELATION = "relation"
    ROUTINE = "routine"
    TYPE = "type"
    SCHEMA = "schema"
    EXTENSION = "extension"
    COLUMN = "column"
    CONSTRAINT = "constraint"
    TRIGGER = "trigger"
    POLICY = "policy"


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the catalogue has it; `kind` is the type as the parser names it: `varchar(20)`, `int4`, `text[]`."""

    name: str
    kind: str
    nullable: bool
    has_default: bool


@dataclass(frozen=True, slots=True)
class Index:
    """An index (`schema.name`) of a table; `of_constraint` when a constraint stands on it.

    `columns` are those that it looks at, in expressions and its WHERE too.
    """

    name: str
    table: str
    unique: bool
    of_constraint: bool = False
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Constraint:
    """A table's constraint; `kind` is `check`, `foreign key`, `primary key`, `unique` or `exclude`."""

    name: str
    kind: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Catalogue:
    """A database's objects outside the system's schemas, by full name (`schema.name`).

    `tables` has views' columns too; `types` gives each type's kind (`enum`, `domain`, `composite`, `range`, `base`).
    """

    tables: Mapping[str, tuple[Column, ...]]
    views: frozenset[str] = frozenset()
    indexes: Mapping[str, Index] = field(default_factory=dict)
    constraints: Mapping[str, tuple[Constraint, ...]] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    sequences: frozenset[str] = frozenset()
    routines: frozenset[str] = frozenset()
    schemas: frozenset[str] = frozenset()
    extensions: frozenset[str] = frozenset()

    @cached_property
    def _bare(self) -> Mapping[Space, Mapping[str, tuple[str, ...]]]:
        """Full names by bare name, in each space."""
        found: dict[Space, dict[str, tuple[str, ...]]] = {}
        relations = {*self.tables, *self.views, *self.indexes, *self.sequences}
        names = {
            Space.RELATION: relations,
            Space.ROUTINE: self.routines,
            Space.TYPE: {*self.types, *self.tables, *self.views},
            Space.SCHEMA: self.schemas,
            Space.EXTENSION: self.extensions,
        }
        for space, full in names.items():
            by_bare = found.setdefault(space, {})
            for name in full:
                bare = _bare_name(space, name)
                by_bare[bare] = (*by_bare.get(bare, ()), name)
        return found

    def lacks(self, space: Space, name: str) -> bool:
        """Tell whether it is proven that there is no such object, in any schema."""
        return space in self._bare and _bare_name(space, name) not in self._bare[space]

    def has(self, space: Space, name: str) -> bool:
        """Tell whether there is an object of this full name."""
        return name in self._bare.get(space, {}).get(_bare_name(space, name), ())

    def sure(self, name: str) -> bool:
        """Tell whether a relation's name means this one object, whatever the search path was."""
        return self._bare[Space.RELATION].get(name.rpartition(".")[2]) == (name,)

    def lacks_column(self, table: str, column: str) -> bool:
        """Tell whether it is proven that a table is there without such a column."""
        columns = self.tables.get(table)
        return columns is not None and self.sure(table) and all(one.name != column for one in columns)

    def constrains(self, table: str, column: str) -> bool:
        """Tell whether a constraint or a unique index looks at a column."""
        if any(column in one.columns for one in self.constraints.get(table, ())):
            return True
        return any(one.unique and one.table == table and column in one.columns for one in self.indexes.values())

    def column(self, table: str, column: str) -> Column | None:
        """Give a column of a table whose name is sure."""
        columns = self.tables.get(table, ()) if self.sure(table) else ()
        return next((one for one in columns if one.name == column), None)

    def constraint(self, table: str, name: str) -> Constraint | None:
        """Give a constraint of a table whose name is sure."""
        found = self.constraints.get(table, ()) if self.sure(table) else ()
        return next((one for one in found if one.name == name), None)

    def lacks_constraint(self, table: str, name: str) -> bool:
        """Tell whether it is proven that a table is there without such a constraint."""
        return table in self.tables and self.sure(table) and self.constraint(table, name) is None

    def kind_of(self, name: str) -> str | None:
        """Give the kind of a type, bare or full, if only one has that name."""
        bare = name.rpartition(".")[2]
        found = self._bare[Space.TYPE].get(bare, ())
        return (
            self.types.get(found[0]) if len(found) == 1 and found[0] in (name, *self._qualified(name, found)) else None
        )

    @staticmethod
    def _qualified(name: str, found: tuple[str, ...]) -> tuple[str, ...]:
        return () if "." in name else found


def _bare_name(space: Space, name: str) -> str:
    plain = name.partition("(")[0] if space is Space.ROUTINE else name
    return plain if space in (Space.SCHEMA, Space.EXTENSION) else plain.rpartition(".")[2]
