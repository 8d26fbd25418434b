"""The rollback verdict gathered: schema, texts of what lies between, statements, a rehearsal on record. Rules are the
domain's; nothing is deployed, launched or written from here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from namecard_release.domain.compatibility import Reason, Safety, judge_changes
from namecard_release.domain.migrations import MigrationFile
from namecard_release.domain.promotion import Promotion, PromotionKind
from namecard_release.domain.rehearsal import apply_rehearsal, find_rehearsal
from namecard_release.domain.release import is_sha, short
from namecard_release.domain.roll_forward import Situation, plan_roll_forward
from namecard_release.domain.safety import (
    SafetyVerdict,
    SchemaEntry,
    choose_text,
    expect_schema,
    find_between,
    judge_between,
    judge_known,
)
from namecard_release.domain.sql import SqlFile
from namecard_release.errors import MisuseError, ReleaseError, TransientError
from namecard_release.workflow.pipeline import Pipeline


@dataclass(frozen=True)
class Way:
    """From a release, empty where nothing runs, back to one that was verified in an environment.

    While it is `arriving` the verdict is about the schema once its files are applied.
    """

    environment: str
    leaving: str
    target: Promotion
    arriving: bool = False


def find_way(environment: str, leaving: Promotion | None, target: Promotion) -> Way:
    """Give the way from a promotion, or from nothing, to an earlier one."""
    if leaving is None:
        return Way(environment, "", target)
    # Until its deploy has ended, what it brings may still be applied: CloudFormation goes on when its run is gone.
    arriving = leaving.deployed_at is None and leaving.kind is not PromotionKind.ROLLBACK
    return Way(environment, leaving.release, target, arriving)


def judge_schema(pipeline: Pipeline, way: Way) -> SafetyVerdict:
    """Judge running an earlier release on an environment's schema; what cannot be read makes it UNKNOWN."""
    files: tuple[SqlFile, ...] = ()
    try:
        coming = pipeline.repository.migration_files(way.leaving) if way.arriving else ()
        schema = expect_schema(pipeline.site(way.environment).target.rows(), coming)
        bundle = pipeline.store.get(way.target.assembly or "").migrations
        verdict = _judge_bundle(schema, bundle)
        if verdict is None:
            verdict, files = _judge_texts(pipeline, way, schema, bundle or ())
    except TransientError as error:
        return SafetyVerdict(Safety.UNKNOWN, f"unread: {error}", unread=True)
    except ReleaseError as error:
        verdict = SafetyVerdict(Safety.UNKNOWN, str(error))
    return verdict if verdict.safety is Safety.SAFE else _with_plan(pipeline, way, verdict, files)


def _judge_bundle(schema: tuple[SchemaEntry, ...], bundle: tuple[str, ...] | None) -> SafetyVerdict | None:
    if bundle is None:
        return SafetyVerdict(Safety.UNKNOWN, "the earlier assembly does not tell its migrations")
    return judge_known(schema, bundle)


def _judge_texts(
    pipeline: Pipeline, way: Way, schema: tuple[SchemaEntry, ...], bundle: Sequence[str]
) -> tuple[SafetyVerdict, tuple[SqlFile, ...]]:
    between = find_between(schema, bundle)
    texts, obstacles = find_texts(pipeline, way, between)
    files, unreadable = _read_texts(pipeline, texts)
    names = tuple(entry.name for entry in between)
    # Without the catalogue: it is the schema before some of the files and after others, and what it proves before the
    # deploy it no longer proves afterwards. The verdict that is foretold must be the one that the watch finds.
    verdict = judge_between(schema, names, judge_changes(files), (*obstacles, *unreadable))
    policy = pipeline.site(way.environment).settings.rehearsal_policy
    results = pipeline.ledger.gates(way.leaving, way.environment) if way.leaving else ()
    held = find_rehearsal(results, way.target.release, verdict.schema, way.environment)
    return apply_rehearsal(verdict, held, policy), files


def find_texts(
    pipeline: Pipeline, way: Way, wanted: Sequence[SchemaEntry]
) -> tuple[tuple[MigrationFile, ...], tuple[Reason, ...]]:
    """Find the texts that were applied, by checksum, in the releases that may have applied them.

    Looked at in turn until all are found: the release to leave, those that the environment's history names, then
    what the ledger's rows call their version. What is not found is told as a reason each.
    """
    found: dict[str, list[MigrationFile]] = {entry.name: [] for entry in wanted}
    checksums = {entry.name: entry.checksum for entry in wanted}
    missing = set(checksums)
    for sha in _releases(pipeline, way, wanted):
        if not missing:
            break
        for file in _files_of(pipeline, sha, must_answer=sha == way.leaving):
            if file.name in missing:
                found[file.name].append(file)
                missing -= {file.name} if file.checksum == checksums[file.name] else set()
    chosen = [choose_text(entry, found[entry.name]) for entry in wanted]
    texts = tuple(one for one in chosen if isinstance(one, MigrationFile))
    return texts, tuple(one for one in chosen if isinstance(one, Reason))


def _releases(pipeline: Pipeline, way: Way, wanted: Sequence[SchemaEntry]) -> Iterator[str]:
    versions = [entry.version for entry in wanted if entry.version and is_sha(entry.version)]
    deployed = [p.release for p in pipeline.ledger.standing(way.environment) if p.deploy_started_at is not None]
    # What applied the files is asked first among the deployed: the history may be long.
    ordered = [way.leaving, *(v for v in versions if v in deployed), *deployed, *versions]
    yield from dict.fromkeys(sha for sha in ordered if sha)


def _files_of(pipeline: Pipeline, sha: str, *, must_answer: bool = False) -> tuple[MigrationFile, ...]:
    try:
        return pipeline.repository.migration_files(sha)
    except ReleaseError as error:
        if must_answer and isinstance(error, TransientError):
            raise
        # A release that is gone, or that cannot be read: another may have the text, else the verdict says so.
        return ()


def _read_texts(pipeline: Pipeline, texts: Sequence[MigrationFile]) -> tuple[tuple[SqlFile, ...], tuple[Reason, ...]]:
    files: list[SqlFile] = []
    unreadable: list[Reason] = []
    for text in texts:
        try:
            files.append(pipeline.sql.read(text.name, text.sql))
        except MisuseError as error:
            unreadable.append(Reason(text.name, 1, "not-sql", str(error)))
    return tuple(files), tuple(unreadable)


def _with_plan(pipeline: Pipeline, way: Way, verdict: SafetyVerdict, files: tuple[SqlFile, ...]) -> SafetyVerdict:
    stacks = pipeline.site(way.environment).settings.stack_names
    stack = next((name for name in stacks if "Api" in name), stacks[-1])
    situation = Situation(way.environment, stack, short(way.leaving) or "what runs", short(way.target.release))
    known, _ = _read_texts(pipeline, _files_of(pipeline, way.target.release)) if files else ((), ())
    plan = plan_roll_forward(situation, verdict.safety, verdict.reasons, files, known)
    return replace(verdict, roll_forward=plan)
