"""Which acknowledgement that a channel tells counts for an incident. Asking the channel does not belong here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from namecard_release.domain.incident import Incident
from namecard_release.domain.messages import Acknowledgement

# The channel's clock and the ledger's may differ by this much; what is older belongs to another incident of that name.
CLOCKS_DIFFER = timedelta(minutes=1)


def first_acknowledgement(incident: Incident, told: Iterable[Acknowledgement], now: datetime) -> Acknowledgement | None:
    """Give who took an incident first, at a moment between its opening and `now`; None when nobody did."""
    own = [one for one in told if one.at >= incident.opened_at - CLOCKS_DIFFER]
    first = min(own, key=lambda one: one.at, default=None)
    return None if first is None else replace(first, at=min(max(first.at, incident.opened_at), now))
