"""What a migration file may not do, as findings over its typed facts. Reading SQL and running tools is elsewhere.

The rules themselves are in the package `lint_rules`; here they are put together and weighed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from namecard_release.domain.gates import Verdict
from namecard_release.domain.lint_rules.advice import weigh_advice
from namecard_release.domain.lint_rules.data import EnumValues, find_data
from namecard_release.domain.lint_rules.ignoring import rule_of, silence
from namecard_release.domain.lint_rules.made import Made, acts
from namecard_release.domain.lint_rules.objects import find_hidden, find_objects
from namecard_release.domain.lint_rules.rule import Hit
from namecard_release.domain.lint_rules.session import find_costly, find_left_behind, find_lock_timeout, find_settings
from namecard_release.domain.lint_rules.transactions import (
    find_outside,
    find_refused,
    find_streams,
    find_transactions,
)
from namecard_release.domain.sql import Effect, Obstacle, SqlFile, Trait, Verb


class Level(StrEnum):
    """How a finding counts: an error fails the lint, a warning is shown."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a rule found, at a 1-based line of a file."""

    file: str
    line: int
    rule: str
    level: Level
    message: str


@dataclass(frozen=True)
class LintReport:
    """The verdict over files (PASSED or FAILED) with every finding, in file and line order."""

    verdict: Verdict
    findings: tuple[Finding, ...]


_UNREADABLE = {
    Obstacle.SYNTAX: ("syntax-error", "PostgreSQL refuses the whole file: {}; correct it"),
    Obstacle.PSQL: (
        "psql-command",
        "{}: the server, which the migrator sends it to, has no such command; take it out",
    ),
    Obstacle.BODY: ("unreadable-do", "{}: nobody can say what it does; write it in PL/pgSQL that can be read"),
}


def lint_file(file: SqlFile, *, advice: Sequence[Hit] = (), named: Sequence[Hit] = ()) -> tuple[Finding, ...]:
    """Find what a file may not do, by its statements' facts, in line order; its ignore markers are honoured.

    `advice` is squawk's on this file (rules as squawk names them), `named` what is wrong with its name.
    """
    hits = (*named, *_find_all(file), *weigh_advice(advice, file))
    told = sorted(set(silence(_once(hits), file)), key=lambda hit: (hit.line, hit.rule, hit.message))
    return tuple(Finding(file.name, hit.line, hit.rule, _level(hit.rule), hit.message) for hit in told)


def _find_all(file: SqlFile) -> Iterator[Hit]:
    for piece in file.unreadable:
        rule, text = _UNREADABLE[piece.obstacle]
        yield Hit(rule, piece.line, text.format(piece.message))
    if not file.statements and not file.unreadable:
        yield Hit("empty-file", 1, "there is no statement in it, yet it would be recorded as applied; leave it out")
    made, values = Made(), EnumValues()
    for statement in file.statements:
        yield from values.find(statement)
        for effect in acts(statement):
            yield from find_broken(effect, made)
            made.learn(effect)
    yield from find_settings(file.statements)
    yield from find_lock_timeout(file.statements)


Rule = Callable[[Effect, Made], Iterator[Hit]]
# What each rule can have something to say on: one in eight of them on most statements. A test compares with all.
RULES_BY_VERBS: tuple[tuple[Rule, frozenset[Verb]], ...] = (
    (lambda effect, _: find_transactions(effect), frozenset({Verb.TRANSACTION})),
    (lambda effect, _: find_outside(effect), frozenset({Verb.SERVER, Verb.COPY_IN, Verb.QUERY, Verb.CALL})),
    (
        lambda effect, _: find_refused(effect),
        frozenset({Verb.CREATE_INDEX, Verb.DROP, Verb.DETACH_PARTITION, Verb.MAINTENANCE, Verb.SESSION, Verb.SERVER}),
    ),
    (find_data, frozenset({Verb.TRUNCATE, Verb.UPDATE, Verb.DELETE, Verb.MERGE})),
    (
        find_objects,
        frozenset(
            {
                *(Verb.DROP, Verb.DROP_COLUMN, Verb.RENAME, Verb.SET_SCHEMA, Verb.RENAME_ENUM_VALUE),
                *(Verb.SET_TYPE, Verb.ALTER_OBJECT, Verb.ADD_ENUM_VALUE),
            }
        ),
    ),
    (lambda effect, _: find_left_behind(effect), frozenset({Verb.CREATE_TABLE, Verb.SERVER})),
    (find_costly, frozenset({Verb.ADD_COLUMN, Verb.ADD_CONSTRAINT, Verb.CREATE_INDEX, Verb.MAINTENANCE})),
)
_BY_VERB = {verb: tuple(rule for rule, verbs in RULES_BY_VERBS if verb in verbs) for verb in Verb}


def find_broken(effect: Effect, made: Made) -> Iterator[Hit]:
    """Find the rules that one effect breaks, of those that need no other effect than what the file made before."""
    for rule in _BY_VERB[effect.verb]:
        yield from rule(effect, made)
    if effect.has(Trait.STDIN):
        yield from find_streams(effect)
    if made.routines or effect.has(Trait.NESTED):
        yield from find_hidden(effect, made)


def _once(hits: Sequence[Hit]) -> tuple[Hit, ...]:
    """Tell hidden changes once a line: a CREATE in a DO block has an effect for each of its parts."""
    kept: dict[tuple[object, ...], Hit] = {}
    for hit in hits:
        key = (hit.rule, hit.line) if hit.rule == "ddl-in-do" else (hit,)
        kept.setdefault(key, hit)
    return tuple(kept.values())


def _level(name: str) -> Level:
    rule = rule_of(name)
    return Level.ERROR if rule is not None and rule.fails else Level.WARNING


def conclude_lint(findings: Sequence[Finding]) -> LintReport:
    """Give the report over findings: one error fails."""
    ordered = tuple(sorted(findings, key=lambda f: (f.file, f.line, f.rule)))
    failed = any(finding.level is Level.ERROR for finding in ordered)
    return LintReport(Verdict.FAILED if failed else Verdict.PASSED, ordered)


# The rules whose findings mean that a file would not stay inside the migrator's transaction.
ESCAPING_RULES: frozenset[str] = frozenset({"own-transaction", "outside-connection", "server-file"})


def find_escapes(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Give the findings of files that must not be run at all, not even on a throw-away database."""
    return tuple(finding for finding in findings if finding.rule in ESCAPING_RULES)
