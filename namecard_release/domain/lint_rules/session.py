"""Time limits, locks, and what a file leaves behind on its connection or on the server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from namecard_release.domain.lint_rules.made import Made, acts
from namecard_release.domain.lint_rules.rule import Hit
from namecard_release.domain.sql import Effect, Statement, Trait, Verb

# PostgreSQL documentation, "Explicit Locking": these take ACCESS EXCLUSIVE or SHARE ROW EXCLUSIVE on the table.
_LOCKS = frozenset(
    {
        *(Verb.RENAME, Verb.SET_SCHEMA, Verb.ADD_COLUMN, Verb.DROP_COLUMN, Verb.SET_TYPE, Verb.SET_NOT_NULL),
        *(Verb.DROP_NOT_NULL, Verb.SET_DEFAULT, Verb.DROP_DEFAULT, Verb.ADD_IDENTITY, Verb.DROP_IDENTITY),
        *(Verb.DROP_EXPRESSION, Verb.ADD_CONSTRAINT, Verb.DROP_CONSTRAINT, Verb.DETACH_PARTITION, Verb.TRUNCATE),
        *(Verb.ENABLE_ROW_SECURITY, Verb.DISABLE_ROW_SECURITY, Verb.CREATE_TRIGGER, Verb.CREATE_POLICY),
    }
)
_LOCKED_TO_DROP = frozenset({"table", "index", "trigger", "policy"})
_FILLED = (Trait.DEFAULT, Trait.GENERATED)
_UNIQUE = (Trait.UNIQUE, Trait.PRIMARY, Trait.EXCLUDE)
_SERVER_WIDE = frozenset({"CreateRole", "AlterRole", "AlterRoleSet", "DropRole", "AlterDatabase", "AlterDatabaseSet"})


def find_settings(statements: Sequence[Statement]) -> Iterator[Hit]:
    """Find settings that leak into later files, and time limits that are taken away."""
    effects = [effect for statement in statements for effect in statement.effects]
    reset = {e.name: i for i, e in enumerate(effects) if e.verb is Verb.SESSION and e.kind == "reset"}
    for index, effect in enumerate(effects):
        if effect.verb is not Verb.SESSION or effect.kind != "set":
            continue
        if effect.has(Trait.UNLIMITED):
            told = f"SET {effect.name} = 0 takes the limit away; set one that the change needs"
            yield Hit("no-time-limit", effect.line, told)
        undone = max(reset.get(effect.name, -1), reset.get("VAR_RESET_ALL", -1)) > index
        if not effect.has(Trait.LOCAL) and not undone:
            told = f"SET {effect.name} stays for the files after this one; write SET LOCAL"
            yield Hit("session-setting", effect.line, told)


def find_lock_timeout(statements: Sequence[Statement]) -> Iterator[Hit]:
    """Find the first statement that waits for a strong lock on a table in use without a limit."""
    made = Made()
    for statement in statements:
        for effect in acts(statement):
            if effect.verb is Verb.SESSION and effect.name == "lock_timeout" and effect.kind == "set":
                return
            if _locks(effect) and not made.table(effect.relation):
                told = f"{effect.verb} on {effect.relation} waits for its lock without a limit, and so do requests"
                yield Hit("missing-lock-timeout", effect.line, f"{told}; put SET LOCAL lock_timeout = '5s' before it")
                return
            made.learn(effect)


def _locks(effect: Effect) -> bool:
    if effect.kind == "domain":
        return False
    return effect.verb in _LOCKS or (effect.verb is Verb.DROP and effect.kind in _LOCKED_TO_DROP)


def find_left_behind(effect: Effect) -> Iterator[Hit]:
    """Find temporary tables that stay, and roles and databases changed."""
    if effect.verb is Verb.CREATE_TABLE and effect.has(Trait.TEMPORARY) and not effect.has(Trait.ON_COMMIT_DROP):
        told = f"{effect.relation} stays for the files after this one; add ON COMMIT DROP"
        yield Hit("temp-table", effect.line, told)
    if effect.verb is Verb.SERVER and effect.name in _SERVER_WIDE and effect.kind != "tablespace":
        told = f"{effect.name} holds for the whole server, also where the file is only tried; do it elsewhere"
        yield Hit("server-wide", effect.line, told)


def find_costly(effect: Effect, made: Made) -> Iterator[Hit]:
    """Find what fails on rows that are there, and what blocks their readers or writers for long."""
    if made.table(effect.relation):
        return
    if _may_find_doubles(effect):
        told = f"fails where rows of {effect.relation} have the same values, and stops writers while it looks"
        yield Hit("unique-on-data", effect.line, f"{effect.verb} {told}; count the doubles on every target first")
    if effect.verb is Verb.ADD_COLUMN and effect.has(Trait.NOT_NULL) and not effect.has(*_FILLED):
        told = f"{effect.relation}.{effect.name} is NOT NULL without a default: it fails on a table that has rows"
        yield Hit("required-column", effect.line, f"{told}; give it a default, or fill it before SET NOT NULL")
    if effect.verb is Verb.CREATE_INDEX and not effect.has(Trait.CONCURRENT):
        told = f"CREATE INDEX on {effect.relation} blocks writes until it is built; deploy it when traffic is low"
        yield Hit("blocking-index", effect.line, told)
    if _stops_readers(effect):
        told = f"{effect.name.upper()} of {effect.relation or 'an index'} stops its readers until it is done"
        yield Hit("blocking-upkeep", effect.line, f"{told}; run it by hand, CONCURRENTLY")


def _may_find_doubles(effect: Effect) -> bool:
    """A column that is new has doubles only in a default that is the same for every row."""
    if effect.verb is Verb.ADD_COLUMN:
        return effect.has(*_UNIQUE) and effect.has(Trait.DEFAULT) and not effect.has(Trait.VOLATILE)
    adds = effect.verb in (Verb.ADD_CONSTRAINT, Verb.CREATE_INDEX)
    return adds and effect.has(*_UNIQUE) and not effect.has(Trait.USING_INDEX)


def _stops_readers(effect: Effect) -> bool:
    upkeep = effect.verb is Verb.MAINTENANCE and effect.name in ("reindex", "cluster", "refreshmatview")
    return upkeep and not effect.kind and not effect.has(Trait.CONCURRENT)
