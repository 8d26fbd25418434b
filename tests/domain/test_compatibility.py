"""The judge's labelled set, and what must hold whatever the statements are."""

from __future__ import annotations

from collections import Counter

import pytest

from namecard_release.adapters.sql.reading import read_sql
from namecard_release.domain.compatibility import Compatibility, Safety, judge_changes
from namecard_release.domain.sql import SqlFile
from tests.judge_cases import awkward, columns, constraints, data, objects
from tests.judge_cases.case import BEFORE, Case

CASES = (*columns.CASES, *constraints.CASES, *objects.CASES, *data.CASES, *awkward.CASES)


def read(texts: tuple[str, ...]) -> list[SqlFile]:
    return [read_sql(f"{number}.sql", text) for number, text in enumerate(texts, 1)]


def judge(case: Case) -> Compatibility:
    return judge_changes(read(case.files), BEFORE if case.knows else None)


def test_the_labelled_set_is_large_and_its_cases_differ() -> None:
    assert len(CASES) >= 100
    assert len({(case.files, case.knows) for case in CASES}) == len(CASES)
    assert all(sum(case.label is label for case in CASES) >= 30 for label in Safety)


def test_no_unsafe_case_is_called_safe_and_nearly_all_are_right() -> None:
    found = [(case, judge(case).safety) for case in CASES]
    counts = Counter(f"{case.label} called {safety}" for case, safety in found)
    right = sum(case.label is safety for case, safety in found)
    assert counts["UNSAFE called SAFE"] == 0 and counts["UNKNOWN called SAFE"] == 0, counts
    assert right >= 0.98 * len(CASES), counts


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_case_is_judged_as_labelled_for_the_reason_at_the_line(case: Case) -> None:
    verdict = judge(case)
    assert verdict.safety is case.label, verdict
    if case.label is Safety.SAFE:
        assert verdict.reasons == ()
    else:
        places = [(reason.rule, reason.file, reason.line) for reason in verdict.reasons]
        assert (case.rule, f"{case.file}.sql", case.line) in places, places
        assert all(len(reason.why) > 20 and "None" not in reason.why for reason in verdict.reasons), verdict
