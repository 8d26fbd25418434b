"""Cron expressions with time zones turned into intervals around a moment. What an interval means is the domain's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

# So many starts are followed to find the end of windows that touch; a freeze that goes on after that is told as ending
# there, and is found again then.
_MOST = 500


def check_zone(name: str) -> str:
    """Give a time zone's name back. Raises ValueError for one that the IANA database does not have."""
    try:
        ZoneInfo(name)
    except (OSError, KeyError, ValueError) as error:
        raise ValueError(f"no such time zone: {name!r}; write one such as Asia/Singapore") from error
    return name


def check_cron(text: str) -> str:
    """Give a cron expression of five fields back. Raises ValueError for one that cannot be read or never happens."""
    from cronsim import CronSim, CronSimError

    try:
        # Six fields would be taken for seconds.
        if len(text.split()) != 5:
            raise ValueError("a cron expression has five fields: minute hour day month weekday")
        next(CronSim(text, datetime(2026, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration) as error:
        raise ValueError(f"cron {text!r} cannot be read, or never happens: {error}") from error
    return text


def expand_cron(text: str, length: timedelta, zone: str, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Give the interval that began last, up to `now`, and those that begin before it is over; in UTC.

    A start in the hour that the clock skips in spring is at the hour's end, one in the hour that comes twice in autumn
    is at its first coming, as Debian's cron(8) does it; `length` is elapsed time.
    """
    from cronsim import CronSim

    local = (now.replace(second=0, microsecond=0) + timedelta(minutes=1)).astimezone(ZoneInfo(zone))
    begun = next(CronSim(text, local, reverse=True)).astimezone(UTC)
    end = begun + length
    yield begun, end
    if end <= now:
        return
    following = CronSim(text, begun.astimezone(ZoneInfo(zone)))
    for _ in range(_MOST):
        start = next(following).astimezone(UTC)
        if start > end:
            return
        end = start + length
        yield start, end


def read_local(moment: datetime, zone: str, *, last: bool) -> datetime:
    """Read a moment in UTC, one without a zone as the zone's clock shows it; `last`: the later of two that show it."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(zone), fold=int(last))
    return moment.astimezone(UTC)
