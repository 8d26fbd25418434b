"""What a file does to rows: TRUNCATE, UPDATE and DELETE of every row, MERGE, and enum values used too early."""

from __future__ import annotations

from collections.abc import Iterator

from namecard_release.domain.lint_rules.made import Made
from namecard_release.domain.lint_rules.rule import Hit
from namecard_release.domain.sql import Effect, Statement, Trait, Verb


def find_data(effect: Effect, made: Made) -> Iterator[Hit]:
    """Find what changes or removes all rows of a table that was there before the file."""
    if made.table(effect.relation):
        return
    where, table = effect.has(Trait.WHERE), effect.relation
    if effect.verb is Verb.TRUNCATE:
        cascade = " and every table that refers to it" if effect.has(Trait.CASCADE) else ""
        told = f"TRUNCATE empties {table}{cascade}; delete the rows that must go with a WHERE"
        yield Hit("truncate", effect.line, told)
    elif effect.verb is Verb.UPDATE and not where:
        told = f"UPDATE without a WHERE that narrows changes every row of {table}; add one, or fill in batches"
        yield Hit("update-every-row", effect.line, told)
    elif effect.verb is Verb.DELETE and not where:
        told = f"DELETE without a WHERE that narrows removes every row of {table}; add one"
        yield Hit("delete-every-row", effect.line, told)
    elif effect.verb is Verb.MERGE:
        told = f"MERGE into {table} may change every row; make sure that its conditions name the rows meant"
        yield Hit("merge", effect.line, told)


class EnumValues:
    """The enum values that a file has added so far, and where it uses them."""

    def __init__(self) -> None:
        self._added: dict[str, str] = {}

    def find(self, statement: Statement) -> Iterator[Hit]:
        """Find the new values that a statement uses, then learn those that it adds."""
        for value in sorted(set(statement.literals).intersection(self._added)) if self._added else ():
            told = f"the value '{value}' added to {self._added[value]} here cannot be used before it is committed"
            yield Hit("new-enum-value-used", statement.line, f"{told}; use it in a later file")
        for effect in statement.effects:
            if effect.verb is Verb.ADD_ENUM_VALUE:
                self._added[effect.name] = effect.relation
