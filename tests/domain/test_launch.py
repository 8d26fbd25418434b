"""Launch documents with one thing wrong at a time, and with everything wrong at once."""

from __future__ import annotations

import json

import pytest

from namecard_release.domain.budgets import Budget, Expected, find_budget, read_budgets
from namecard_release.domain.gates import Verdict
from namecard_release.domain.launch import (
    BUDGETS,
    CHECKLIST,
    HEADINGS,
    PHRASES,
    RUNBOOK,
    LaunchFiles,
    find_links,
    find_problems,
    judge_launch,
)
from namecard_release.domain.linting import Level

EXPECTED = Expected(("auth", "cards"), {"staging": "staging", "production": "prod", "prod": "prod"})
ROW = {"service": "auth", "environment": "prod", "monthlyBudgetUsd": 10, "p95LatencyTargetMs": 300.5, "owner": "ada"}


def rows(*changes: dict[str, object]) -> str:
    """Write budgets that are in order, one a line, then changed rows."""
    good = [{**ROW, "service": s, "environment": e} for s in EXPECTED.services for e in ("prod", "staging")]
    return "[\n" + ",\n".join(json.dumps(row) for row in [*good, *({**ROW, **change} for change in changes)]) + "\n]\n"


def told(text: str) -> list[tuple[int, Level, str]]:
    """Give the problems of a budgets file."""
    return [(p.line, p.level, p.message) for p in read_budgets(BUDGETS, text, EXPECTED).problems]


ERROR, WARNING = Level.ERROR, Level.WARNING
OTHER = {"service": "auth", "environment": "staging"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"monthlyBudgetUsd": 0}, (ERROR, "monthlyBudgetUsd must be a number above 0, not 0")),
        ({"monthlyBudgetUsd": -1.5}, (ERROR, "monthlyBudgetUsd must be a number above 0, not -1.5")),
        ({"monthlyBudgetUsd": "10"}, (ERROR, "monthlyBudgetUsd must be a number above 0, not '10'")),
        ({"monthlyBudgetUsd": True}, (ERROR, "monthlyBudgetUsd must be a number above 0, not True")),
        ({"p95LatencyTargetMs": None}, (ERROR, "p95LatencyTargetMs must be a number above 0, not None")),
        ({"p95LatencyTargetMs": float("nan")}, (ERROR, "p95LatencyTargetMs must be a number above 0, not nan")),
        ({"p95LatencyTargetMs": float("inf")}, (ERROR, "p95LatencyTargetMs must be a number above 0, not inf")),
        ({"p95LatencyTargetMs": 10**400}, (ERROR, "p95LatencyTargetMs must be a number above 0, not 1000")),
        ({"owner": " "}, (ERROR, "owner must be a text, not ' '")),
        ({"service": 3}, (ERROR, "service must be a text, not 3")),
        ({"service": "mail"}, (WARNING, "no such service: 'mail'")),
        ({"environment": "moon"}, (WARNING, "no such environment: 'moon'")),
        ({"service": "\ud800"}, (WARNING, r"no such service: '\ud800'")),
        ({"environment": "production"}, None),
        ({"environment": "production", "note": 1}, (WARNING, "unknown key 'note'")),
        ({}, (ERROR, "'auth' in 'prod' is on line 2 already")),
        (OTHER, (ERROR, "'auth' in 'staging' is on line 3 already")),
    ],
)
def test_an_entry_that_is_wrong_is_told_on_its_line(
    change: dict[str, object], expected: tuple[Level, str] | None
) -> None:
    problems = told(rows(change))
    assert len(problems) == (0 if expected is None else 1)
    for (line, level, message), wanted in zip(problems, [expected], strict=False):
        assert wanted is not None
        assert (line, level) == (6, wanted[0]) and message.startswith(wanted[1])


def test_budgets_in_order_have_no_problem_and_are_read() -> None:
    read = read_budgets(BUDGETS, rows(), EXPECTED)
    assert read.problems == ()
    assert read.budgets[0] == Budget("auth", "prod", 10.0, 300.5, "ada", 2)
    assert find_budget(read.budgets, "cards", frozenset({"production", "prod"})) == read.budgets[2]
    assert find_budget(read.budgets, "cards", frozenset({"dev"})) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "[]",
            [(1, ERROR, "no entry for the service auth"), (1, ERROR, "no entry for the service cards")],
        ),
        ("[\n3,\nnull\n]", [(2, ERROR, "an entry must be an object"), (3, ERROR, "an entry must be an object")]),
        ("{}", [(1, ERROR, "is not a JSON array from here on: this is not a JSON array")]),
        (rows()[:-3], [(5, ERROR, "is not a JSON array from here on")]),
        (
            json.dumps([{**ROW, "service": s} for s in EXPECTED.services]),
            [(1, WARNING, "no entry for auth in staging"), (1, WARNING, "no entry for cards in staging")],
        ),
        (json.dumps([{"x": 1}]), [(1, ERROR, "service is missing"), (1, ERROR, "environment is missing")]),
    ],
)
def test_a_file_that_is_wrong_as_a_whole(text: str, expected: list[tuple[int, Level, str]]) -> None:
    found = told(text)[: len(expected)]
    assert [(line, level) for line, level, _ in found] == [(line, level) for line, level, _ in expected]
    assert all(message.startswith(wanted) for (_, _, message), (_, _, wanted) in zip(found, expected, strict=True))


