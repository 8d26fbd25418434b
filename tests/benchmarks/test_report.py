"""Figures summed up and compared with their targets."""

from __future__ import annotations

import json

import pytest

from benchmarks.bench import Spread, spread
from benchmarks.report import Target, at_least, at_most, report_rollback
from benchmarks.rollback import Rollback
from benchmarks.runbook import Chain, database_env
from benchmarks.runs import find_deploy_seconds


@pytest.mark.parametrize(
    ("seconds", "summed"),
    [
        ([1.0], Spread(1.0, 1.0, 1.0, (1.0,))),
        ([3.0, 1.0, 2.0], Spread(2.0, 1.0, 3.0, (3.0, 1.0, 2.0))),
        ([1.0004, 2.0006], Spread(1.5, 1.0, 2.001, (1.0, 2.001))),
    ],
)
def test_repetitions_are_summed_up(seconds: list[float], summed: Spread) -> None:
    assert spread(seconds) == summed


@pytest.mark.parametrize(
    ("target", "told"),
    [
        (at_least(5.0, 5.0), Target(5.0, 5.0, True, True)),
        (at_least(4.9999, 5.0), Target(5.0, 5.0, True, False)),
        (at_most(1.5, 1.5), Target(1.5, 1.5, False, True)),
        (at_most(1.5001, 1.5), Target(1.5, 1.5, False, False)),
    ],
)
def test_a_target_is_judged_before_rounding(target: Target, told: Target) -> None:
    assert target == told


def test_rollbacks_are_compared_by_their_medians() -> None:
    ours = [Rollback(s, 1.0, 2.0, 0.5, s - 4.0, 0.4, 0.1, None) for s in (10.0, 14.0, 12.0)]
    report = report_rollback(ours, [8.0, 9.0, 7.0], Chain(90.0, {"install": 4.0}))
    assert (report.runbook_over_ours, report.ours_over_bare) == (7.5, 1.5)
    assert report.ours_parts["deploy"] == 8.0
    assert report.ours_parts["cdk"] == 0.0


@pytest.mark.parametrize(
    ("label", "record", "seconds"),
    [
        ("deploy", {"phase": "cdk deploy", "seconds": "7.3"}, 7.3),
        ("deploy", {"phase": "cdk deploy", "seconds": ""}, None),
        ("verification", {"phase": "cdk deploy", "seconds": "7.3"}, None),
    ],
)
def test_the_deploys_seconds_are_found(label: str, record: dict[str, str], seconds: float | None) -> None:
    made = [{"metadataEntries": [{"label": "actor"}, {"label": label, "table": {"records": [json.dumps(record)]}}]}]
    assert find_deploy_seconds(made) == seconds


def test_a_database_is_told_as_the_platform_reads_it() -> None:
    assert database_env("postgresql://user:secret@127.0.0.1:5433/namecard_test") == {
        "DB_HOST": "127.0.0.1",
        "DB_PORT": "5433",
        "DB_USER": "user",
        "DB_PASSWORD": "secret",
        "DB_NAME": "namecard_test",
    }
