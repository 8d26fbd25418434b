"""What a file does to objects that running code uses: dropped, renamed, retyped, hidden. Rows are elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from namecard_release.domain.lint_rules.made import Made
from namecard_release.domain.lint_rules.rule import Hit
from namecard_release.domain.sql import Effect, Trait, Verb

_TABLES = frozenset({"table", "foreign_table"})
_IN_USE = frozenset(
    {"view", "matview", "function", "procedure", "routine", "aggregate", "type", "domain", "sequence", "extension"}
)
# Parts of a table whose name no query says.
_UNSAID = frozenset({"trigger", "policy", "rule", "tabconstraint", "domconstraint", "index"})
_NO_CHANGE = frozenset(
    {
        *(Verb.QUERY, Verb.DO, Verb.DYNAMIC, Verb.TRANSACTION, Verb.SAVEPOINT, Verb.SESSION, Verb.CALL),
        *(Verb.INSERT, Verb.UPDATE, Verb.DELETE, Verb.MERGE, Verb.TRUNCATE, Verb.COPY_IN, Verb.MAINTENANCE),
    }
)


def find_objects(effect: Effect, made: Made) -> Iterator[Hit]:
    """Find what is dropped, renamed or retyped although it was there before the file."""
    yield from _find_dropped(effect, made)
    if effect.verb is Verb.DROP_COLUMN and not made.column(effect.relation, effect.name):
        told = f"the column {effect.relation}.{effect.name} is lost, and code that still serves traffic reads it"
        yield Hit("drop-column", effect.line, f"{told}; drop it a release after the last code that uses it")
    elif effect.verb in (Verb.RENAME, Verb.SET_SCHEMA, Verb.RENAME_ENUM_VALUE) and not _is_own(effect, made):
        told = f"{_renamed(effect)} breaks the code that still serves traffic"
        yield Hit("rename", effect.line, f"{told}; add the new one beside it and drop the old one a release later")
    elif effect.verb is Verb.SET_TYPE and not made.column(effect.relation, effect.name):
        told = f"{effect.relation}.{effect.name} to {effect.kind} rewrites the table under a lock that stops readers"
        yield Hit("alter-type", effect.line, f"{told}; add a column of the new type and move the values over")
    elif effect.kind == "type" and effect.verb is Verb.ALTER_OBJECT and not made.thing(effect.relation):
        told = f"ALTER TYPE of {effect.relation} changes every column of it; make a new type"
        yield Hit("alter-type", effect.line, told)
    elif effect.verb is Verb.ADD_ENUM_VALUE and not made.thing(effect.relation):
        told = f"code that still serves traffic does not know '{effect.name}' of {effect.relation}"
        yield Hit("add-enum-value", effect.line, f"{told}; write it only when that code is gone")


def _find_dropped(effect: Effect, made: Made) -> Iterator[Hit]:
    if effect.verb is not Verb.DROP or made.thing(effect.relation):
        return
    if effect.kind in _TABLES:
        told = f"the table {effect.relation} and its rows are lost, and code that still serves traffic reads it"
        yield Hit("drop-table", effect.line, f"{told}; drop it a release after the last code that uses it")
    elif effect.kind in ("schema", "owned"):
        told = f"everything in {effect.relation or 'what the roles own'} goes; drop the objects that must go by name"
        yield Hit("drop-schema", effect.line, told)
    elif effect.kind in _IN_USE:
        cascade = " and everything that hangs on it" if effect.has(Trait.CASCADE) else ""
        told = f"dropping the {effect.kind} {effect.relation}{cascade} breaks the code that still uses it"
        yield Hit("drop-object", effect.line, f"{told}; make sure that none does")


def _is_own(effect: Effect, made: Made) -> bool:
    if effect.kind == "column":
        return all(made.column(effect.relation, name) for name in effect.columns)
    # A constraint's, index's or trigger's name is said by no query, yet the platform's lint refuses the first two.
    return made.thing(effect.relation) or effect.kind in _UNSAID - {"tabconstraint", "index"}


def _renamed(effect: Effect) -> str:
    if effect.verb is Verb.SET_SCHEMA:
        return f"moving {effect.relation} to the schema {effect.name}"
    if effect.verb is Verb.RENAME_ENUM_VALUE:
        return f"renaming the value '{effect.name}' of {effect.relation}"
    what = f"{effect.relation}.{effect.columns[0]}" if effect.columns else effect.relation
    return f"renaming {what} to {effect.name}"


def find_hidden(effect: Effect, made: Made) -> Iterator[Hit]:
    """Find changes in DO blocks, text that is put together at run time, and calls of routines that the file makes."""
    for name in sorted(made.routines.intersection(_called(effect))):
        told = f"{name}() is made in this file and called here, and its body is not looked into"
        yield Hit("own-routine-called", effect.line, f"{told}; write its statements out")
    if effect.verb is Verb.DYNAMIC and effect.has(Trait.NESTED):
        if effect.has(Trait.READABLE):
            told = "EXECUTE of text with names filled in: it is judged by that text; write the statement out if you can"
            yield Hit("dynamic-sql-read", effect.line, told)
        else:
            told = "EXECUTE of text that cannot be read here: nobody can say what it does; write the statement out"
            yield Hit("dynamic-sql", effect.line, told)
    elif effect.has(Trait.NESTED) and effect.verb not in _NO_CHANGE and not effect.relation.startswith("pg_temp."):
        told = f"{effect.verb} {effect.relation or effect.name}".strip()
        yield Hit("ddl-in-do", effect.line, f"'{told}' is in a DO block; write it as a plain statement if you can")


def _called(effect: Effect) -> frozenset[str]:
    """Give the names, without their schemas, of the routines that an effect calls."""
    if effect.verb is Verb.CALL:
        return frozenset({effect.name.rpartition(".")[2]})
    names = effect.columns if effect.verb is Verb.QUERY else ()
    return frozenset(name.rpartition(".")[2] for name in names)