def test_a_key_written_twice_is_told_on_its_line() -> None:
    text = rows().replace('"owner": "ada"}', '"owner": "ada",\n"owner": "bob"}', 1)
    assert told(text) == [(2, ERROR, "'owner' is written twice")]


GOOD_CHECKLIST = "\n".join(["# Launch", *HEADINGS, *PHRASES[CHECKLIST]])
GOOD_RUNBOOK = "\n".join(PHRASES[RUNBOOK])


def files(there: frozenset[str] = frozenset(), **texts: str | None) -> LaunchFiles:
    """Make documents in order, but for those given."""
    paths = {"budgets": BUDGETS, "checklist": CHECKLIST, "runbook": RUNBOOK}
    good = {BUDGETS: rows(), CHECKLIST: GOOD_CHECKLIST, RUNBOOK: GOOD_RUNBOOK}
    return LaunchFiles({**good, **{paths[name]: text for name, text in texts.items()}}, there)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (files(), []),
        (files(runbook=GOOD_RUNBOOK.upper()), []),
        (files(runbook=None), [(RUNBOOK, 1, "is not there")]),
        (files(budgets=None), [(BUDGETS, 1, "is not there")]),
        (
            files(checklist=GOOD_CHECKLIST.replace("## Deployment", "### Deployment")),
            [(CHECKLIST, 3, "no heading '## Deployment Execution', but this")],
        ),
        (
            files(checklist=GOOD_CHECKLIST.replace("## Deployment Execution\n", "")),
            [(CHECKLIST, 10, "no heading '## Deployment Execution'")],
        ),
        (
            files(checklist=GOOD_CHECKLIST.replace("## Deployment Execution", "```\n## Deployment Execution\n```")),
            [(CHECKLIST, 13, "no heading '## Deployment Execution'")],
        ),
        (
            files(checklist=GOOD_CHECKLIST.replace("cost anomaly", "cost")),
            [(CHECKLIST, 11, "does not mention 'cost anomaly'")],
        ),
        (files(runbook=GOOD_RUNBOOK.replace("DLQ", "")), [(RUNBOOK, 4, "does not mention 'DLQ'")]),
        (
            files(frozenset({"docs/a.md"}), runbook=f"{GOOD_RUNBOOK}\n[a](docs/a.md) and [b](docs/b.md)"),
            [(RUNBOOK, 5, "the link 'docs/b.md' points to no file")],
        ),
        (
            files(runbook=f"[up](../secret)\n{GOOD_RUNBOOK}"),
            [(RUNBOOK, 1, "the link '../secret' leaves the checkout")],
        ),
    ],
)
def test_a_document_that_lacks_something(given: LaunchFiles, expected: list[tuple[str, int, str]]) -> None:
    assert [(p.file, p.line, p.message) for p in find_problems(given, EXPECTED)] == expected


def test_a_document_that_was_not_text_says_why() -> None:
    given = LaunchFiles({**files().texts, RUNBOOK: None}, unread={RUNBOOK: "is not UTF-8 at byte 3"})
    assert [(p.file, p.message) for p in find_problems(given, EXPECTED)] == [(RUNBOOK, "is not UTF-8 at byte 3")]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("[a](b.md)", "launch/b.md"),
        ("[a](../RUNBOOK.md#top)", "RUNBOOK.md"),
        ("[a](/docs/b.md?x=1)", "docs/b.md"),
        ('[a](b.md "a title")', "launch/b.md"),
        ("![a](i%20j.png)", "launch/i j.png"),
        ("[a](<b c.md>)", "launch/b c.md"),
        ("[a](b_(1).md)", "launch/b_(1).md"),
        ("[a]: ./b.md", "launch/b.md"),
        ("[a](https://example.com/b.md)", None),
        ("[a](mailto:ada@example.com)", None),
        ("[a](#below)", None),
        ("[a](//example.com/b)", None),
        ("`[a](b.md)`", None),
        ("```\n[a](b.md)\n```", None),
        ("~~~~\n~~~\n[a](b.md)\n~~~~", None),
        ("- [ ] a box (b.md)", None),
        ("[a]()", None),
    ],
)
def test_links_to_files(text: str, path: str | None) -> None:
    assert [link.path for link in find_links(CHECKLIST, text)] == ([] if path is None else [path])


def test_errors_fail_and_warnings_are_shown() -> None:
    wrong = find_problems(files(runbook=None, budgets=rows({"environment": "moon"})), EXPECTED)
    phase = judge_launch("documents", wrong)
    assert (phase.verdict, phase.reason) == (Verdict.FAILED, "errors: 1, warnings: 1; RUNBOOK.md:1 is not there")
    assert [(f.place, f.what) for f in phase.failures] == [
        ("RUNBOOK.md:1", "error: is not there"),
        ("launch/budgets.json:6", "warning: no such environment: 'moon'"),
    ]
    only = judge_launch("documents", [p for p in wrong if p.level is WARNING])
    assert (only.verdict, len(only.failures)) == (Verdict.PASSED, 1)
