"""The files of the benchmark of migrations: the same in every run, all of them SQL and well named."""

from __future__ import annotations

from benchmarks.migrations import FILES, STATEMENTS, make_files, measure
from namecard_release.adapters.sql.reading import read_sql
from namecard_release.domain.lint_rules.names import find_bad_names


def test_the_files_are_the_same_in_every_run_and_all_of_them_can_be_read() -> None:
    files = make_files()
    assert files == make_files()
    assert len({file.name for file in files}) == len(files) == FILES
    assert find_bad_names(files) == {}
    read = [read_sql(file.name, file.sql) for file in files[:50]]
    assert {len(file.statements) for file in read} == {STATEMENTS}
    assert all(file.unreadable == () for file in read)


def test_everything_is_measured() -> None:
    found = measure(make_files(3), times=1)
    assert (found.files, found.statements) == (3, 3 * STATEMENTS)
    assert min(found.lint.min, found.squawk_alone.min, found.ratio) > 0
    assert found.lint_and_judge == round(found.lint.median + found.judge.median, 3)
