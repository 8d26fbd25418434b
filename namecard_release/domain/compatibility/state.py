"""What the statements so far made: the new release's own objects and columns. What that means is the rules'.

An object is the new release's own when a statement that cannot have been skipped made it, or when the catalogue shows
that it was not there before. `IF NOT EXISTS`, `OR REPLACE` and a branch of a DO block prove neither: MAYBE.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntEnum

from namecard_release.domain.compatibility.catalogue import Catalogue, Space
from namecard_release.domain.sql import Effect, Trait

Key = tuple[Space, str]
_UNPROVEN = (Trait.IF_NOT_EXISTS, Trait.REPLACE, Trait.CONDITIONAL)
_SPACES = {
    **dict.fromkeys(
        ("table", "view", "matview", "foreign_table", "foreign table", "sequence", "index"), Space.RELATION
    ),
    **dict.fromkeys(("function", "procedure", "routine", "aggregate"), Space.ROUTINE),
    **dict.fromkeys(("type", "domain"), Space.TYPE),
    "schema": Space.SCHEMA,
    "extension": Space.EXTENSION,
    "column": Space.COLUMN,
    "tabconstraint": Space.CONSTRAINT,
    "trigger": Space.TRIGGER,
    "policy": Space.POLICY,
}


class Origin(IntEnum):
    """Where an object comes from: the schema before the files, perhaps them, surely them."""

    KNOWN = 0
    MAYBE = 1
    OURS = 2


@dataclass(frozen=True, slots=True)
class OwnColumn:
    """A column that the files added to a table; `value` tells what a row that does not name it gets.

    `value` is DEFAULT (one for all), DISTINCT (another for each row), UNPROVEN, or None for NULL. `guarded` when a
    constraint looks at it.
    """

    origin: Origin
    not_null: bool = False
    value: Trait | None = None
    guarded: bool = False
    kind: str = ""


@dataclass
class State:
    """What is known at a place in the files; `before` is the catalogue of the schema before them."""

    catalogue: Catalogue | None = None
    before: Catalogue | None = None
    made: dict[Key, Origin] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    types: dict[str, frozenset[Trait]] = field(default_factory=dict)
    columns: dict[tuple[str, str], OwnColumn] = field(default_factory=dict)
    # Tables of our own that known tables or triggers hang on: writing to them may write elsewhere.
    tied: set[str] = field(default_factory=set)
    # Tables and columns whose rows may keep rows of known tables from being deleted.
    holding: set[str] = field(default_factory=set)
    holding_columns: set[tuple[str, str]] = field(default_factory=set)
    # Tables that these files put rows into, and new columns of known tables that they wrote.
    filled: set[str] = field(default_factory=set)
    filled_columns: set[tuple[str, str]] = field(default_factory=set)
    routines: set[str] = field(default_factory=set)
    # A search path that a file set for the session, and whether the file at hand started with one.
    path_left: bool = False
    path_inherited: bool = False

    def start_file(self) -> None:
        """Take over what the file before left: with its search path, a bare name may mean another object."""
        self.path_inherited = self.path_left
        if not self.path_left:
            return
        for key in [key for key, origin in self.made.items() if origin is Origin.OURS]:
            self.made[key] = Origin.MAYBE if self.may_mean_another(key[1]) else Origin.OURS
        for place, column in self.columns.items():
            if column.origin is Origin.OURS and self.may_mean_another(place[0]):
                self.columns[place] = replace(column, origin=Origin.MAYBE)

    def may_mean_another(self, name: str) -> bool:
        """Tell whether a name may be a bare one, for which an earlier file's search path decides."""
        return self.path_inherited and name.startswith("public.")

    def note_session(self, effect: Effect) -> None:
        """Note a search path that stays for the files that follow."""
        if effect.name == "search_path" and effect.kind == "set" and not effect.has(Trait.LOCAL):
            self.path_left = True
        elif effect.name in ("search_path", "VAR_RESET_ALL", "discard all") and not effect.has(
            Trait.CONDITIONAL, Trait.LOCAL
        ):
            self.path_left = False

    def origin(self, space: Space, name: str) -> Origin:
        """Tell where an object comes from."""
        return self.made.get((space, name), Origin.KNOWN)

    def table(self, name: str) -> Origin:
        """Tell where a relation comes from."""
        return self.made.get((Space.RELATION, name), Origin.KNOWN)

    def column(self, table: str, column: str) -> OwnColumn | None:
        """Give what is known of a column that the files added or may have added."""
        return self.columns.get((table, column))

    def column_origin(self, table: str, column: str) -> Origin:
        """Tell where a column comes from; a table's own columns are as the table."""
        own = self.columns.get((table, column))
        return max(self.table(table), own.origin if own else Origin.KNOWN)

    def make(self, space: Space, name: str, effect: Effect, lacking: bool | None = None) -> Origin:
        """Note an object made, and tell what that proves; `lacking` says that the catalogue shows it was absent."""
        key = (space, name)
        if lacking is None:
            lacking = self.was_absent(space, name)
        proven = not effect.has(*_UNPROVEN) or (effect.has(Trait.TEMPORARY) and not effect.has(Trait.CONDITIONAL))
        there = self.before is not None and self.before.has(space, name)
        proven = proven and not self.may_mean_another(name)
        found = Origin.OURS if proven or lacking else Origin.KNOWN if there else Origin.MAYBE
        self.made[key] = max(found, self.made.get(key, Origin.KNOWN))
        return self.made[key]

    def was_absent(self, space: Space, name: str) -> bool:
        """Tell whether the catalogue shows that an object was not there before the files."""
        return self.before is not None and self.before.lacks(space, name)

    def type_traits(self, name: str) -> frozenset[Trait] | None:
        """Give what is known of a type of our own; a bare name means the one that has it."""
        if "." in name:
            return self.types.get(name)
        return next((traits for full, traits in self.types.items() if full.rpartition(".")[2] == name), None)

    def move(self, space: Space, old: str, new: str) -> Origin:
        """Carry an object's origin, which is given, to its new name; what was known of the new name is gone."""
        origin = self.made.pop((space, old), Origin.KNOWN)
        self.made[space, new] = origin
        if space is Space.RELATION:
            self.kinds[new] = self.kinds.get(old, "")
            for names in (self.tied, self.holding, self.filled):
                if old in names:
                    names.add(new)
        return origin

    def end_transaction(self) -> None:
        """Forget temporary objects, which the end of a transaction or a DISCARD may drop."""
        for key in [key for key in self.made if key[1].startswith("pg_temp.")]:
            del self.made[key]

    def roll_back(self) -> None:
        """Forget what was made: it may be undone. What looks at columns stays noted, to be careful."""
        self.made.clear()
        self.types.clear()
        for key, column in self.columns.items():
            self.columns[key] = replace(column, origin=Origin.KNOWN)

    def may_write(self, table: str) -> bool:
        """Tell whether a write to a table reaches the new release's own rows alone."""
        return self.table(table) is Origin.OURS and self.kinds.get(table) == "table" and table not in self.tied


def space_of(kind: str) -> Space | None:
    """Give the space that a kind of object has its name in, as the parser calls the kind."""
    return _SPACES.get(kind)


def part(table: str, name: str) -> str:
    """Give the key of a part of a table: a constraint, a trigger, a policy."""
    return f"{table} {name}"
