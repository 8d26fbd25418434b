"""For one statement that earlier code cannot live with: what a compensating migration could do, and what it cannot.

A statement is given only where it is right as it stands; where only a person can tell, the words say what to look at.
Sources: PostgreSQL documentation, "ALTER TABLE", "CREATE VIEW" (updatable views), "ALTER TYPE".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from namecard_release.domain.sql import Effect, Trait, Verb

# A column's type by its relation and name.
Types = Mapping[tuple[str, str], str]


@dataclass(frozen=True)
class Compensation:
    """What to do about a statement, what that does not bring back, and the SQL where there is one."""

    what: str
    why: str
    sql: str = ""


def compensate(effect: Effect, types: Types) -> Compensation | None:
    """Give what makes up for an effect, or None where nothing is known to."""
    mend = _MENDS.get(effect.verb)
    # What a domain refuses is refused in every table that uses it: that is for a person to look at.
    return None if mend is None or effect.kind == "domain" else mend(effect, types)


def quote(name: str) -> str:
    """Quote a name, `schema.name` in its two parts."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in name.split(".", 1) if part)


def _table(effect: Effect) -> str:
    return f"alter table {quote(effect.relation)}"


def _drop_column(effect: Effect, types: Types) -> Compensation:
    kind = types.get((effect.relation, effect.name), "")
    sql = f"{_table(effect)} add column {quote(effect.name)} {kind};" if kind else ""
    what = f"add {effect.relation}.{effect.name} back, nullable{'' if kind else ', with the type it had'}"
    return Compensation(what, "dropped it: its data is gone and comes back from a backup only", sql)


def _add_column(effect: Effect, _: Types) -> Compensation | None:
    if not effect.has(Trait.NOT_NULL) or effect.has(Trait.DEFAULT, Trait.GENERATED):
        return None
    return _drop_not_null(effect, _)


def _drop_not_null(effect: Effect, _: Types) -> Compensation:
    sql = f"{_table(effect)} alter column {quote(effect.name)} drop not null;"
    why = "asks for a value that the earlier code does not give; rows without one then come in"
    return Compensation(f"let {effect.relation}.{effect.name} be null again", why, sql)


def _drop(effect: Effect, _: Types) -> Compensation:
    if effect.kind == "table":
        why = "dropped it: its rows are gone and come back from a backup only"
        return Compensation(f"create {effect.relation} again as the file that made it did, empty", why)
    what = f"create the {effect.kind} {effect.name or effect.relation} again as the file that made it did"
    return Compensation(what, "dropped it")


def _view(effect: Effect, new: str) -> Compensation:
    sql = f"create view {quote(effect.relation)} as select * from {quote(new)};"
    why = f"made it {new}; a view of one table takes inserts and updates too"
    return Compensation(f"make a view {effect.relation} of {new}", why, sql)


def _rename(effect: Effect, _: Types) -> Compensation:
    if effect.kind == "table":
        schema = effect.relation.partition(".")[0] if "." in effect.relation else ""
        return _view(effect, f"{schema}.{effect.name}" if schema else effect.name)
    old = effect.columns[0] if effect.columns else effect.relation
    why = f"renamed it to {effect.name}, which the newer code uses: renaming it back breaks that"
    return Compensation(f"keep {old} beside {effect.name}, filled by a trigger, or fix the code", why)


def _set_schema(effect: Effect, _: Types) -> Compensation | None:
    if effect.kind != "table":
        return None
    return _view(effect, f"{effect.name}.{effect.relation.rpartition('.')[2]}")


def _set_type(effect: Effect, _: Types) -> Compensation:
    what = f"look at what {effect.relation}.{effect.name} holds before giving it its old type again"
    return Compensation(what, f"made it {effect.kind}; values that the old type does not take would stop that")


def _add_constraint(effect: Effect, _: Types) -> Compensation:
    what = f"drop the new {effect.kind} constraint of {effect.relation}"
    why = "refuses rows that the earlier code writes; rows against it then come in"
    sql = f"{_table(effect)} drop constraint {quote(effect.name)};" if effect.name else ""
    return Compensation(what, why, sql)


def _create_index(effect: Effect, _: Types) -> Compensation | None:
    if not effect.has(Trait.UNIQUE):
        return None
    sql = f"drop index {quote(effect.name)};" if effect.name else ""
    why = "refuses rows that the earlier code writes; doubles then come in"
    return Compensation(f"drop the new unique index of {effect.relation}", why, sql)


def _drop_default(effect: Effect, _: Types) -> Compensation:
    what = f"give {effect.relation}.{effect.name} its default again, from the file that set it"
    return Compensation(what, "dropped the default that the earlier code relies on")


def _revoke(effect: Effect, _: Types) -> Compensation:
    return Compensation(f"grant the rights on {effect.relation or effect.kind} again", "took rights away")


def _read(effect: Effect, _: Types) -> Compensation:
    told = effect.name or str(effect.verb)
    return Compensation(f"read what {told} does there", "runs SQL that is known only when it runs")


def _changed_rows(effect: Effect, _: Types) -> Compensation:
    what = f"look at whether the earlier code reads what {effect.relation} holds now"
    return Compensation(what, f"changed rows ({effect.verb}); what they held comes back from a backup only")


_MENDS: Mapping[Verb, Callable[[Effect, Types], Compensation | None]] = {
    Verb.DROP_COLUMN: _drop_column,
    Verb.ADD_COLUMN: _add_column,
    Verb.SET_NOT_NULL: _drop_not_null,
    Verb.DROP: _drop,
    Verb.RENAME: _rename,
    Verb.SET_SCHEMA: _set_schema,
    Verb.SET_TYPE: _set_type,
    Verb.ADD_CONSTRAINT: _add_constraint,
    Verb.CREATE_INDEX: _create_index,
    Verb.DROP_DEFAULT: _drop_default,
    Verb.REVOKE: _revoke,
    Verb.DYNAMIC: _read,
    Verb.CALL: _read,
    Verb.UPDATE: _changed_rows,
    Verb.DELETE: _changed_rows,
    Verb.TRUNCATE: _changed_rows,
    Verb.MERGE: _changed_rows,
}
