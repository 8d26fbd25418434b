"""Which acknowledgement of a channel counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from namecard_release.domain.acknowledging import first_acknowledgement
from namecard_release.domain.incident import Fingerprint, Incident, Severity
from namecard_release.domain.messages import Acknowledgement

OPENED = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NOW = OPENED + timedelta(minutes=10)
INCIDENT = Incident("INC-1", Fingerprint("prod", "errors", "cards"), Severity.SEV2, "t", OPENED, OPENED, None, "none")


def told(who: str, minutes: float) -> Acknowledgement:
    return Acknowledgement("INC-1", who, OPENED + timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        ((), None),
        ((told("ada", 3),), told("ada", 3)),
        ((told("bob", 4), told("ada", 3)), told("ada", 3)),
        # The clocks differ a little.
        ((told("ada", -0.5),), told("ada", 0)),
        ((told("ada", 12),), told("ada", 10)),
        # Of another incident of that name, before this ledger was begun.
        ((told("eve", -2),), None),
        ((told("eve", -60 * 24), told("ada", 3)), told("ada", 3)),
    ],
)
def test_the_first_one_since_the_opening_counts(
    heard: tuple[Acknowledgement, ...], expected: Acknowledgement | None
) -> None:
    assert first_acknowledgement(INCIDENT, heard, NOW) == expected
