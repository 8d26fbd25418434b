"""Cron expressions and time zones turned into intervals, across the days when the clock changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from namecard_release.windows import check_cron, check_zone, expand_cron, read_local


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("cron", "minutes", "zone", "now", "first"),
    [
        # Friday 18:00 in Singapore for 62 hours.
        ("0 18 * * 5", 3720, "Asia/Singapore", "2026-03-07T00:00", ("2026-03-06T10:00", "2026-03-09T00:00")),
        ("0 18 * * 5", 60, "UTC", "2026-03-06T18:00", ("2026-03-06T18:00", "2026-03-06T19:00")),
        ("0 18 * * 5", 60, "UTC", "2026-03-06T17:59", ("2026-02-27T18:00", "2026-02-27T19:00")),
        # Winter and summer in Berlin.
        ("30 1 * * *", 60, "Europe/Berlin", "2026-03-28T12:00", ("2026-03-28T00:30", "2026-03-28T01:30")),
        ("30 1 * * *", 60, "Europe/Berlin", "2026-03-30T12:00", ("2026-03-29T23:30", "2026-03-30T00:30")),
        # 02:30 is skipped on 29 March: it begins when the clock has jumped, at 03:00 summer time.
        ("30 2 * * *", 60, "Europe/Berlin", "2026-03-29T01:10", ("2026-03-29T01:00", "2026-03-29T02:00")),
        # 02:30 comes twice on 25 October: it begins once, at its first coming, and lasts as long as ever.
        ("30 2 * * *", 60, "Europe/Berlin", "2026-10-25T00:45", ("2026-10-25T00:30", "2026-10-25T01:30")),
        ("30 2 * * *", 60, "Europe/Berlin", "2026-10-25T02:00", ("2026-10-25T00:30", "2026-10-25T01:30")),
        # Over the night when the clock is set back an hour longer on the wall, not in time.
        ("0 22 * * 6", 600, "Europe/Berlin", "2026-10-25T04:00", ("2026-10-24T20:00", "2026-10-25T06:00")),
        ("0 12 29 2 *", 60, "UTC", "2026-03-07T00:00", ("2024-02-29T12:00", "2024-02-29T13:00")),
    ],
)
def test_the_window_that_began_last(cron: str, minutes: float, zone: str, now: str, first: tuple[str, str]) -> None:
    found = next(iter(expand_cron(cron, timedelta(minutes=minutes), zone, utc(now))))
    assert found == (utc(first[0]), utc(first[1]))


@pytest.mark.parametrize(
    ("minutes", "now", "count"),
    [(60, "2026-03-02T12:30", 501), (59, "2026-03-02T12:30", 1), (29, "2026-03-02T12:30", 1)],
)
def test_windows_that_touch_are_followed_up_to_a_limit(minutes: float, now: str, count: int) -> None:
    assert len(list(expand_cron("0 * * * *", timedelta(minutes=minutes), "UTC", utc(now)))) == count


@pytest.mark.parametrize("text", ["x", "", "* * * *", "0 0 * * * *", "0 25 * * *", "0 0 31 2 *", "@daily"])
def test_a_bad_cron_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="cron"):
        check_cron(text)


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd", "/etc", "Europe"])
def test_a_bad_zone_is_told(name: str) -> None:
    with pytest.raises(ValueError, match="no such time zone"):
        check_zone(name)


@pytest.mark.parametrize(
    ("moment", "last", "found"),
    [
        (datetime(2026, 10, 25, 2, 30), False, "2026-10-25T00:30"),
        (datetime(2026, 10, 25, 2, 30), True, "2026-10-25T01:30"),
        (datetime(2026, 7, 1, 12, 0), False, "2026-07-01T10:00"),
        (datetime(2026, 7, 1, 12, 0, tzinfo=UTC), False, "2026-07-01T12:00"),
    ],
)
def test_a_moment_is_read_on_the_zones_clock(moment: datetime, last: bool, found: str) -> None:
    assert read_local(moment, "Europe/Berlin", last=last) == utc(found)
