"""The system's clock."""

from datetime import UTC, timedelta

from namecard_release.adapters.clock import SystemClock


def test_now_is_in_utc_and_does_not_stand_still() -> None:
    clock = SystemClock()
    first, second = clock.now(), clock.now()
    assert first.tzinfo is UTC
    assert timedelta(0) <= second - first < timedelta(seconds=5)
