"""What lies between a schema and an earlier release, and the verdict that follows from it."""

from __future__ import annotations

import pytest

from namecard_release.domain.compatibility import Compatibility, Reason, Safety
from namecard_release.domain.migrations import MigrationFile
from namecard_release.domain.safety import (
    SchemaEntry,
    choose_text,
    digest_schema,
    expect_schema,
    find_between,
    judge_between,
    judge_known,
)
from tests.domain.cases import CARDS, TITLE, USERS, A, file, row


def schema(*names: str) -> tuple[SchemaEntry, ...]:
    """Make the schema that has these migrations."""
    return expect_schema([row(name) for name in names])


@pytest.mark.parametrize(
    ("applied", "coming", "names"),
    [
        pytest.param((), (), (), id="nothing anywhere"),
        pytest.param((USERS,), (), (USERS,), id="as it is"),
        pytest.param((CARDS, USERS), (TITLE,), (USERS, CARDS, TITLE), id="what comes is added, in name order"),
        pytest.param((USERS, TITLE), (USERS, TITLE), (USERS, TITLE), id="after the deploy the same"),
        pytest.param((USERS, TITLE), (USERS, CARDS), (USERS, CARDS, TITLE), id="the ledger is ahead"),
    ],
)
def test_the_schema_after_a_deploy(applied: tuple[str, ...], coming: tuple[str, ...], names: tuple[str, ...]) -> None:
    made = expect_schema([row(name) for name in applied], [file(name) for name in coming])
    assert tuple(entry.name for entry in made) == names


def test_what_is_applied_counts_and_not_the_file_of_the_same_name() -> None:
    (entry,) = expect_schema([row(USERS, "1" * 64)], [file(USERS, checksum="2" * 64)])
    assert entry == SchemaEntry(USERS, "1" * 64, A)


def test_a_schemas_digest_is_that_of_its_files_in_any_order() -> None:
    files = (file(CARDS), file(USERS))
    assert digest_schema(schema(USERS, CARDS)) == digest_schema(files)
    assert digest_schema(schema(USERS)) != digest_schema(files)
    assert digest_schema([file(USERS), file(CARDS, checksum="1" * 64)]) != digest_schema(files)


@pytest.mark.parametrize(
    ("applied", "known", "safety", "between"),
    [
        pytest.param((), (), Safety.SAFE, (), id="no migration anywhere"),
        pytest.param((USERS, CARDS), (CARDS, USERS), Safety.SAFE, (), id="the same"),
        pytest.param((USERS, USERS), (USERS,), Safety.SAFE, (), id="doubles are one"),
        pytest.param((USERS, TITLE, CARDS), (USERS,), None, (CARDS, TITLE), id="two between"),
        pytest.param((USERS, CARDS, TITLE), (USERS, TITLE), None, (CARDS,), id="one merged late"),
        pytest.param((USERS,), (), None, (USERS,), id="the release knows none"),
        # The schema lacks what the release knows: another database, or a restored one. Not the release's own.
        pytest.param((USERS,), (USERS, CARDS), Safety.UNKNOWN, (), id="the schema is behind"),
        pytest.param((USERS, TITLE), (USERS, CARDS), Safety.UNKNOWN, (TITLE,), id="behind and ahead"),
        pytest.param((), (USERS,), Safety.UNKNOWN, (), id="an empty ledger"),
    ],
)
def test_statements_are_read_only_where_something_lies_between(
    applied: tuple[str, ...], known: tuple[str, ...], safety: Safety | None, between: tuple[str, ...]
) -> None:
    judged = judge_known(schema(*applied), known)
    assert (judged.safety if judged else None) == safety
    assert tuple(entry.name for entry in find_between(schema(*applied), known)) == between
    if judged is not None:
        assert judged.between == between and not judged.provable
        assert judged.schema == digest_schema(schema(*applied))


ENTRY = SchemaEntry(TITLE, "1" * 64)
SAME, OTHER = file(TITLE, checksum="1" * 64), file(TITLE, checksum="2" * 64)


@pytest.mark.parametrize(
    ("found", "chosen"),
    [
        pytest.param((SAME,), SAME, id="the one that was applied"),
        pytest.param((OTHER, SAME), SAME, id="among others of its name"),
        pytest.param((OTHER,), "checksum-differs", id="another text"),
        pytest.param((), "text-not-found", id="no text"),
    ],
)
def test_a_text_is_the_one_that_was_applied(found: tuple[MigrationFile, ...], chosen: MigrationFile | str) -> None:
    one = choose_text(ENTRY, found)
    assert (one.rule if isinstance(one, Reason) else one) == chosen


DROPPED = Reason(TITLE, 3, "drop-column", "the earlier code reads it")
DYNAMIC = Reason(CARDS, 7, "dynamic", "known only when it runs")
ADDED = Reason(CARDS, 1, "add-column", "the earlier code does not name it")
LOST = Reason(CARDS, 1, "text-not-found", "no release has it")
SAFE, UNSAFE, UNKNOWN = Safety.SAFE, Safety.UNSAFE, Safety.UNKNOWN


@pytest.mark.parametrize(
    ("changes", "obstacles", "safety", "reasons", "provable"),
    [
        pytest.param(Compatibility(SAFE), (), SAFE, (), False, id="additive"),
        pytest.param(Compatibility(SAFE, (ADDED,)), (), SAFE, (ADDED,), False, id="additive, explained"),
        pytest.param(Compatibility(UNSAFE, (DROPPED,)), (), UNSAFE, (DROPPED,), False, id="a drop"),
        pytest.param(Compatibility(UNKNOWN, (DYNAMIC,)), (), UNKNOWN, (DYNAMIC,), True, id="dynamic, provable"),
        pytest.param(Compatibility(SAFE), (LOST,), UNKNOWN, (LOST,), False, id="a text that is not there"),
        pytest.param(Compatibility(UNKNOWN, (DYNAMIC,)), (LOST,), UNKNOWN, (LOST, DYNAMIC), False, id="both"),
        pytest.param(Compatibility(UNSAFE, (DROPPED,)), (LOST,), UNSAFE, (DROPPED, LOST), False, id="unsafe stays"),
        pytest.param(Compatibility(UNKNOWN), (), UNKNOWN, (), True, id="unknown without a word"),
    ],
)
def test_the_verdict_over_what_lies_between(
    changes: Compatibility, obstacles: tuple[Reason, ...], safety: Safety, reasons: tuple[Reason, ...], provable: bool
) -> None:
    judged = judge_between(schema(USERS, CARDS, TITLE), (CARDS, TITLE), changes, obstacles)
    assert (judged.safety, judged.reasons, judged.provable) == (safety, reasons, provable)
    assert judged.between == (CARDS, TITLE) and judged.schema == digest_schema(schema(USERS, CARDS, TITLE))
    if reasons and safety is not SAFE:
        first = reasons[0]
        more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
        assert judged.reason == f"{first.file}:{first.line} {first.rule}: {first.why}{more}"
