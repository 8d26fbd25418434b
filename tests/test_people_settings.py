"""Approvals and freezes in the settings file: what is refused, and what they mean around a moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from namecard_release.domain.approvals import ApprovalRule
from namecard_release.domain.freezes import FreezeWindow
from namecard_release.settings import load_settings
from tests.test_settings import SMALL, refusal, write

FREEZE = "[[environments.staging.freezes]]\nname = 'f'\n"
ONCE = "start = 2026-03-02T08:00:00\nend = 2026-03-02T10:00:00\n"


@pytest.mark.parametrize(
    ("added", "told"),
    [
        ("approvals = -1", "approvals: Input should be greater"),
        ("approvals = 2\napprovers = ['ada']", "approvals asks for 2 people, approvers names fewer"),
        ("approvals = 2\napprovers = ['ada', 'ADA']", "approvers names fewer"),
        ("approvers = ['']", "approvers.0: String should have"),
        ("approval_hours = 0", "approval_hours: Input should be greater"),
        (FREEZE, "give either cron and duration_minutes, or start and end"),
        (f"{FREEZE}cron = '0 8 * * *'", "give either cron"),
        (f"{FREEZE}{ONCE}duration_minutes = 5", "give either cron"),
        (f"{FREEZE}cron = '0 8 * *'\nduration_minutes = 5", "five fields"),
        (f"{FREEZE}cron = '0 8 31 2 *'\nduration_minutes = 5", "never happens"),
        (f"{FREEZE}cron = '0 8 * * *'\nduration_minutes = 0", "duration_minutes: Input should be greater"),
        (f"{FREEZE}{ONCE}timezone = 'Mars/Olympus'", "no such time zone: 'Mars/Olympus'"),
        (f"{FREEZE}start = 2026-03-02T08:00:00\nend = 2026-03-02T08:00:00", "end must be after start"),
    ],
)
def test_what_people_settings_may_not_be(tmp_path: Path, added: str, told: str) -> None:
    words = refusal(write(tmp_path, f"{SMALL}{added}\n"))
    assert told in words and "\n" not in words


def test_freezes_are_given_as_intervals_around_a_moment(tmp_path: Path) -> None:
    cron = f"{FREEZE}cron = '0 16 * * *'\nduration_minutes = 120\ntimezone = 'Asia/Singapore'\n"
    own = load_settings(write(tmp_path, f"{SMALL}approvals = 1\n{cron}{FREEZE}{ONCE}")).environment("staging")
    now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    window = FreezeWindow("f", now - timedelta(hours=1), now + timedelta(hours=1))
    assert own.freeze_windows(now) == (window, window)
    assert own.approval_rule() == ApprovalRule(1, (), timedelta(hours=24))
