"""What to do instead of a rollback that the schema does not allow: steps with reasons. Nothing is run from here.

The order follows the runbook, section 3: the migrator never undoes a file, so the schema stays, and what is needed is
added to it. What to do about one statement is in `compensation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from namecard_release.domain.compatibility import Reason, Safety
from namecard_release.domain.compensation import Compensation, Types, compensate
from namecard_release.domain.sql import Effect, SqlFile, Trait, Verb


@dataclass(frozen=True)
class Step:
    """One thing to do and why; `sql` is a statement for a new migration file, where one is right."""

    what: str
    why: str
    sql: str = ""


@dataclass(frozen=True)
class RollForward:
    """The plan: one line for a page, and its steps in order."""

    summary: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Situation:
    """What the plan is about: `stack` holds the migrator; `release` runs or will run, `target` is the earlier one."""

    environment: str
    stack: str
    release: str
    target: str


def plan_roll_forward(
    situation: Situation,
    safety: Safety,
    reasons: Sequence[Reason],
    between: Sequence[SqlFile],
    known: Sequence[SqlFile],
) -> RollForward:
    """Plan the way forward when going back is UNSAFE or UNKNOWN.

    `between` are the files with the statements that decide, `known` the earlier release's; both tell columns' types.
    """
    mended = _compensations(reasons, between, _types((*known, *between)))
    steps = (*_first(situation), *_mend(mended), *_last(situation, safety, mended))
    return RollForward(_summarise(situation, mended), steps)


def _summarise(situation: Situation, mended: Sequence[tuple[Reason, Compensation]]) -> str:
    fix = f"roll forward: keep the schema, fix the code on top of {situation.release}"
    if any(one.sql for _, one in mended):
        return f"{fix}, or add a compensating migration"
    return fix


def _first(situation: Situation) -> tuple[Step, ...]:
    return (
        Step(f"keep the schema of {situation.release}", "the migrator undoes no file; a rollback skips applied ones"),
        Step(
            f"fix the code on top of {situation.release} and promote that to {situation.environment}",
            f"its code fits this schema, that of {situation.target} is not known to",
        ),
    )


def _mend(mended: Sequence[tuple[Reason, Compensation]]) -> tuple[Step, ...]:
    return tuple(Step(one.what, f"{reason.file}:{reason.line} {one.why}", one.sql) for reason, one in mended)


def _last(situation: Situation, safety: Safety, mended: Sequence[tuple[Reason, Compensation]]) -> tuple[Step, ...]:
    cdk = f"cdk deploy {situation.stack} --context migrationsVersion=hotfix-<timestamp>"
    accept = f"namecard-release rollback --env {situation.environment} --to {situation.target} --accept-schema-risk"
    steps: tuple[Step, ...] = ()
    if any(one.sql for _, one in mended):
        what = f"put the statements into a new migration file and deploy it: pnpm --filter @namecard/infra exec {cdk}"
        steps = (Step(what, "a hotfix migration runs alone, before any release (runbook section 3)"),)
    if safety is Safety.UNKNOWN:
        return (
            *steps,
            Step(f"or read the statements and, if they are harmless, {accept}", "UNKNOWN is not UNSAFE: they may be"),
        )
    if steps:
        told = f"only once {situation.target} was seen to run on that schema: the verdict counts the old file for ever"
        return (*steps, Step(f"then, if it must be {situation.target}: {accept}", told))
    return steps


def _compensations(
    reasons: Sequence[Reason], files: Sequence[SqlFile], types: Types
) -> tuple[tuple[Reason, Compensation], ...]:
    found: dict[Compensation, Reason] = {}
    for reason in reasons:
        mends = [compensate(effect, types) for effect in _effects_at(reason, files)]
        for mended in [mend for mend in mends if mend is not None] or [_look(reason)]:
            found.setdefault(mended, reason)
    return tuple((reason, mended) for mended, reason in found.items())


def _look(reason: Reason) -> Compensation:
    return Compensation(f"read {reason.file}, line {reason.line}", f"{reason.rule}: {reason.why}")


def _effects_at(reason: Reason, files: Sequence[SqlFile]) -> tuple[Effect, ...]:
    statements = [statement for file in files if file.name == reason.file for statement in file.statements]
    effects = [(statement.line, effect) for statement in statements for effect in statement.effects]
    # Of dynamic SQL, names and clauses may be filled in when it runs: no statement is made of them.
    effects = [(line, effect) for line, effect in effects if not effect.has(Trait.DYNAMIC)]
    # What a file makes itself, no earlier code uses.
    made = {effect.relation for _, effect in effects if effect.verb is Verb.CREATE_TABLE}
    effects = [(line, effect) for line, effect in effects if effect.relation not in made]
    exact = tuple(effect for _, effect in effects if effect.line == reason.line)
    return exact or tuple(effect for line, effect in effects if line == reason.line)


def _types(files: Sequence[SqlFile]) -> Types:
    effects = [effect for file in files for statement in file.statements for effect in statement.effects]
    # The type that another verb tells is not the column's.
    known = (e for e in effects if e.verb in (Verb.ADD_COLUMN, Verb.SET_TYPE) and not e.has(Trait.DYNAMIC))
    return {(e.relation, e.name): e.kind for e in known if e.kind}
