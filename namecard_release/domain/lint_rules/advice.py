"""What squawk says, weighed against the parser's facts: told once, at our level, or not. Running it is elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from namecard_release.domain.lint_rules.made import Made, acts
from namecard_release.domain.lint_rules.rule import Hit
from namecard_release.domain.sql import Effect, SqlFile, Statement, Trait, Verb

# What our own rules tell better, what asks for CONCURRENTLY that the migrator's transaction cannot give, what asks for
# statements that can be repeated (a file is applied whole or not at all), and syntax, which PostgreSQL's parser knows.
UNTOLD = frozenset(
    {
        *("syntax-error", "transaction-nesting", "ban-uncommitted-transaction", "unused-ignore"),
        *("ban-drop-column", "ban-drop-table", "ban-drop-database", "ban-drop-schema", "ban-truncate-cascade"),
        *("renaming-column", "renaming-table", "renaming-object", "ban-set-schema", "changing-column-type"),
        *("ban-drop-view", "ban-drop-function", "ban-drop-type", "ban-drop-sequence", "ban-drop-domain"),
        *("ban-drop-extension", "ban-add-enum-value", "require-enum-value-ordering", "ban-alter-system-options"),
        *("ban-alter-role-options", "ban-alter-database-options", "ban-concurrent-index-creation-in-transaction"),
        *("require-concurrent-index-creation", "require-concurrent-index-deletion", "require-concurrent-reindex"),
        *("require-concurrent-partition-detach", "disallowed-unique-constraint", "prefer-robust-stmts"),
        *("require-timeout-settings", "require-lock-timeout", "require-statement-timeout", "prefer-repack"),
        "adding-required-field",
    }
)
_NOT_VALID = "constraint-missing-not-valid"
# What is said of a new column or table itself holds for one that the file made as well.
_OF_TYPES = frozenset(
    {
        *("prefer-bigint-over-int", "prefer-bigint-over-smallint", "prefer-identity", "prefer-text-field"),
        *("prefer-timestamp-tz", "ban-char-field", "identifier-too-long", "require-table-schema"),
    }
)


def weigh_advice(advice: Sequence[Hit], file: SqlFile) -> Iterator[Hit]:
    """Give squawk's advice (`rule` as squawk names it) as hits of `squawk:<rule>`, once for each statement.

    Left out: what our rules tell, and advice on a statement that touches only what the file made itself.
    """
    ours = [said for said in advice if said.rule not in UNTOLD]
    if not ours:
        return
    fresh, places = _fresh(file), _by_line(file.statements)
    seen: set[tuple[str, int]] = set()
    for said in ours:
        # By line: squawk's columns count otherwise than ours.
        statements = places.get(said.line, ())
        key = (said.rule, statements[0].line if statements else said.line)
        if key in seen:
            continue
        seen.add(key)
        if said.rule == _NOT_VALID and not any(map(_takes_not_valid, statements)):
            continue
        if said.rule in _OF_TYPES or not statements or not all(id(one) in fresh for one in statements):
            yield Hit(f"squawk:{said.rule}", said.line, said.message)


def _takes_not_valid(statement: Statement) -> bool:
    """Only CHECK and FOREIGN KEY can be added NOT VALID."""
    added = (effect for effect in statement.effects if effect.verb is Verb.ADD_CONSTRAINT)
    return any(effect.has(Trait.CHECK, Trait.FOREIGN) and not effect.has(Trait.NOT_VALID) for effect in added)


def _fresh(file: SqlFile) -> set[int]:
    """Give the statements, by identity, that touch only what the file makes or made before."""
    made, fresh = Made(), set()
    for statement in file.statements:
        own = True
        for effect in acts(statement):
            before = _is_of_own(effect, made)
            made.learn(effect)
            own = own and (before or _is_of_own(effect, made))
        if own:
            fresh.add(id(statement))
    return fresh


def _is_of_own(effect: Effect, made: Made) -> bool:
    if effect.verb is Verb.DROP_COLUMN:
        return made.column(effect.relation, effect.name)
    return effect.verb is Verb.QUERY or made.thing(effect.relation)


def _by_line(statements: Sequence[Statement]) -> dict[int, list[Statement]]:
    """Give the statements on each line."""
    places: dict[int, list[Statement]] = {}
    for statement in statements:
        for line in range(statement.line, statement.line + statement.text.count("\n") + 1):
            places.setdefault(line, []).append(statement)
    return places
