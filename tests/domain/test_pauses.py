"""Which pause is in force, and why people keep an environment from changing by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from namecard_release.domain.pauses import Pause, describe_pause, explain_held, find_pause
from namecard_release.domain.promotion import EVERY_RELEASE, Hold

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
OPEN = Pause("prod", "an audit", "ada", NOW - HOUR)


@pytest.mark.parametrize(
    ("pauses", "found"),
    [
        ([], None),
        ([OPEN], OPEN),
        ([replace(OPEN, environment="dev")], None),
        ([replace(OPEN, ended_at=NOW, ended_by="ada")], None),
        ([replace(OPEN, until=NOW)], None),
        ([replace(OPEN, since=NOW + HOUR)], None),
        ([replace(OPEN, until=NOW + HOUR)], replace(OPEN, until=NOW + HOUR)),
        ([replace(OPEN, until=NOW + HOUR), replace(OPEN, until=NOW + 2 * HOUR)], replace(OPEN, until=NOW + 2 * HOUR)),
        ([replace(OPEN, until=NOW + HOUR), OPEN], OPEN),
    ],
)
def test_the_pause_that_lasts_longest_is_told(pauses: list[Pause], found: Pause | None) -> None:
    assert find_pause(pauses, "prod", NOW) == found


WHOLE = Hold("prod", EVERY_RELEASE, "incident", "bob", NOW)


@pytest.mark.parametrize(
    ("pauses", "holds", "told"),
    [
        ([], [], None),
        ([OPEN], [], "automation is paused by ada: an audit"),
        ([], [WHOLE], "held by bob: incident"),
        ([OPEN], [WHOLE], "automation is paused by ada: an audit"),
        ([], [replace(WHOLE, release="a" * 40)], None),
        ([], [replace(WHOLE, environment="dev")], None),
        ([], [replace(WHOLE, released_at=NOW)], None),
    ],
)
def test_why_people_keep_automation_off(pauses: list[Pause], holds: list[Hold], told: str | None) -> None:
    assert explain_held(pauses, holds, "prod", NOW) == told


def test_it_is_said_until_when() -> None:
    told = describe_pause(replace(OPEN, until=NOW))
    assert told == "automation is paused by ada until 2026-03-02 09:00 UTC: an audit"
