"""Days on which people work, from calendars of public holidays. What is due on them is the domain's."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from holidays import HolidayBase

# Where a day of work ends, on its own clock.
_EVENING = time(17, 0)


def check_country(code: str) -> str:
    """Give a country's code (ISO 3166-1, or with a subdivision: `SG`, `US-CA`) back. Raises ValueError for another."""
    _calendar(code, 2026)
    return code


def business_day_end(moment: datetime, days: int, zone: str, country: str) -> datetime:
    """Give the end (17:00 on the zone's clock, in UTC) of the n-th business day after a moment's own day.

    Weekends and public holidays of the country are none; the weekend is the country's.
    """
    local = moment.astimezone(ZoneInfo(zone))
    calendar = _calendar(country, local.year)
    day = calendar.get_nth_working_day(local.date(), days)
    return datetime.combine(day, _EVENING, ZoneInfo(zone)).astimezone(UTC)


def _calendar(code: str, year: int) -> HolidayBase:
    import holidays

    country, _, subdivision = code.partition("-")
    try:
        return holidays.country_holidays(country, subdiv=subdivision or None, years=year)
    except NotImplementedError as error:
        raise ValueError(f"no calendar of public holidays for {code!r}: write a code such as SG or US-CA") from error
